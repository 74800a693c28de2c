"""The one exception of this package."""


class VideoError(ValueError):
    """A video that cannot be read as asked: one line that names the file, what is wrong and what to do."""

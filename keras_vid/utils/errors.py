"""Errors that a user can cause and mend. Each is one line: what is wrong, where, and what to do.

Whatever else is raised is a fault of this library and keeps its traceback.
"""


class InputError(ValueError):
    """Something that was given cannot be used: an option, a file's content, a combination of settings."""


class UsageError(InputError):
    """Flags or arguments that do not go together: the command exits with 2, as argparse does."""


class MissingFile(InputError, FileNotFoundError):
    """A file or folder that was named does not exist."""

    def __str__(self):
        return str(self.args[0]) if self.args else "a file is missing"


class MissingPackage(InputError, ImportError):
    """An optional package is not installed; the line says how to install it."""


class VideoError(InputError):
    """A video that cannot be read; the line names the file."""

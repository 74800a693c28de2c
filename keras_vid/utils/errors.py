"""Errors that a user can cause and mend. Each is one line: what is wrong, where, and what to do.

Whatever else is raised is a fault of this library and keeps its traceback.
"""


class InputError(ValueError):
    """Something that was given cannot be used: an option, a file's content, a combination of settings."""

    exit_code = 1  # of the command that it ends


class UsageError(InputError):
    """Flags or arguments that do not go together: the command exits with 2, as argparse does."""

    exit_code = 2


class MissingFile(InputError, FileNotFoundError):
    """A file or folder that was named does not exist."""

    def __str__(self):
        return str(self.args[0]) if self.args else "a file is missing"


class MissingPackage(InputError, ImportError):
    """An optional package is not installed; the line says how to install it."""


class VideoError(InputError):
    """A video that cannot be read; the line names the file."""


class DiskFull(Exception):
    """No room for a file; the line names it. Of no other kind, so that no loop over videos takes it for one of them."""

    exit_code = 1

    def __init__(self, path, remedy="make room and run the command again"):
        super().__init__(str(path), remedy)

    def __str__(self):
        path, remedy = self.args
        return f"the disk is full: {path} is not written; {remedy}"


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM that came while something worth keeping was computed; the line says what is kept.

    >>> import signal
    >>> Stopped("the state of step 7 is saved", signal.SIGTERM).exit_code
    143
    """

    def __init__(self, message, number=2):
        super().__init__(message)
        self.exit_code = 128 + number

"""What Ctrl-C and SIGTERM do to a command."""

import contextlib
import signal
import threading

from keras_vid.utils.errors import Stopped


def raise_at_sigterm():
    """Let SIGTERM end a command as Ctrl-C does, so that it leaves nothing half done."""

    def stop(number, frame):
        raise Stopped("stopped by SIGTERM", number)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


@contextlib.contextmanager
def resumable():
    """A command whose work is kept when it is stopped: the line says so. Use it as a decorator."""
    try:
        yield
    except KeyboardInterrupt as error:
        code = getattr(error, "exit_code", 128 + signal.SIGINT)
        by = "SIGTERM" if code == 128 + signal.SIGTERM else "Ctrl-C"
        raise Stopped(
            f"stopped by {by}; what is done is kept, and the same command goes on with it", code - 128
        ) from error

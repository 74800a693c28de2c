"""Worker processes that never outlive the process that started them."""

import contextlib
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process


@contextlib.contextmanager
def process_pool(workers):
    """A ProcessPoolExecutor whose tasks that have not started are dropped where the block fails.

    Its processes end when this one ends, however that happens, and at Ctrl-C, which is left to this one.
    """
    # spawn: TensorFlow does not survive a fork
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)
    before = set(active_children())
    try:
        yield pool
    except KeyboardInterrupt:  # a task may take minutes
        for process in set(active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent():
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()

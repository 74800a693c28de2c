"""Work spread over processes: here, never outliving the one that started them, or wherever Apache Beam runs."""

import atexit
import contextlib
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process

from keras_vid.utils.optional import need


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
    atexit.register(os._exit, 0)  # to take down all that TensorFlow made would take seconds

    def watch():
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def on_beam(function, tasks, runner, workers=None):
    """Call a function of each task on Apache Beam. All files that it names must be visible to all machines.

    Args:
        runner: Such as "DirectRunner" (processes on this machine) or "DataflowRunner".
        workers: Processes of the DirectRunner.
    """
    beam = need("apache_beam", extra="beam")
    from apache_beam.options.pipeline_options import PipelineOptions

    options = {"runner": runner, "save_main_session": False}
    if runner == "DirectRunner":
        options |= {"direct_num_workers": workers or 1, "direct_running_mode": "multi_processing"}
    with beam.Pipeline(options=PipelineOptions.from_dictionary(options)) as pipeline:
        _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(function)

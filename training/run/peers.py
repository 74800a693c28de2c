"""Notice that another worker of the run has died: TensorFlow's own step then waits for it without an end."""

import os
import socket
import sys
import threading

import keras

EVERY = 2.0  # seconds
MISSED = 3  # so many times in a row nobody answered
EXIT = 75  # sysexits' "try again later": a launcher starts this worker again


class Peers(keras.callbacks.Callback):
    """Ends this process with exit code 75 when a worker that was there is gone, until the last step is made.

    Args:
        addresses: host:port of the other workers.
        last: The step after which they may go.
        first: The step that fit begins with.
        leave: What is done then; called with the exit code.
    """

    def __init__(self, addresses, first, last, leave=os._exit):
        super().__init__()
        self.addresses, self.step, self.last, self.leave = addresses, first, last, leave
        self.done, self.thread = threading.Event(), None

    def on_train_begin(self, logs=None):
        if self.thread is None:
            self.thread = threading.Thread(target=self._watch, daemon=True)
            self.thread.start()

    def on_train_batch_end(self, batch, logs=None):
        self.step += self.model.steps_per_execution
        if self.step >= self.last:
            self.done.set()

    def _watch(self):
        missed = {}
        while not self.done.wait(EVERY):
            for address in self.addresses:
                if answers(address):
                    missed[address] = 0
                elif address in missed:  # it was there before
                    missed[address] += 1
                if missed.get(address, 0) >= MISSED and not self.done.is_set():
                    line = f"worker {address} is gone: this one stops too; start all again with --resume"
                    print(f"keras-vid: {line}", file=sys.stderr, flush=True)
                    self.leave(EXIT)
                    return


def answers(address, patience=5.0):
    """Whether somebody listens at host:port.

    >>> answers("127.0.0.1:1")
    False
    """
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=patience):
            return True
    except OSError:
        return False


def others(strategy):
    """Addresses of the other workers of a strategy."""
    resolver = strategy.cluster_resolver
    addresses = resolver.cluster_spec().as_dict().get("worker", [])
    return [address for i, address in enumerate(addresses) if i != resolver.task_id]

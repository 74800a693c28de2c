"""The model that `fit` drives: a network, and a training loop that works under every strategy.

Keras' own loop fails under MultiWorkerMirroredStrategy in two places: it builds itself from a batch reduced over
workers, and it reduces logs that are scalars. Here the batch's shape is known, and the logs are the metrics themselves,
read outside of the replicas, where they are one number over all of them. The loop also takes its batches by hand, so
that the time that a step waits for its input is known.
"""

import time

import keras
import tensorflow as tf


class Trainer(keras.Model):
    """A network under training; what is saved is `network`.

    Args:
        network: Any keras_vid network.
        batch: KerasTensors (clips, labels) like those to come; None of a shape may be open but the first.

    >>> from keras import layers
    >>> network = keras.Sequential([keras.Input((2, 4, 4, 3)), layers.Flatten(), layers.Dense(2, "relu")])
    >>> trainer = Trainer(network, (keras.KerasTensor((1, 2, 4, 4, 3)), keras.KerasTensor((1,), "int32")))
    >>> trainer.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    >>> clips, labels = tf.zeros((1, 2, 4, 4, 3)), tf.zeros(1, tf.int32)
    >>> data = tf.data.Dataset.from_tensors((clips, labels)).repeat()
    >>> history = trainer.fit(data, steps_per_epoch=1, verbose=0, shuffle=False)
    >>> round(history.history["loss"][0], 4), trainer.waited > 0
    (0.6931, True)
    """

    def __init__(self, network, batch):
        super().__init__(name=network.name)
        self.network, self.batch = network, batch
        self.waited = 0.0  # seconds that steps waited for their input, so far

    def call(self, clip, training=None):
        return self.network(clip, training=training)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=self.batch)

    def make_train_function(self, force=False):
        if self.train_function is not None and not force:
            return
        strategy = self.distribute_strategy

        @tf.function(jit_compile=self.jit_compile, reduce_retracing=True, autograph=False)
        def steps(batches):
            for batch in batches:
                strategy.run(self.train_step, args=(batch,))
            return self.get_metrics_result()

        def take_and_train(iterator):
            begin = time.perf_counter()
            batches = [next(iterator) for _ in range(self.steps_per_execution)]
            self.waited += time.perf_counter() - begin
            return steps(batches)

        self.train_function = take_and_train


def input_options():
    """tf.data options of a pipeline that already knows its worker."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options


def distributed(strategy, make, batch):
    """The data of a run, spread over the replicas of this process.

    Args:
        make: Batch size -> tf.data.Dataset with the batches of this worker.
        batch: Clips a replica.
    """
    if strategy.num_replicas_in_sync == 1:
        return make(batch)
    return strategy.distribute_datasets_from_function(lambda context: make(batch).with_options(input_options()))

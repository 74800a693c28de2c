"""Networks computed by Keras, and SavedModels computed by TensorFlow."""

import dataclasses

from keras_vid.saved_models.layout import read_metadata, view_from

from keras_vid.utils.errors import InputError


def of_keras(network, labels=None):
    """`(name, view, logits)` of a Keras network."""
    from keras_vid.inference.load import open_model

    model, view = open_model(network, labels)

    def logits(clips):
        try:
            model.compute_output_shape(clips.shape)
        except ValueError as error:
            raise InputError(f"{clips.shape[1]} frames are too few for {model.name} ({error})") from error
        return model.predict_on_batch(clips)  # compiled: up to ten times as fast as a plain call

    return model.name, view, logits


def of_saved_model(folder):
    """`(name, view, logits)` of a SavedModel that keras-vid export wrote."""
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(folder))
        serve = loaded.signatures["serving_default"]
    except (ValueError, KeyError) as error:
        raise InputError(f"{folder}/saved_model.pb is damaged ({error}): export the network again") from error
    view = view_from(read_metadata(folder), folder)
    view = dataclasses.replace(view, labels=tuple(view.names(serve.structured_outputs["logits"].shape[-1])))

    def logits(clips):
        try:
            return serve(clip=tf.constant(clips))["logits"].numpy()
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"{clips.shape[1]} frames do not fit {folder} ({error.message})") from error

    logits.keep = loaded  # a signature does not keep its weights alive
    return str(folder), view, logits

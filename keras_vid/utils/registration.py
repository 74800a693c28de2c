"""Our layers known to Keras as soon as there is a Keras, without importing it: `import keras_vid` stays quick."""

import importlib
import importlib.abc
import importlib.util
import sys


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Finds Keras as Python does, and imports our layers when Keras has been imported."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("keras")
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module):
                execute(module)
                importlib.import_module("keras_vid.layers")

            spec.loader.exec_module = execute_and_register
        return spec


def register_layers() -> None:
    """After this, `keras.saving.load_model` knows the layers of our networks, whichever is imported first."""
    if "keras" in sys.modules:
        importlib.import_module("keras_vid.layers")
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())

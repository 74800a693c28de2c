"""Optional packages, imported when they are needed."""

import importlib

from keras_vid.utils.errors import MissingPackage


def need(module, extra):
    """Import an optional module, or say in one line how to get it.

    >>> need("json", extra="report").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackage(
            f'this needs {module}, which did not import ({error}): pip install "keras_vid[{extra}]"'
        ) from error

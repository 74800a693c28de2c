"""Variables of MATLAB files."""

from keras_vid.utils.errors import InputError


def variable(path, name):
    """One variable of a .mat file; structs have their fields as attributes."""
    from scipy.io import loadmat

    try:
        variables = loadmat(path, squeeze_me=True, struct_as_record=False)
    except OSError:
        raise
    except Exception as error:  # SciPy raises many kinds on damaged files
        raise InputError(f"{path}: not a .mat file that SciPy reads: {error}") from error
    if name not in variables:
        raise InputError(f"{path}: holds no variable {name}")
    return variables[name]

"""The flag `--engine`, which every command that asks a network has."""

ENGINES = ("auto", "tensorflow", "openvino")


def add_engine_argument(parser):
    """Add `--engine` to a command's parser; its value goes to `open_predictor(engine=)`.

    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_engine_argument(parser)
    >>> parser.parse_args([]).engine
    'auto'
    """
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="auto",
        help="what computes: tensorflow, openvino (needs keras_vid[openvino]), or auto, which is openvino where it is "
        "installed and has a file of the network (default: auto)",
    )

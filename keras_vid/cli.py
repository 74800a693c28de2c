"""The `keras-vid` command: finds the subcommand's file, runs it, and turns every error into one line."""

import argparse
import atexit
import contextlib
import gc
import importlib
import os
import sys
import traceback

from keras_vid.utils.errors import DiskFull, InputError
from keras_vid.utils.stops import raise_at_sigterm

# In the order in which `keras-vid --help` shows them: (the module with the command's code, what it does). The modules
# are addresses in text: nothing of an application is imported before its command is asked for.
COMMANDS = {
    "list": ("keras_vid.commands.list", "networks with their parameters, multiply-adds, frames and weights"),
    "summary": ("keras_vid.commands.summary", "layers of one network with shapes, parameters and multiply-adds"),
    "predict": ("keras_vid.saved_models.commands.predict", "what happens in videos: the most probable labels"),
    "timeline": (
        "keras_vid.saved_models.commands.timeline",
        "what happens when in a long or live video: segments, subtitles, a labelled copy",
    ),
    "stream": ("keras_vid.saved_models.commands.stream", "labels of window after window of a long or live video"),
    "explain": (
        "keras_vid.commands.explain",
        "where and when a network sees an action: class activation over a video, with its curve",
    ),
    "figure": (
        "keras_vid.commands.figure",
        "the papers' figures of networks and runs: weights over time, features, attention, motion, categories",
    ),
    "train": (
        "keras_vid.training.commands.train",
        "a network on your videos, or by a paper's recipe: one run folder with everything in it",
    ),
    "embed": (
        "keras_vid.training.commands.embed",
        "what a network sees in each clip: features as a file, in TensorBoard's projector, the nearest clips",
    ),
    "evaluate": (
        "keras_vid.training.commands.evaluate",
        "top-1, top-5 and more of a run by a named protocol; fusion of several networks",
    ),
    "ablate": (
        "keras_vid.training.commands.ablate",
        "the papers' ablation tables, trained and set beside their numbers",
    ),
    "sequence": (
        "keras_vid.training.commands.sequence",
        "features of frames in a file, and the classifiers of StNet's Table 1 compared on them",
    ),
    "report": ("keras_vid.training.commands.report", "a run on one page, or several runs compared"),
    "convert": (
        "keras_vid.commands.convert",
        "published weights (TF1 checkpoint, .pth, .safetensors, ...) to a .weights.h5 file",
    ),
    "export": ("keras_vid.saved_models.commands.export", "a trained network as a SavedModel for TF Serving"),
    "serve-config": (
        "keras_vid.saved_models.commands.serve_config",
        "the files that TF Serving's official image is started with",
    ),
    "check": (
        "keras_vid.training.commands.check",
        "what is wrong with your videos, before you train on them: a table and one page",
    ),
    "prepare": (
        "keras_vid.training.commands.prepare",
        "a data set into TFRecords of JPEG frames, once, for fast training",
    ),
    "flow": ("keras_vid.commands.flow", "TV-L1 optical flow of videos as pairs of JPEG files"),
    "bench": ("keras_vid.training.commands.bench", "speed: whether the input or the training step holds a run back"),
    "detect": (
        "keras_vid.detection.commands.detect",
        "action detections scored by frame-mAP: JHMDB, UCF101-24, or any table of boxes",
    ),
    "completion": ("keras_vid.commands.completion", "completion of commands and options for bash, zsh or fish"),
}

EPILOG = "keras-vid COMMAND --help explains one command. KERAS_VID_DEBUG=1 shows the traceback behind an error line."


def main(argv=None):
    """Run one subcommand; returns the exit code (0 done, 1 failed; argparse itself exits with 2 on wrong usage).

    As the program itself (without `argv`) it leaves at once where TensorFlow was used and something failed: threads of
    tf.data that still read would wait for a Python that is going away, and it for them. tensorflow_io aborts at every
    exit, and finished work would count as failed. Where all went well, only what Python does last is left out: taking
    down everything that TensorFlow made takes a second.
    """
    if argv is not None:
        return _run(list(argv))
    raise_at_sigterm()
    code = None
    atexit.register(lambda: _leave_when_done(code))  # the first that is registered is called last
    gc.set_threshold(5_000, 10, 10)  # with Python's 700, a sixth of TensorFlow's import is a search for garbage
    try:
        code = _run(sys.argv[1:])
    except Exception:
        traceback.print_exc()
        code = 1
    if (code and "tensorflow" in sys.modules) or "tensorflow_io" in sys.modules:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    return code


def _leave_when_done(code):
    """Leave without what Python does after all that was registered for the exit."""
    if code != 0 or "tensorflow" not in sys.modules or "TF_CONFIG" in os.environ:  # workers take leave of each other
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # `keras-vid list | head`
        pass
    except OSError as error:
        print(f"keras-vid: standard output cannot be written: {error.strerror}", file=sys.stderr, flush=True)
        code = 1
    os._exit(code)


def _run(argv):
    name = argv[0] if argv and argv[0] in COMMANDS else None
    if argv and name is None and not argv[0].startswith("-"):
        import difflib

        close = difflib.get_close_matches(argv[0], COMMANDS, 1, 0.6)
        hint = f"did you mean {close[0]}?" if close else "keras-vid --help shows all"
        print(f"keras-vid: there is no command {argv[0]!r}: {hint}", file=sys.stderr)
        return 2
    args = build_parser([name]).parse_args(argv)
    if name is None:
        build_parser([]).print_help()
        return 2
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up chatter is not the user's concern
    # TensorFlow leaves oneDNN off on CPUs without AVX-512, where a training step of S3D then takes three times as long
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        args.run(args)
        return 0
    except BrokenPipeError:  # `keras-vid list | head`
        sys.stdout = open(os.devnull, "w")
        return 0
    except KeyboardInterrupt as error:  # Stopped says what is saved
        print(f"keras-vid: {error if str(error) else 'interrupted'}", file=sys.stderr)
        return getattr(error, "exit_code", 130)
    except Exception as error:
        expected = isinstance(error, (InputError, OSError, DiskFull))
        if not expected:
            print(
                "keras-vid: this is a fault of keras_vid, not of yours; please report it with these lines:",
                file=sys.stderr,
            )
        if not expected or os.environ.get("KERAS_VID_DEBUG"):
            raise
        print(f"keras-vid: {_line_of(error)}", file=sys.stderr)
        return getattr(error, "exit_code", 1)


def _line_of(error):
    """What an error says, in one line; of one that Keras wraps because a layer raised it, what the layer said."""
    import re

    said = re.match(r"Exception encountered when calling .*?\x1b\[1m(.*?)\x1b\[0m", str(error), re.DOTALL)
    return " ".join((said[1] if said else str(error)).split()) or type(error).__name__


def build_parser(chosen) -> argparse.ArgumentParser:
    """The parser, with the arguments of the chosen subcommands alone: the others' files are not even imported.

    >>> build_parser(["completion"]).parse_args(["completion", "bash"]).shell
    'bash'
    """
    parser = argparse.ArgumentParser(
        prog="keras-vid", description="Video action recognition and localisation in Keras.", epilog=EPILOG
    )
    parser.add_argument("--version", action="version", version=_version())
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for name, (address, line) in COMMANDS.items():
        sub = subparsers.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name in chosen:
            module = importlib.import_module(address)
            module.add_arguments(sub)
            sub.formatter_class, sub.epilog = argparse.RawDescriptionHelpFormatter, module.EXAMPLES
            sub.set_defaults(run=module.run)
    return parser


def _version():
    from keras_vid import __version__

    return f"keras_vid {__version__}"


if __name__ == "__main__":
    sys.exit(main())

"""Numbers, and settings by name (`--set NAME=VALUE`), from a command line: read and checked alike by every command."""

import argparse
import ast
import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from keras_vid.utils.errors import UsageError

WORDS = {"true": True, "yes": True, "false": False, "no": False, "none": None}


def whole(least=1, most=math.inf) -> Callable[[str], int]:
    """The `type` of a flag that is a whole number within bounds.

    >>> whole()("3")
    3
    """
    bounds = f" of at least {least}" if most == math.inf else f" from {least} to {most}"

    def read(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number{bounds}")
        return value

    return read


def number(least=-math.inf, most=math.inf, above=-math.inf, below=math.inf) -> Callable[[str], float]:
    """The `type` of a flag that is a number within bounds, which belong to it (`least`, `most`) or not.

    >>> number(above=0, most=1)("0.5")
    0.5
    """
    bounds = {"of at least": least, "above": above, "up to": most, "below": below}
    words = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound))

    def read(text):
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and least <= value <= most and above < value < below):
            raise argparse.ArgumentTypeError(f"{text} is not a number {words}".rstrip())
        return value

    return read


def parse_settings(texts: Iterable[str], known: Mapping, what="option", flag="--set") -> dict:
    """The settings that `NAME=VALUE` texts name, `{name: value}`.

    A value is read as Python writes it (`3`, `0.5`, `'text'`, `(2, 3)`), or as a word, a fraction or a list with
    commas.

    Args:
        known: The names that there are, with their defaults: a value has to be of the default's kind.
        what: What the names are, in errors.
        flag: The flag that the texts were given with, in errors.

    >>> parse_settings(["fusion=concat", "modules=cmm"], {"fusion": "sum", "modules": ("cstm", "cmm")})
    {'fusion': 'concat', 'modules': ('cmm',)}
    """
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise UsageError(f"{flag} wants NAME=VALUE, not {text!r}")
        check_names([name], known, what, flag)
        settings[name] = _value(value.strip(), isinstance(known[name], (tuple, list)))
        if wanted := _other_kind(settings[name], known[name]):
            example = f", such as {_as_text(known[name])}" if known[name] != () else ""
            raise UsageError(f"{flag} {name}={value.strip()}: {wanted}{example}")
    return settings


def check_names(names: Iterable[str], known: Iterable[str], what="option", flag="--set"):
    """Refuse a name that is not known, and say which one may have been meant."""
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, list(known), 1)
            hint = f"did you mean {close[0]}? There are" if close else "there are"
            raise UsageError(f"{flag} {name}: no such {what}; {hint}: {', '.join(known) or 'none'}")


def _other_kind(value, default):
    """The kind that a value should have and has not, in words; empty where it has the default's."""
    if isinstance(default, tuple | list):
        kinds = {_other_kind(one, default[0] if default else "") for one in value}
        return next((f"{kind} for each, with commas" for kind in kinds if kind), "")
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "yes or no"
    if isinstance(default, int):
        return "" if isinstance(value, int) and not isinstance(value, bool) else "a whole number"
    if isinstance(default, float):
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
    if isinstance(default, str):
        return "" if isinstance(value, str) or value is None else "a word"
    return ""


def _as_text(value):
    if isinstance(value, tuple | list):
        return ",".join(map(_as_text, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _value(text, several):
    if several and not text.startswith(("(", "[")):
        return tuple(_single(part.strip()) for part in text.split(",") if part.strip())
    value = _single(text)
    return tuple(value) if isinstance(value, list) else value


def _single(text):
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        pass
    try:
        return float(Fraction(text)) if "/" in text else text
    except (ValueError, ZeroDivisionError):
        return text

"""The examples in docstrings run. Modules are imported by name, so that each is imported once."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALLED = {"keras_vid": "keras_vid", "training": "keras_vid.training", "detection": "keras_vid.detection"}
INSTALLED |= {"saved_models": "keras_vid.saved_models"}


def modules():
    for folder, package in INSTALLED.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text():
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                yield ".".join((package, *(part for part in parts if part != "__init__")))


@pytest.mark.parametrize("name", list(modules()))
def test_examples_of(name):
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried and not failed

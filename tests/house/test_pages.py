"""README and the pages: their Python runs, their commands are understood, what they link to is there."""

import ast
import functools
import importlib
import re
import shlex
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_vid
from keras_vid.cli import COMMANDS, build_parser
from keras_vid.video import write

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += [ROOT / folder / "README.md" for folder in ("training", "detection", "saved_models")]
PAGES += sorted(path for path in (ROOT / "docs").rglob("*.md") if not {"generated", "_build"} & set(path.parts))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
BLOCK = re.compile(r"(?ms)^```([^\n]*)\n(.*?)^```")


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(path, language):
    return [match[2] for match in BLOCK.finditer(path.read_text()) if match[1].strip() in language]


def commands(path):
    """The lines `keras-vid ...` of a page that can be typed as they stand."""
    for block in blocks(path, ("", "console", "bash", "sh")):
        for line in block.replace("\\\n", " ").splitlines():
            line = re.sub(r"^\s*(\$ )?([A-Z0-9_]+=\S+ )*", "", line)
            if line.startswith("keras-vid ") and not re.search(r"\.\.\.|\[|COMMAND|WHAT|; do ", line):
                yield line


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_what_a_page_links_to_is_there(path):
    text = BLOCK.sub("", path.read_text())
    targets = [target for target in LINK.findall(text) if "://" not in target]
    missing = [target for target in targets if not (path.parent / target).exists() and "generated/" not in target]
    assert missing == []


PARSERS = {}


def parse(line):
    words = shlex.split(line, comments=True)[1:]
    words = words[: words.index("|")] if "|" in words else words
    if words and words[0] in COMMANDS:
        parser = PARSERS.setdefault(words[0], build_parser([words[0]]))
    else:
        parser = PARSERS.setdefault("", build_parser([]))
    return parser.parse_args(words)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_commands_of_a_page_are_understood(path):
    refused = []
    for line in commands(path):
        try:
            parse(line)
        except SystemExit as end:
            if end.code:
                refused.append(line)
    assert refused == []


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_of_a_command_are_understood(name):
    examples = importlib.import_module(COMMANDS[name][0]).EXAMPLES.split("examples:")[1]
    lines = [line.strip() for line in examples.splitlines() if line.strip().startswith("keras-vid ")]
    for line in lines:
        parse(re.split(r"\s{2,}| > ", line)[0])
    assert lines


def test_a_command_that_is_not_there_is_noticed():
    with pytest.raises(SystemExit):
        parse("keras-vid predict a.mp4 --no-such-flag")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_names_that_a_page_imports_are_there(path):
    for block in blocks(path, ("python", "{code-cell} ipython3")):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(blocks(ROOT / "README.md", ("python",)))))
def test_python_of_the_readme_runs(number, tmp_path, monkeypatch):
    """A network with random weights stands for the one whose weights are fetched; all else runs as it is written,
    but for the training step, which is not traced: it is taken once."""
    monkeypatch.chdir(tmp_path)
    write("your_video.mp4", np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), "uint8"))
    create = keras_vid.create
    monkeypatch.setattr(keras_vid, "create", lambda name, weights=None: create("fast_s3d", classes=5, size=32))
    untraced = functools.partialmethod(keras.Model.compile, run_eagerly=True)
    monkeypatch.setattr(keras.Model, "compile", untraced)
    exec(compile(blocks(ROOT / "README.md", ("python",))[number], "README.md", "exec"), {})

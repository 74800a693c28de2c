"""The house plan: which room may import which. Imports inside functions count like those at the top.

detection -> training -> saved_models -> keras_vid -> keras
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FLOORS = {"keras_vid": 0, "keras_vid.saved_models": 1, "keras_vid.training": 2, "keras_vid.detection": 3}
FOLDERS = {"keras_vid": "keras_vid", "saved_models": "keras_vid.saved_models"}
FOLDERS |= {"training": "keras_vid.training", "detection": "keras_vid.detection"}


def modules(root=ROOT):
    """{module's name: its file}"""
    found = {}
    for folder, package in FOLDERS.items():
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


def imports(path, known, types=False):
    """The modules of `known` that a file imports; what only a type checker reads is left out."""
    tree = ast.parse(path.read_text())
    unread = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            unread |= {id(child) for child in ast.walk(node)}
    names = set()
    for node in ast.walk(tree):
        if id(node) in unread:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    whole = {name for name in names if name in known}
    return whole - {name for name in whole if any(other.startswith(f"{name}.") for other in whole)}


def floor(name):
    return max(level for package, level in FLOORS.items() if name == package or name.startswith(f"{package}."))


def graph(root=ROOT):
    known = modules(root)
    return {name: imports(path, known) - {name} for name, path in known.items()}


def arrows_up(arrows):
    return [(name, other) for name, others in arrows.items() for other in others if floor(other) > floor(name)]


def circle(arrows):
    """The modules of one circle of imports, or None."""
    state, trail = {}, []

    def visit(name):
        state[name] = "open"
        trail.append(name)
        for other in sorted(arrows[name]):
            if state.get(other) == "open":
                return trail[trail.index(other) :]
            if other not in state and (found := visit(other)):
                return found
        state[name] = "done"
        trail.pop()
        return None

    return next((found for name in sorted(arrows) if name not in state and (found := visit(name))), None)


def test_no_arrow_runs_up():
    assert arrows_up(graph()) == []


def test_no_circle():
    assert circle(graph()) is None


@pytest.mark.parametrize("name", sorted(name for name in modules() if floor(name) == 0))
def test_the_core_imports_no_tensorflow(name):
    tree = ast.parse(modules()[name].read_text())
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            assert not any(found.split(".")[0] == "tensorflow" for found in names)


def test_a_turned_arrow_is_noticed():
    arrows = graph()
    arrows["keras_vid.view"].add("keras_vid.training.recipes")
    assert arrows_up(arrows) == [("keras_vid.view", "keras_vid.training.recipes")]
    arrows = graph()
    arrows["keras_vid.models.variants"].add("keras_vid.models.create")
    assert "keras_vid.models.create" in circle(arrows)


def test_folders_stay_small():
    """At most 12 files of its own in a folder, beside __init__.py."""
    full = {}
    for path in modules().values():
        if path.name != "__init__.py":
            full[path.parent] = full.get(path.parent, 0) + 1
    assert {str(folder): count for folder, count in full.items() if count > 12} == {}


def test_files_and_functions_stay_short():
    long = []
    for name, path in modules().items():
        text = path.read_text()
        if text.count("\n") > 250:
            long.append(f"{name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno - node.lineno >= 60:
                long.append(f"{name}: {node.name} has {node.end_lineno - node.lineno + 1} lines")
    assert long == []

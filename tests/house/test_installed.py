"""The built wheel: one installed name, which works in a folder that has folders of the same names as ours."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import keras_vid, keras_vid.training.recipes, keras_vid.detection.recipes, keras_vid.saved_models
print(keras_vid.__file__, keras_vid.training.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("keras_vid", "training", "detection", "saved_models"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_nothing_but_keras_vid_is_installed(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"keras_vid"}
    for name in (
        "keras_vid/py.typed",
        "keras_vid/weights/labels/kinetics400.txt",
        "keras_vid/training/recipes/__init__.py",
    ):
        assert name in names
    for folder in ("training", "detection", "saved_models"):
        sources = {f"keras_vid/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / folder).rglob("*.py")}
        assert sources == {name for name in names if name.startswith(f"keras_vid/{folder}/") and name.endswith(".py")}
    core = {path.relative_to(ROOT).as_posix() for path in (ROOT / "keras_vid").rglob("*.py")}
    assert core <= set(names)


@pytest.mark.slow
def test_folders_of_the_same_names_shadow_nothing(wheel, tmp_path):
    home, place = tmp_path / "env", tmp_path / "work"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin/python"
    site = subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    zipfile.ZipFile(wheel).extractall(site)
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (Path(site) / "dependencies.pth").write_text(f"{ours}\n")  # TensorFlow and the rest, without installing them again
    for name in ("training", "detection", "saved_models"):
        (place / name).mkdir(parents=True)
        (place / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    run = {"cwd": place, "capture_output": True, "text": True}
    listed = subprocess.run([python, "-m", "keras_vid.cli", "train", "--recipes"], **run)
    assert listed.returncode == 0 and "s3dg/mini_kinetics200" in listed.stdout, listed.stderr
    shown = subprocess.run([python, "-c", PROGRAM], **run)
    assert shown.returncode == 0 and str(site) in shown.stdout.split()[1], shown.stderr

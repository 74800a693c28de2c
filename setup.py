"""Which folders are installed as what; everything else is declared in pyproject.toml.

`training/`, `detection/` and `saved_models/` stand at the top, as their users want them, and are installed inside the
one package: `keras_vid.training` and so on.
"""

from setuptools import find_packages, setup

APPLICATIONS = ("training", "detection", "saved_models")

packages = ["keras_vid", *(f"keras_vid.{name}" for name in find_packages("keras_vid"))]
for folder in APPLICATIONS:
    packages += [f"keras_vid.{folder}", *(f"keras_vid.{folder}.{name}" for name in find_packages(folder))]

setup(packages=packages, package_dir={f"keras_vid.{folder}": folder for folder in APPLICATIONS})

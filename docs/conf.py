"""Sphinx: `make docs` builds the site of these pages into docs/_build/html."""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_VID_READY", "0")
DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "examples")]

import generate

import keras_vid

generate.generate()

project, author, version = "keras_vid", "The keras_vid authors", keras_vid.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "**/*.ipynb", "generated/gallery/*.py", "generated/gallery/*.md5"]
html_theme = "furo"
html_title = f"keras_vid {version}"
html_show_sphinx = html_show_copyright = False
default_role = "code"
smartquotes = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "auto"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
suppress_warnings = ["misc.highlighting_failure", "config.cache", "myst-nb.lexer"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "generated/gallery",
    "filename_pattern": r"/\w+\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1,
}


def follow_links(app, name, source):
    """Links to the READMEs of the parts lead to their copies in the site."""
    if not name.startswith("generated/"):
        page = Path(app.srcdir, f"{name}.md")
        if page.is_file():
            source[0] = generate.moved(page, page.parent)


def setup(app):
    app.connect("source-read", follow_links)

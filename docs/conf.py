"""The documentation site: `python -m sphinx -W --keep-going docs docs/_build`, with `pip install -e '.[docs]'`."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import dogo_tf  # noqa: E402

project = "dogo_tf"
author = "the dogo_tf authors"
copyright = f"{author}; Apache License 2.0"
version = release = dogo_tf.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "binary_flags",
    "mathml",
]
exclude_patterns = ["_build", "_extensions"]
nitpicky = False
default_role = "code"  # docstrings put names between single backticks

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = False

html_theme = "furo"
html_title = f"dogo_tf {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
# The command line's prompt and output stay out of what the copy button takes.
copybutton_prompt_text = "$ "

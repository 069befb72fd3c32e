"""The documentation site: `python -m sphinx -W --keep-going docs docs/_build`, with `pip install -e '.[docs]'`."""

import inspect
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

import dogo_tf  # noqa: E402
from dogo_tf.platform.keras_compat import keras  # noqa: E402

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
smartquotes = False  # commands are to be copied
default_role = "code"  # docstrings put names between single backticks

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 4

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
add_module_names = False
python_maximum_signature_line_length = 80

html_theme = "furo"
html_title = f"dogo_tf {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
# The command line's prompt and output stay out of what the copy button takes.
copybutton_prompt_text = "$ "


def signature_of_init(app, what, name, obj, options, signature, return_annotation):
    """Keras' models take any arguments in __new__, which autodoc would show instead of those of __init__."""
    if what == "class" and issubclass(obj, keras.Model):
        parameters = list(inspect.signature(obj.__init__).parameters.values())[1:]
        untyped = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        return str(inspect.Signature(untyped)), None
    return None


def setup(app):
    app.connect("autodoc-process-signature", signature_of_init)

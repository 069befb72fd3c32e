"""Reports in one HTML file, by templates (Jinja2): everything in them is escaped, and nothing comes from the network.

The templates lie in templates/: base.html is the page and its style, parts.html the tables and pictures that reports share.
"""

import base64
import functools


def render(template: str, **values) -> str:
    """The page that templates/<template> makes of `values`. A name that the template knows and `values` lacks is an error."""
    return _environment().get_template(template).render(**values)


def data_uri(content: bytes, mime_type: str) -> str:
    """For the src of an image: the image itself. A browser runs no script of an SVG that it shows so."""
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"


@functools.cache
def _environment():
    import jinja2  # only where a report is written

    return jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

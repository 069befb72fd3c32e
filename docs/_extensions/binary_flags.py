"""`{binary-flags} dogo_tf.experiments.pretrain`: what a binary does and every flag it has, from the binary itself."""

import importlib
import re
import textwrap

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class BinaryFlags(SphinxDirective):
    """The module's docstring, then its FLAGS as a definition list with a target for each: #dogo-pretrain-epochs."""

    required_arguments = 2  # the command, its module

    def run(self):
        command, name = self.arguments
        module = importlib.import_module(name)
        flags = nodes.definition_list(classes=["flags"])
        for flag in (module.FLAGS[name] for name in module.FLAGS):
            flags += self._item(command, flag)
        return [*self._description(module.__doc__), flags]

    def _description(self, text):
        """Paragraphs as they are; indented ones are commands."""
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            if paragraph.startswith("  "):
                code = textwrap.dedent(paragraph)
                yield nodes.literal_block(code, code, language="sh")
            else:
                yield nodes.paragraph(text=paragraph)

    def _item(self, command, flag):
        term = nodes.term(ids=[f"{command}-{flag.name.replace('_', '-')}"])
        term += nodes.literal(text=f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}")
        if flag.default not in (None, "", []):
            term += nodes.Text(" = ")
            term += nodes.literal(text=flag.default_as_str.strip("'"))
        return nodes.definition_list_item("", term, nodes.definition("", nodes.paragraph(text=flag.help)))


def setup(app):
    app.add_directive("binary-flags", BinaryFlags)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

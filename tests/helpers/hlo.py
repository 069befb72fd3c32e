"""HLO, XLA's intermediate form, and what in it a TPU could not run."""

import re

from dogo_tf.platform.keras_compat import tf


def hlo(function, *arguments) -> str:
    compiled = tf.function(function, jit_compile=True, autograph=False)
    return compiled.experimental_get_compiler_ir(*arguments)(stage="hlo")


def lint(text: str) -> list[str]:
    """Dynamic dimensions (written <=n) and calls out of XLA."""
    return re.findall(r"\[[\d,]*<=[^\]]*\]|custom-call", text)

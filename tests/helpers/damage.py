"""Damage to a file's bytes, by a random generator."""

import numpy as np


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    """With one to three bits flipped."""
    damaged = bytearray(content)
    for place in rng.integers(len(damaged), size=rng.integers(1, 4)):
        damaged[place] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    """Without its end."""
    return content[: rng.integers(len(content))]

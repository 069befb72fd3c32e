"""Folders of small labelled images."""

import struct
import zlib

import numpy as np
from PIL import Image


def make_folder(path, per_class=24, size=16, splits=("train", "val")):
    rng = np.random.default_rng(0)
    for split in splits:
        for label, colour in (("dark", 60), ("light", 190)):
            (path / split / label).mkdir(parents=True)
            for i in range(per_class):
                pixels = np.clip(rng.normal(colour, 30, (size, size, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(path / split / label / f"{i}.png")
    return path


def declare_png(path, side):
    """A PNG file that says it has side x side pixels, and has none."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(b""), b"IEND")
    body = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)

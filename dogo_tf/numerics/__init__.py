"""Arithmetic that losses share: similarities of unit rows, and large ones in blocks that are computed again."""

"""Local views (multi-crop; SwAV, Caron et al., 2020): small crops of an image, compared with its two global views."""

from __future__ import annotations

import contextlib
from typing import Any

from dogo_tf.encoders._twin import at_size
from dogo_tf.errors import InputError
from dogo_tf.platform import ranges
from dogo_tf.step import moving_averages


class LocalViews:
    """How many local views a peer looks at, of which size, and its encoder for images of that size.

    Attributes:
        count: of every image, 0 for none. size: side in pixels.
        encoder: keras.Model [B, size, size, 3] -> h [B, d_h], of the very layers of the peer's encoder; None if count is 0.
    """

    def __init__(self, peer: str, encoder, count: int, size: int | None):
        """
        Args:
            peer: its name, for messages. encoder: the peer's.
            size: half the side of the encoder's images, if not given.
        Raises:
            InputError: a number out of range, or a size that the encoder cannot take.
        """
        ranges.check("local_views", count)
        ranges.check("local_size", size)
        full = encoder.input_shape[1]
        self.count, self.size = count, size or full // 2
        self.encoder: Any = None
        if not count:
            return
        if self.size > full:
            raise InputError(f"local_size: expected at most {full}, the side of the other views; got {self.size}")
        try:
            self.encoder = at_size(encoder, self.size)
        except ValueError as error:
            raise InputError(
                f"local_size: the encoder of peer {peer!r} cannot take images of {self.size} pixels: {error}; "
                f"expected another size up to {full}, or local_views=0 for this peer"
            ) from error


@contextlib.contextmanager
def unseen_by_averages(models, training: bool):
    """Within it, batch normalisation takes its statistics of what it sees, but its moving averages stay.

    They are those of whole views, for which encoders are deployed; small crops have others (Touvron et al., 2019, "Fixing the
    train-test resolution discrepancy").
    """
    averages = [v for model in models for v in moving_averages.of(model)] if training else []
    before = moving_averages.values(averages)
    yield
    moving_averages.assign(averages, before)

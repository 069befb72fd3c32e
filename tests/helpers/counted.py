"""A source that counts how many of its images it is asked for."""

from dogo_tf.sources.source import ImageSource


class Counted(ImageSource):
    """Reads from `images`, uint8 [N, S, S, 3].

    Attributes:
        largest: the most images that were asked for at a time. total: how many, over all times.
    """

    def __init__(self, images):
        super().__init__(images.shape[1], "counted")
        self._images = images
        self.largest = self.total = 0

    def __len__(self):
        return len(self._images)

    def read(self, rows):
        self.largest, self.total = max(self.largest, len(rows)), self.total + len(rows)
        return self._images[rows]

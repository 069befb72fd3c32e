"""A picture of what the peers see: one row per image, the image and then both views of each peer."""

import io

import numpy as np
from PIL import Image

from dogo_tf.platform.files import write_atomically
from dogo_tf.platform.keras_compat import tf
from dogo_tf.step import inputs

MAGNIFIED_SIDE = 96  # pixels on the screen that a view gets at least
GAP = 2


def log_view_grid(model, images: np.ndarray, folder) -> None:
    """Writes the views that the first examples of a run would get to views.png and to TensorBoard, at step 0.

    Args:
        model: a DoGo. images: uint8 [n, S, S, 3]. folder: RunFolder.
    """
    views = inputs.views_of_each_peer(
        tf.constant(images), model.peers, model.view_recipes, model.views, model.seed, tf.constant(0, tf.int64)
    )
    columns = [images] + [np.asarray(view) for pair in views for view in pair]
    grid = picture(np.stack([np.clip(np.round(column), 0, 255).astype(np.uint8) for column in columns], axis=1))
    png = io.BytesIO()
    Image.fromarray(grid).save(png, "PNG")
    write_atomically(folder.views, png.getvalue())
    with tf.summary.create_file_writer(str(folder.tensorboard)).as_default(0):
        names = ", ".join(f"{peer.name} a, b" for peer in model.peers)
        tf.summary.image("views", grid[np.newaxis], description=f"columns: image, {names}")


def picture(cells: np.ndarray) -> np.ndarray:
    """uint8 [rows, columns, S, S, 3] -> one picture uint8 [height, width, 3], small cells magnified, with white gaps."""
    rows, columns, side = cells.shape[:3]
    factor = max(1, -(-MAGNIFIED_SIDE // side))
    cells = cells.repeat(factor, axis=2).repeat(factor, axis=3)
    step = side * factor + GAP
    out = np.full((rows * step + GAP, columns * step + GAP, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            y, x = row * step + GAP, column * step + GAP
            out[y : y + step - GAP, x : x + step - GAP] = cells[row, column]
    return out

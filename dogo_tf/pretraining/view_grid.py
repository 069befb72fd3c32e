"""A picture of what the peers see: one row per image, the image and then the views of each peer."""

import io

import numpy as np
from PIL import Image

from dogo_tf.platform.files import write_atomically
from dogo_tf.platform.keras_compat import tf
from dogo_tf.reporting.captioned_grid import captioned_grid
from dogo_tf.step import inputs
from dogo_tf.types import Crops
from dogo_tf.views.crops import CropPlan

SHOWN = 8


def log_view_grid(model, images, folder, crops: CropPlan | None = None) -> None:
    """Writes the views that images drawn at random would get first in a run to views.png and to TensorBoard, at step 0.

    Args:
        model: a DoGo; its seed draws the images, which in a folder come class by class. images: uint8 [N, S, S, 3] of the run,
            which may be larger than the views.
        folder: RunFolder. crops: of a run that cuts views out of the original pictures.
    """
    chosen = np.random.default_rng(model.seed).permutation(len(images))[:SHOWN]
    chosen = np.sort(chosen)
    shown = images[chosen]
    first = tf.constant(shown)
    if crops is not None:
        cut = images.crops(chosen, crops.uniforms(tf.range(len(chosen), dtype=tf.int64)).numpy(), crops.requests)
        first = Crops({view.key: tf.constant(of) for view, of in zip(crops.requests, cut, strict=True)})
    views = inputs.views_of_each_peer(
        first, model.peers, model.view_recipes, model.views, model.seed, tf.constant(0, tf.int64)
    )
    columns = [np.asarray(view) for of_peer in views for view in (of_peer.a, of_peer.b, *of_peer.local)]
    names = [["view a", "view b", *(f"local {k + 1}" for k in range(len(of_peer.local)))] for of_peer in views]
    headings = [(peer.name, name) for peer, of_peer in zip(model.peers, names, strict=True) for name in of_peer]
    write_view_grid(folder, shown, columns, headings)


def write_view_grid(folder, shown, columns, headings) -> None:
    """
    Args:
        folder: RunFolder. shown: images uint8 [n, S, S, 3]. columns: views of them, float [n, S', S', 3] in 0..255, each.
        headings: two lines over each column.
    """
    columns = [_resized(shown, columns[0].shape[1]), *columns]
    columns = [np.clip(np.round(column), 0, 255).astype(np.uint8) for column in columns]
    cells = [image for row in zip(*columns, strict=True) for image in row]
    grid = captioned_grid(cells, columns=len(columns), headings=[("", "image"), *headings])
    png = io.BytesIO()
    grid.save(png, "PNG")
    write_atomically(folder.views, png.getvalue())
    with tf.summary.create_file_writer(str(folder.tensorboard)).as_default(0):
        names = ", ".join(" ".join(words) for words in headings)
        tf.summary.image("views", np.asarray(grid)[np.newaxis], description=f"columns: image, {names}")


def _resized(images: np.ndarray, side: int) -> np.ndarray:
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR)) for image in images]
    )

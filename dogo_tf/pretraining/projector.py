"""Features for TensorBoard's embeddings projector: points that show their image and their label."""

import io
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from dogo_tf.data.image_set import ImageSet
from dogo_tf.encoders._precision import as_float32
from dogo_tf.evaluate.features import embed
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.plain_text import printable

MAX_IMAGES = 1024
THUMBNAIL_SIDE = 64  # at most; a sprite of 32 x 32 of them stays far below the 8192 pixels that browsers take


def write_projector(folder, peers, images: ImageSet) -> None:
    """Writes projector_config.pbtxt into TensorBoard's folder, and what it names into the sub-folder projector/.

    tensors_<peer>.tsv  features [n, d], a row per image     metadata.tsv  label, number and file of each image
    sprite.png          the thumbnails, row by row, in a square grid

    Args:
        folder: TensorBoard's log folder. peers: with `name` and `encoder`. images: labelled or not; of more than 1,024 an
            evenly spaced choice of them is shown.
    """
    folder = Path(folder)
    files = folder / "projector"
    files.mkdir(parents=True, exist_ok=True)
    numbers = np.linspace(0, len(images.images) - 1, min(MAX_IMAGES, len(images.images))).round().astype(int)
    shown = images.images[numbers]
    side = min(THUMBNAIL_SIDE, shown.shape[1])
    write_atomically(files / "sprite.png", _png(sprite(shown, side)))
    write_atomically(files / "metadata.tsv", metadata(images, numbers).encode())
    config = ProjectorConfig()
    for peer in peers:
        name = f"tensors_{peer.name}.tsv"
        write_atomically(files / name, _tsv(embed(as_float32(peer.encoder), shown)))
        # TensorBoard wants paths relative to the configuration.
        embedding = config.embeddings.add(
            tensor_name=peer.name, tensor_path=f"projector/{name}", metadata_path="projector/metadata.tsv"
        )
        embedding.sprite.image_path = "projector/sprite.png"
        embedding.sprite.single_image_dim.extend([side, side])
    write_atomically(folder / "projector_config.pbtxt", text_format.MessageToString(config).encode())


def sprite(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 [n, S, S, 3] -> [c * side, c * side, 3]: thumbnails row by row in the smallest square grid, c * c >= n."""
    columns = int(np.ceil(np.sqrt(len(images))))
    cells = np.zeros((columns * columns, side, side, 3), np.uint8)
    for cell, image in zip(cells, images, strict=False):
        cell[:] = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))
    grid = cells.reshape(columns, columns, side, side, 3).swapaxes(1, 2)
    return grid.reshape(columns * side, columns * side, 3)


def metadata(images: ImageSet, numbers: np.ndarray) -> str:
    """A line per image under a line of names; a single column has none, as the projector takes it for data there."""
    columns = {"image": [str(number) for number in numbers]}
    if images.labels is not None:
        columns = {"label": [images.class_names[images.labels[number]] for number in numbers], **columns}
    if images.files:
        columns["file"] = [images.files[number] for number in numbers]
    rows = list(zip(*columns.values(), strict=True))
    lines = rows if len(columns) == 1 else [tuple(columns), *rows]
    # Tabs and line breaks, which file names may hold, would shift the table; bytes that are no UTF-8 could not be written.
    return "".join("\t".join(printable(" ".join(cell.split())) for cell in line) + "\n" for line in lines)


def _tsv(features: np.ndarray) -> bytes:
    text = io.BytesIO()
    np.savetxt(text, features, fmt="%.6g", delimiter="\t")
    return text.getvalue()


def _png(pixels: np.ndarray) -> bytes:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    return png.getvalue()

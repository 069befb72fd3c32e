"""Exports a peer's encoder to SavedModel and TFLite and checks every file against Keras on the run's images.

  dogo-export --run_dir=runs/pair --peer=wrn_10_2

Input of every file: uint8 pixel values [B, H, W, 3], RGB; output: float32 features [B, d]. Each .tflite has a JSON file beside
it that states this contract, the measured parity and a checksum. A .tflite that fails its parity check is not written.
"""

from pathlib import Path

from absl import flags

from dogo_tf import data
from dogo_tf.errors import InputError
from dogo_tf.experiments import app
from dogo_tf.export import tflite
from dogo_tf.export.pipeline import Exported, export_encoder
from dogo_tf.run_folder import RunFolder
from dogo_tf.table import text_table

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", None, "Folder of a dogo-pretrain run.", flag_values=FLAGS)
flags.DEFINE_string("peer", None, "Which peer's encoder; may be left out if the run has one.", flag_values=FLAGS)
flags.DEFINE_string("out", None, "Folder for the files; <run_dir>/export/<peer> if not given.", flag_values=FLAGS)
flags.DEFINE_list("formats", ",".join(tflite.FORMATS), "TFLite formats to write.", flag_values=FLAGS)
flags.DEFINE_string("dataset", None, "Images for the parity check; the run's data if not given.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; the run's own if not given.", flag_values=FLAGS
)
flags.DEFINE_string("split", None, "Split of those images; the run's own if not given.", flag_values=FLAGS)
flags.DEFINE_integer("parity_images", 512, "How many images the check compares, at least 256.", flag_values=FLAGS)
flags.DEFINE_bool("overwrite", False, "Replace files of an earlier export.", flag_values=FLAGS)


def main() -> None:
    app.required(FLAGS, "run_dir")
    folder = RunFolder(FLAGS.run_dir)
    config = folder.config()
    peer = FLAGS.peer or _only_peer(folder)
    encoder = folder.load_encoder(peer)
    settings = config["settings"]
    images = data.load(
        FLAGS.dataset or settings["dataset"],
        FLAGS.split or settings["split"],
        config["data"]["image_size"],
        FLAGS.data_dir or settings["data_dir"],
        prepare=bool(FLAGS.data_dir) or not settings["data_dir"],
    ).images
    out = Path(FLAGS.out) if FLAGS.out else folder.path / "export" / peer
    exported = export_encoder(encoder, out, images[: FLAGS.parity_images], FLAGS.formats, FLAGS.overwrite)
    print(table(exported))
    print(f"wrote {out}")


def table(exported: list[Exported]) -> str:
    """A row per file: size and parity."""
    head = ["format", "file", "kB", "largest difference", "smallest cosine", "same 5 neighbours %"]
    rows = [
        [
            item.format,
            item.path.name,
            f"{item.size_bytes / 1000:.0f}",
            f"{item.parity.relative_difference:.1e}",
            f"{item.parity.cosine_min:.6f}",
            f"{100 * item.parity.neighbour_overlap:.1f}",
        ]
        for item in exported
    ]
    return text_table(head, rows)


def _only_peer(folder: RunFolder) -> str:
    peers = folder.peer_names()
    if len(peers) != 1:
        raise InputError(f"--peer: which encoder is to be exported? The run has: {', '.join(peers) or 'none yet'}")
    return peers[0]


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)

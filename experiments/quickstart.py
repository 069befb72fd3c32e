"""From nothing to a .tflite file in about four minutes on two CPU cores, on real code paths throughout.

  dogo-quickstart

Pre-trains WRN-10-2 next to WRN-16-2 without labels on `patterns`, the data set that comes with this package; probes both, and
a randomly initialised WRN-10-2 for comparison; exports the small one; and prints one table.
"""

import dataclasses
import json
import time

from absl import flags

from dogo_tf import data, encoders
from dogo_tf.errors import InputError
from dogo_tf.evaluate.probe import FRACTIONS, probe
from dogo_tf.experiments import app
from dogo_tf.platform.files import write_atomically
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining.settings import AUTO, PretrainSettings, peer_specs
from dogo_tf.reporting.provenance import provenance
from dogo_tf.reporting.table import percent, text_table
from dogo_tf.runs.folder import CONFIG, RunFolder

BIG, SMALL = "wrn_16_2", "wrn_10_2"

FLAGS = flags.FlagValues()
flags.DEFINE_string("run_dir", "runs/quickstart", "Folder for everything that is written.", flag_values=FLAGS)
flags.DEFINE_string(
    "data_dir", None, "Where TFDS keeps prepared data sets; its own default if not given.", flag_values=FLAGS
)
flags.DEFINE_integer("epochs", 2, "Passes over the 10,000 training images.", flag_values=FLAGS)
flags.DEFINE_string(
    "split", "train", "Images to pre-train on, e.g. 'train[:1000]' for a quicker look.", flag_values=FLAGS
)
flags.DEFINE_integer("batch_size", 128, "Images per step.", flag_values=FLAGS)
flags.DEFINE_string(
    "strategy", "auto", "Devices: auto, none, mirrored or tpu; see dogo-pretrain --help.", flag_values=FLAGS
)
flags.DEFINE_integer("seed", 0, "Seed of weights, data order, views and label subsets.", flag_values=FLAGS)
flags.DEFINE_bool(
    "overwrite",
    True,
    "Replace an earlier quickstart in run_dir; given in words, any other run, too.",
    flag_values=FLAGS,
)


def _check_no_other_run_is_lost(settings: PretrainSettings) -> None:
    """InputError for the run of somebody's own images, unless --overwrite says that it may go."""
    folder = RunFolder(settings.run_dir)
    if not (folder.path / CONFIG).is_file() or not FLAGS["overwrite"].using_default_value:
        return
    config = folder.config()
    dataset, peers = config["settings"]["dataset"], [(peer["name"], peer.get("encoder")) for peer in config["peers"]]
    # Not the objectives' text, in which earlier versions did not spell out the temperature.
    if (dataset, peers) != (settings.dataset, [(name, encoder) for name, encoder, _ in peer_specs(settings.peers)]):
        raise InputError(
            f"--run_dir: {folder.path} holds another run, of {dataset}; choose another folder, or "
            "replace it by --overwrite"
        )


def main() -> None:
    started = time.monotonic()
    app.required(FLAGS, "run_dir")
    if FLAGS.strategy == "multi_worker":
        raise InputError("--strategy: the quickstart is for one machine; use dogo-pretrain for several workers")
    settings = PretrainSettings(
        dataset="patterns",
        run_dir=FLAGS.run_dir,
        data_dir=FLAGS.data_dir,
        split=FLAGS.split,
        peers=(f"{BIG}:simclr", f"{SMALL}:simclr"),
        epochs=FLAGS.epochs,
        batch_size=FLAGS.batch_size,
        precision=AUTO,
        strategy=FLAGS.strategy,
        seed=FLAGS.seed,
    )
    _check_no_other_run_is_lost(settings)
    # These load TensorFlow, which a mistyped flag need not wait for.
    from dogo_tf.export.pipeline import Options, export_encoder
    from dogo_tf.pretraining.pretrain import pretrain

    print(f"1/3 pre-training {SMALL} next to {BIG} without labels", flush=True)
    folder = pretrain(settings, overwrite=FLAGS.overwrite)

    print("2/3 probing: what are the frozen features worth with few labels?", flush=True)
    train, test = (data.load("patterns", split, data_dir=FLAGS.data_dir) for split in ("train", "test"))
    keras.utils.set_random_seed(FLAGS.seed)
    candidates = {
        f"{SMALL}, random": encoders.build(SMALL, test.images.shape[1], *data.pixel_statistics(train.images)),
        f"{SMALL}, pre-trained": folder.load_encoder(SMALL),
        f"{BIG}, pre-trained": folder.load_encoder(BIG),
    }
    probes = {name: probe(encoder, train, test, FRACTIONS, FLAGS.seed) for name, encoder in candidates.items()}

    print(f"3/3 exporting {SMALL} to SavedModel and TFLite", flush=True)
    options = Options(formats=("float32", "float16"), overwrite=True)
    unlabelled = [dataclasses.replace(part, labels=None) for part in (train, test)]  # probed above
    out = folder.path / "export" / SMALL
    exported = export_encoder(folder.load_encoder(SMALL), out, *unlabelled, options).items
    minutes = (time.monotonic() - started) / 60
    files = {item.format: item for item in exported}
    report = {
        **provenance(),
        "minutes": minutes,
        "settings": folder.config()["settings"],
        "probes": {name: result.as_dict() for name, result in probes.items()},
        "parameters": {name: encoder.count_params() for name, encoder in candidates.items()},
        "files": {name: {"bytes": f.size_bytes, "parity": vars(f.parity)} for name, f in files.items()},
    }
    write_atomically(folder.path / "quickstart.json", (json.dumps(report, indent=1) + "\n").encode())
    print(f"\n{summary(report)}\n\ndeploy  {files['float16'].path}\nlook at {folder.views}: what the peers saw")


def summary(report: dict) -> str:
    """What a finished quickstart prints, from what it keeps in quickstart.json."""
    head = ["accuracy in %", "parameters", "kNN", *(f"linear, {100 * share:g} %" for share in FRACTIONS)]
    rows = [
        [name, f"{report['parameters'][name]:,}", percent(found["knn"]["accuracy"])]
        + [percent(found["linear"][f"{share:g}"]["accuracy"]) for share in FRACTIONS]
        for name, found in report["probes"].items()
    ]
    files = [
        f"{name} {report['files'][name]['bytes'] / 1000:,.0f} kB "
        f"(differs by {report['files'][name]['parity']['relative_difference']:.0e})"
        for name in ("float32", "float16")
    ]
    return (
        f"{text_table(head, rows)}\n\nlinear, 1 %: a linear classifier on the features, with 1 % of the labels\n"
        f"{SMALL} as .tflite: {', '.join(files)}\n{report['minutes']:.1f} minutes"
    )


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)

"""Turns a pre-trained encoder and labels, few or partly wrong, into a classifier.

  dogo-finetune --encoder=runs/pair#wrn_10_2 --dataset=photos --test_split=val --run_dir=runs/classifier
  dogo-finetune --encoder=encoder.keras --dataset=runs/labels.csv --loss=generalised_cross_entropy --run_dir=runs/robust
  dogo-finetune --encoder=small=runs/pair#wrn_10_2,big=runs/pair#wrn_16_2 --dataset=photos --run_dir=runs/both
  dogo-finetune --encoder=runs/pair#wrn_10_2 --teachers=big=runs/big_classifier --unlabelled=all_photos --dataset=photos \\
      --run_dir=runs/taught

The head begins as a linear probe of the labels; then all weights go on learning. Several encoders teach each other; finished
classifiers (--teachers) teach them, also on images without labels (--unlabelled). The run folder is that of dogo-pretrain, with
checkpoints, --resume and the same exit codes; its encoders/<name>.keras are classifiers, which know their classes by name, and
with --test_split there is accuracy.json.

Next: dogo-export --run_dir=..., then dogo-predict --labels.
"""

import dataclasses
import shlex

from absl import flags

from dogo_tf.errors import InputError
from dogo_tf.experiments import app, run_flags
from dogo_tf.finetuning.settings import LOSSES, PRECISIONS, FinetuneSettings
from dogo_tf.platform import plugins

DEFAULTS = {field.name: field.default for field in dataclasses.fields(FinetuneSettings)}

FLAGS = flags.FlagValues()


def _flag(define, name: str, text: str):
    define(name, DEFAULTS[name], text, flag_values=FLAGS)


flags.DEFINE_list(
    "encoder",
    "",
    "What is fine-tuned: a run and its peer (runs/pair#wrn_10_2), a .keras file of an encoder or a classifier, or the name of "
    "an encoder, which begins with random weights; name=... to call its classifier otherwise. Several, separated by commas, "
    "teach each other.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "dataset",
    None,
    "Labelled images: a folder with a sub-folder for each class, a list (.csv or .parquet with path,label), tar archives or a "
    "TFDS name.",
    flag_values=FLAGS,
)
flags.DEFINE_string("run_dir", None, "Folder for everything that the run writes.", flag_values=FLAGS)
app.trust_flag(FLAGS)
_flag(flags.DEFINE_string, "data_dir", "Where TFDS keeps prepared data sets; its own default if not given.")
_flag(flags.DEFINE_string, "split", "Split of --dataset to learn from; for a folder, its sub-folder.")
_flag(
    flags.DEFINE_string,
    "unlabelled",
    "Further images, whose labels, if they have any, are not looked at: what teachers, and encoders that teach each other, "
    "teach with. Without it they teach with the labelled images.",
)
_flag(flags.DEFINE_string, "unlabelled_split", "Split of --unlabelled.")
_flag(
    flags.DEFINE_string,
    "test_split",
    "Split to test the finished classifiers on, once; none if not given. Its classes go by their names.",
)
_flag(flags.DEFINE_string, "test_dataset", "Where --test_split is, if not in --dataset.")
_flag(
    flags.DEFINE_integer,
    "image_size",
    "Side of the images in pixels; that of the encoders if not given. Needed where all begin with random weights.",
)
app.source_flags(FLAGS)
_flag(flags.DEFINE_float, "max_bad_images", "Largest share (0..1) of unreadable files in a folder.")
_flag(flags.DEFINE_float, "max_pixels", app.MAX_PIXELS_HELP)
_flag(
    flags.DEFINE_string,
    "loss",
    f"How to learn from labels: {', '.join(plugins.names(LOSSES))}. generalised_cross_entropy is for labels of which many are "
    "wrong.",
)
_flag(
    flags.DEFINE_bool,
    "drop_suspects",
    "Leave out images whose neighbours contradict their label, as dogo-suspects lists them; for labels of which many are "
    "wrong in the same way.",
)
_flag(
    flags.DEFINE_bool,
    "logit_adjustment",
    "Learn as if all classes were equally frequent, where some have far fewer labels than others (logit adjustment). Leave it "
    "out where classes are as frequent in use as among the labels.",
)
_flag(flags.DEFINE_float, "label_weight", "Weight of what is learnt from labels; 0 leaves it to teachers.")
flags.DEFINE_list(
    "teachers",
    "",
    "Finished classifiers of the same classes, name=path each: a run of dogo-finetune (name=run#peer for one of several) or a "
    ".keras file. They compute in every step, and learn nothing.",
    flag_values=FLAGS,
)
_flag(
    flags.DEFINE_string,
    "teach",
    "Who teaches whom by its class probabilities: all, or edges by name, 'big>small' or 'big>small:weight=2:temperature=2'.",
)
_flag(flags.DEFINE_float, "teach_weight", "Weight of what an encoder learns from all its teachers.")
_flag(flags.DEFINE_float, "teach_temperature", "Temperature of the class probabilities that are compared.")
_flag(
    flags.DEFINE_float,
    "ema",
    "Also keep the running average of each classifier's weights with this decay, e.g. 0.99: saved as <name>_ema.",
)
_flag(
    flags.DEFINE_bool,
    "batch_statistics",
    "Batch normalisation goes on with the statistics of the batches; with --nobatch_statistics it keeps those of pre-training.",
)
_flag(flags.DEFINE_float, "min_crop_area", "Smallest share of an image's area that a view shows.")
_flag(flags.DEFINE_float, "jitter_strength", "Factor on SimCLR's colour jitter, 0..1.25.")
_flag(flags.DEFINE_integer, "steps", "Steps of training, however many images there are.")
_flag(
    flags.DEFINE_integer,
    "batch_size",
    "Labelled images in a step, over all devices; where there are fewer, they come several times.",
)
_flag(flags.DEFINE_integer, "unlabelled_batch", "Images of --unlabelled in a step besides, over all devices.")
_flag(flags.DEFINE_string, "optimizer", "As of dogo-pretrain: adam, adamw, sgd, lars, or one of tensorflow-addons.")
_flag(flags.DEFINE_float, "learning_rate", "Learning rate after the warm-up.")
_flag(flags.DEFINE_float, "weight_decay", "Weight decay.")
_flag(flags.DEFINE_string, "schedule", "constant; cosine: to 0 at the end; wsd: to 0 over the last fifth.")
_flag(flags.DEFINE_integer, "warmup_steps", "Steps over which the learning rate rises from 0.")
_flag(flags.DEFINE_string, "precision", f"Arithmetic of the networks: {', '.join(PRECISIONS)}.")
run_flags.device_flags(_flag)
_flag(flags.DEFINE_integer, "seed", "Seed of data order, views, and weights that begin at random.")
flags.DEFINE_bool(
    "report",
    False,
    "Write report/<classifier>/report.html besides: accuracy by class, confusions, calibration, the worst mistakes. Needs "
    "--test_split.",
    flag_values=FLAGS,
)
flags.DEFINE_bool(
    "learning_curve",
    True,
    "In the report, what 100 more labels would bring: the training again, on parts of the labels, up to nine times.",
    flag_values=FLAGS,
)
run_flags.saving_flags(_flag, FLAGS)


def settings_from_flags(flag_values: flags.FlagValues) -> FinetuneSettings:
    values = {name: flag_values[name].value for name in DEFAULTS}
    for name in ("encoder", "teachers"):
        values[name] = app.names(values[name])
    return FinetuneSettings(**values)


def main() -> None:
    app.required(FLAGS, "encoder", "dataset", "run_dir")
    settings = settings_from_flags(FLAGS)
    if FLAGS.report and not settings.test_split:
        raise InputError("--report: expected --test_split, too: the images that the classifiers are tested on")
    if not FLAGS.resume:
        settings.refuse_what_has_no_effect()
    from dogo_tf.finetuning.finetune import finetune  # loads TensorFlow, which a mistyped flag need not wait for

    folder = finetune(settings, FLAGS.resume, FLAGS.overwrite, FLAGS.trust, FLAGS.report, FLAGS.learning_curve)
    print(f"done: {', '.join(folder.peer_names())} in {folder.path}")
    words = [f"--run_dir={folder.path}", f"--peer={folder.peer_names()[-1]}"]
    # Not what it has learnt from: the export measures on these, and fits the temperature to them.
    words += [f"--{name}={value}" for name in ("test_dataset", "test_split") if (value := getattr(settings, name))]
    words += _to_calibrate_on(settings, folder.config()["data"])
    print("next: dogo-export", *map(shlex.quote, words))


def _to_calibrate_on(settings: FinetuneSettings, images: dict) -> list[str]:
    """What dogo-export needs besides where there are too few labelled images for int8. images: of the run's configuration."""
    from dogo_tf.export.calibration import DEFAULT

    if images["images"] >= DEFAULT:
        return []
    others = images["unlabelled"]
    # dogo-export opens the split train of what it is given to calibrate on.
    if others and others["images"] >= DEFAULT and settings.unlabelled_split == "train":
        return [f"--calibration={settings.unlabelled}"]
    return ["--formats=float32,float16"]


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)

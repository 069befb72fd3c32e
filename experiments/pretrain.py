"""Pre-trains small image encoders next to a peer, without labels (Distill on the Go).

Each peer learns by its own objective and from which images its peers find similar. One peer alone is the solo baseline.

  dogo-pretrain --dataset=cifar10 --peers=resnet_18:simclr,wrn_10_2:simclr --run_dir=runs/pair
  dogo-pretrain --dataset=path/to/images --image_size=64 --peers=wrn_16_2 --run_dir=runs/solo
  dogo-pretrain --flagfile=experiments/presets/cifar10_wrn_pair.flags --run_dir=runs/preset

The run folder then holds config.json, flags.txt (to run it again), metrics.jsonl, tensorboard/, views.png, checkpoints/,
encoders/<peer>.keras and, with --probe_every, probes.jsonl. SIGTERM and Ctrl-C save a checkpoint first; then, or after a
crash, the same command with --resume goes on as if nothing had happened. Exit codes: 0 done; 2 a mistake to put right; 3 NaN,
collapse or a peer that learns nothing; 75 stopped by SIGTERM, start again with --resume; 130 stopped by Ctrl-C.

Next: dogo-probe --run_dir=..., dogo-export --run_dir=... --peer=...
"""

import dataclasses
import shlex

from absl import flags

from dogo_tf import data, distill
from dogo_tf.errors import InputError
from dogo_tf.experiments import app, run_flags
from dogo_tf.optimizers.rates import UNMEASURED
from dogo_tf.platform import plugins
from dogo_tf.pretraining.settings import AUTO, PRECISIONS, VIEW_RECIPES, PretrainSettings

DEFAULTS = {field.name: field.default for field in dataclasses.fields(PretrainSettings)}
PER_PEER = "One value for all peers, or one per peer, separated by commas."


FLAGS = flags.FlagValues()


def _flag(define, name: str, text: str):
    define(name, DEFAULTS[name], text, flag_values=FLAGS)


def _list_flag(name: str, text: str):
    flags.DEFINE_list(name, ",".join(str(value) for value in DEFAULTS[name]), text, flag_values=FLAGS)


flags.DEFINE_string(
    "dataset",
    None,
    "A TFDS name (cifar10), a folder of images (labels not needed), a list of images (.csv or .parquet with the columns "
    "path[,label][,split]), tar archives ('shards/{00000..00099}.tar', in quotes), or patterns.",
    flag_values=FLAGS,
)
flags.DEFINE_string("run_dir", None, "Folder for everything that the run writes.", flag_values=FLAGS)
_flag(flags.DEFINE_string, "data_dir", "Where TFDS keeps prepared data sets; its own default if not given.")
_flag(
    flags.DEFINE_string,
    "split",
    "Split to train on, e.g. train, unlabelled, 'train[:10000]'; for a folder, its sub-folder.",
)
_flag(
    flags.DEFINE_integer, "image_size", "Side of the images in pixels; the data's own if all are squares of one size."
)
_flag(
    flags.DEFINE_integer,
    "store_size",
    "Side at which images are kept, at least image_size: views are cut out of the larger pictures and are sharper. If not "
    "given: up to 1.25 times image_size, as far as most pictures have it; with --source=stream, views are cut out of the "
    "original pictures. Equal to image_size: out of pictures that were shrunk before. Probes see images of image_size.",
)
app.source_flags(FLAGS)
_flag(
    flags.DEFINE_float,
    "max_bad_images",
    "Largest share (0..1) of unreadable files in a folder; fewer are named and left out, of a stream replaced by the next one "
    "(of its class).",
)
_flag(flags.DEFINE_float, "max_pixels", app.MAX_PIXELS_HELP)
_list_flag(
    "peers",
    "encoder:objective of each peer, separated by commas; any mix, simclr where none is given; name=encoder:objective to "
    "call it otherwise. An objective's own settings follow it: wrn_10_2:simclr:temperature=0.2, or "
    "wrn_10_2:byol:momentum=0.996:widths=512-128; a wrong one is answered with those that there are. Besides the encoders of "
    "this package also keras.<function of keras.applications>, e.g. keras.DenseNet121, and keras_cv.<preset of KerasCV>, "
    "e.g. keras_cv.mit_b0. Objectives: "
    f"{', '.join(plugins.names('dogo_tf.objectives'))}.",
)
_list_flag(
    "teachers",
    "Frozen teachers, name=path each: a .keras file, a SavedModel (images -> features) or a run; name=run#peer for one of "
    "several. They compute in every step, and learn nothing. A SavedModel with ops beyond arithmetic needs --trust. Also the "
    "features of the data set's images that any network gave, .npz or .npy; and, with --cache_teachers, an ONNX file, as "
    "big=dino.onnx:size=224:pixels=imagenet.",
)
_list_flag(
    "init",
    "Encoders to start from instead of random weights, name=path each: a peer's name, and a .keras file, a SavedModel of "
    "dogo-export or a run (name=run#peer for one of several) of the same network. Data and image size may be others.",
)
app.trust_flag(FLAGS)
_flag(
    flags.DEFINE_bool,
    "cache_teachers",
    "Compute the features of frozen teachers once, of the images as they are (kept in cache_dir), instead of in every step of "
    "the views that the student sees: quicker steps, images of the teacher's own size, and a teacher may be a .tflite or .onnx "
    "file, too.",
)
_flag(
    flags.DEFINE_string,
    "teach",
    "Who teaches whom: all (every peer learns from every other and from every frozen teacher), or edges by name, 'a>b,b>a'. "
    "An edge may have settings of its own: 'big>small:weight=2:temperature=0.2:warmup_epochs=1:scheme=seed'. With --ema also "
    "averages may teach: 'small_ema>small'.",
)
_flag(
    flags.DEFINE_string,
    "scheme",
    f"How edges teach that name none: {', '.join(distill.schemes())}. similarity_kl is DoGo's; similarity_kl_others "
    "is for cached features of another kind of network; simreg, seed and compress are mostly used with --views=shared and, "
    "for a frozen teacher, --ssl_weight=0 --distill_weight=1.",
)
_flag(flags.DEFINE_string, "views", "independent: each peer draws its own views of an image; shared: all see the same.")
_flag(
    flags.DEFINE_string,
    "view_recipe",
    f"Augmentation of all peers' views: {', '.join(VIEW_RECIPES)}; if not given, that of each peer's objective. byol_unequal "
    "is BYOL's as published: view a is always blurred, b rarely, and b is sometimes solarised (blur from 224 pixels on).",
)
_flag(
    flags.DEFINE_float,
    "min_crop_area",
    "Smallest share of an image's area that a view shows.",
)
_flag(flags.DEFINE_float, "jitter_strength", "Factor on the objective's colour jitter, 0..1.25.")
_list_flag(
    "local_views",
    "Multi-crop: small crops of every image that a peer compares with both views besides, in its own objective. At half the "
    "side each costs a quarter of a view. " + PER_PEER,
)
_flag(flags.DEFINE_integer, "local_size", "Side of local views in pixels; half of image_size if not given.")
_list_flag("local_crop_area", "Smallest and largest share of an image's area that a local view shows.")
_list_flag("distill_weight", "Weight of the distillation loss, per anchor. " + PER_PEER)
_flag(
    flags.DEFINE_float,
    "distill_temperature",
    "Temperature of the similarity distributions that peers compare; the scheme's own if not given (similarity_kl: 0.1).",
)
_flag(
    flags.DEFINE_float,
    "distill_warmup_epochs",
    "Epochs over which distill_weight rises from 0; with a heavy weight from the start peers may agree on nothing.",
)
_list_flag("ssl_weight", "Weight of a peer's own objective; 0 leaves it to its teachers. " + PER_PEER)
_list_flag(
    "train_every",
    "A peer takes part in every k-th step only; in the others it is not computed, and its students learn alone. "
    + PER_PEER,
)
_list_flag("train_share", "Share of the training after which a peer stops; its students then go on alone. " + PER_PEER)
_flag(
    flags.DEFINE_float,
    "ema",
    "Also keep the running average of each encoder's weights with this decay, e.g. 0.999: it is probed, saved and exported as "
    "the peer <name>_ema.",
)
_flag(flags.DEFINE_integer, "epochs", "Passes over the data.")
_flag(
    flags.DEFINE_integer,
    "batch_size",
    "Images per step over all devices; the incomplete last batch of an epoch is dropped.",
)
_list_flag(
    "optimizer",
    "adam (L2 in the gradient), adamw, sgd (momentum 0.9) or lars. With tensorflow-addons installed ('dogo-tf[addons]') also "
    "lamb, and tfa:<Name> for any of its optimizers, e.g. tfa:RectifiedAdam (some have no weight decay: --weight_decay=0; "
    "tfa:COCOB ignores --learning_rate). " + PER_PEER,
)
_list_flag(
    "learning_rate",
    "Learning rate after the warm-up; auto: the one that was measured to be best for objective, optimiser, batch, kind of "
    f"network and whether others learn beside it, or {UNMEASURED:g} where none was. " + PER_PEER,
)
_list_flag("weight_decay", "Weight decay. " + PER_PEER)
_flag(
    flags.DEFINE_string,
    "schedule",
    "constant; cosine: to 0 at the end; wsd: constant, and to 0 over the last --cooldown.",
)
_flag(flags.DEFINE_float, "warmup_epochs", "Epochs over which the learning rate rises from 0.")
_flag(flags.DEFINE_float, "cooldown", "Share of the epochs over which the rate of --schedule=wsd falls to 0.")
_flag(
    flags.DEFINE_string,
    "cooldown_from",
    "run@step: begin as a branch of another run at this checkpoint of it, with the same settings but for epochs, and cool "
    "down: one long run at a constant rate then serves several lengths.",
)
_flag(
    flags.DEFINE_string,
    "precision",
    f"Arithmetic of the networks: {', '.join(PRECISIONS)}. auto: mixed_bfloat16 where a few timed steps show it to be faster "
    "for these networks on this device, else float32; a resumed run keeps it. Losses stay in float32.",
)
FLAGS.set_default("precision", AUTO)
run_flags.device_flags(_flag)
_flag(
    flags.DEFINE_bool,
    "keep_checkpoints",
    "Keep all checkpoints of --checkpoint_steps, so that runs can branch off at any of them (--cooldown_from); otherwise the "
    "newest two stay. Each is about as large as weights and optimisers, three times the weights with Adam.",
)
_flag(
    flags.DEFINE_integer,
    "micro_batches",
    "Parts of each device's batch for which the encoders' activations are kept at a time: with 4 they take about a quarter of "
    "the memory, and a step takes about 1.4 times as long. Losses still compare the whole batch; batch normalisation in the "
    "encoders takes its statistics over each part.",
)
_flag(
    flags.DEFINE_integer,
    "probe_every",
    "Epochs between probes (kNN and linear accuracy of each peer, to probes.jsonl and TensorBoard; also before the first "
    "and after the last epoch, with TensorBoard's embeddings projector), with a warning where an encoder gets worse than "
    "untrained; 0: none. The training itself is the same with and without.",
)
_flag(
    flags.DEFINE_string,
    "probe_dataset",
    "Labelled data set or folder to probe on; the run's own if not given. If that has no labels, only the projector is "
    "written.",
)
_flag(
    flags.DEFINE_string,
    "probe_train_split",
    "Split that gives the probes' labels; a slice like 'train[:5000]' makes them quicker.",
)
_flag(
    flags.DEFINE_string,
    "probe_test_split",
    "Split that the probes test on. If not given, they hold out 15 % of probe_train_split, so that the test images stay "
    "unseen until the run is finished and you choose nothing by them.",
)
_flag(flags.DEFINE_integer, "seed", "Seed of weights, data order and views.")
run_flags.saving_flags(_flag, FLAGS)


def settings_from_flags(flag_values: flags.FlagValues) -> PretrainSettings:
    """The settings that these flags ask for; of another binary's flags, those that it shares with this one."""
    values = {name: flag_values[name].value for name in DEFAULTS if name in flag_values}
    for name in ("local_crop_area", "distill_weight", "ssl_weight", "train_share", "learning_rate", "weight_decay"):
        if name in values:
            values[name] = app.numbers(name, values[name])
    for name in ("local_views", "train_every"):
        if name in values:
            values[name] = tuple(map(int, app.numbers(name, values[name])))  # in their range: whole
    for name in ("peers", "teachers", "init", "optimizer"):
        values[name] = app.names(values[name])
    return PretrainSettings(**{"run_dir": "", **values})


def refuse_what_has_no_effect(settings: PretrainSettings) -> None:
    """InputError for a flag that was set, and that no other flag gives anything to do."""
    missing = {} if any(settings.local_views) else dict.fromkeys(("local_size", "local_crop_area"), "--local_views=4")
    if settings.schedule != "wsd":
        missing["cooldown"] = "--schedule=wsd"
    for name, needed in missing.items():
        if getattr(settings, name) != DEFAULTS[name]:
            raise InputError(f"--{name}: has no effect as things are; expected {needed} besides, or this flag left out")


def main() -> None:
    app.required(FLAGS, "dataset", "run_dir")
    settings = settings_from_flags(FLAGS)
    settings.check_that_all_learn(FLAGS.resume)
    if not FLAGS.resume:  # a run that began with such a flag goes on
        refuse_what_has_no_effect(settings)
    from dogo_tf.pretraining.pretrain import pretrain  # loads TensorFlow, which a mistyped flag need not wait for

    if settings.cache_teachers and not settings.teachers:
        raise InputError("--cache_teachers: there is no teacher to compute; expected --teachers=name=path besides")
    test_on = _test_on(settings.dataset)  # before the training, at whose end nothing may be refused
    folder = pretrain(settings, FLAGS.resume, FLAGS.overwrite, trust=FLAGS.trust)
    print(f"done: {', '.join(folder.peer_names())} in {folder.path}")
    print("next: dogo-probe", *map(shlex.quote, (f"--run_dir={folder.path}", *test_on)))


def _test_on(dataset: str) -> list[str]:
    """What dogo-probe needs besides where the run's data are known to have no split test; "..." is for the user to fill in."""
    known = data.known_splits(dataset)
    if known is None or "test" in known:
        return []
    found = next((name for name in ("val", "valid", "validation") if name in known), None)
    return [f"--test_split={found}"] if found else ["--dataset=...", "--test_split=..."]


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)

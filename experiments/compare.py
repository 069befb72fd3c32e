"""Does it pay to train a small encoder next to a bigger peer, on your images, against the same compute spent otherwise?

  dogo-compare --dataset=cifar10 --peers=wrn_10_2,wrn_16_2 --epochs=20 --out=runs/compare
  dogo-compare --dataset=path/to/images --image_size=64 --labelled=path/to/labelled --train_split=train --test_split=val \\
      --peers=wrn_10_2,wrn_16_2 --out=runs/compare

The first peer is the small encoder. Trained with the same data order, views and first weights, for each seed: the small one
alone (solo), next to its peer (dogo), alone for as long as the pair's compute lasts (solo_matched), the big one alone
(big_solo); and a randomly initialised one, whatever --init says (random). --arms can add other peers (head_start, smaller,
family, every_kth, stopping), finished teachers (frozen, cached, at_hand), and the small one alone for what most of them cost
(solo_as_cached, ...).
Every encoder is then studied with fewer, wrong and unequal labels, on damaged and on unfamiliar images. The folder --out holds
report.html, summary.json, summary.csv and plots; the same command goes on where it stopped, and with more --seeds or --arms
adds to what is there.
"""

import copy
import sys

from absl import flags

from dogo_tf.comparison.results import ARMS, DEFAULT_ARMS
from dogo_tf.comparison.settings import CONFIG, ArmSettings, ComparisonSettings
from dogo_tf.errors import InputError, Interrupted
from dogo_tf.evaluate.studies import PROTOCOLS, StudyPlan
from dogo_tf.experiments import app, pretrain
from dogo_tf.optimizers.rates import rate_of_each
from dogo_tf.platform.files import expanded
from dogo_tf.pretraining.settings import PretrainSettings, peer_specs
from dogo_tf.reporting.provenance import provenance

PLAN, OWN = StudyPlan(), ArmSettings()
FLAGS = flags.FlagValues()
flags.DEFINE_string("out", None, "Folder of the comparison.", flag_values=FLAGS)
flags.DEFINE_integer(
    "seeds", 3, "How many seeds, from 0 on; under 3 there is no spread to speak of.", flag_values=FLAGS
)
flags.DEFINE_list(
    "arms",
    ",".join(DEFAULT_ARMS),
    "What to train and study: " + "; ".join(f"{name}: {what}" for name, what in ARMS.items()) + ".",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "head_start_epochs",
    None,
    "Of the arm head_start: epochs that the big one trains alone before it meets its student; twice --epochs if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "smaller_peer",
    None,
    "Of the arm smaller: encoder or encoder:objective of a peer that is smaller than the small encoder.",
    flag_values=FLAGS,
)
flags.DEFINE_list(
    "siblings",
    "",
    "Of the arm family: encoder or encoder:objective of each further student that learns next to the same peer.",
    flag_values=FLAGS,
)
flags.DEFINE_integer(
    "peer_every",
    OWN.peer_every,
    "Of the arm every_kth: the peer takes part in every step of so many.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "peer_share",
    OWN.peer_share,
    "Of the arm stopping: share of the training after which the peer stops.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "at_hand_scheme",
    None,
    "Of the arm at_hand: how its --teachers teach; --scheme if not given. For features of a network that was trained on "
    "other data seed, with a weight of 2, is a good start.",
    flag_values=FLAGS,
)
flags.DEFINE_float(
    "at_hand_weight",
    None,
    "Of the arm at_hand: the weight of its distillation; --distill_weight if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "labelled", None, "Labelled data set or folder to probe with; --dataset itself if not given.", flag_values=FLAGS
)
flags.DEFINE_string(
    "train_split",
    None,
    "Split of it that gives the labels; by default a folder's train, else the one to pre-train on.",
    flag_values=FLAGS,
)
flags.DEFINE_string(
    "test_split", "test", "Split of it that is tested on; of a folder without it, val.", flag_values=FLAGS
)
flags.DEFINE_list("fractions", ",".join(map(str, PLAN.fractions)), "Shares of the labels, 0..1.", flag_values=FLAGS)
flags.DEFINE_list(
    "noise",
    ",".join(f"{kind}:{share}" for kind, share in PLAN.noise),
    "Wrong labels, kind:share with kinds symmetric and pairwise and shares 0..0.8.",
    flag_values=FLAGS,
)
flags.DEFINE_list("imbalance", ",".join(PLAN.imbalance), "Profiles of unequal class sizes.", flag_values=FLAGS)
flags.DEFINE_list("corruptions", ",".join(PLAN.corruptions), "Damages of the test images.", flag_values=FLAGS)
flags.DEFINE_integer(
    "corruption_images",
    None,
    "Test images to damage, of each class its share, the same ones for all arms and seeds; all if not given.",
    flag_values=FLAGS,
)
flags.DEFINE_list("transfer", "", "Unfamiliar labelled data, dataset:train split:test split each.", flag_values=FLAGS)
flags.DEFINE_list("protocols", "", f"Slower protocols besides: {', '.join(PROTOCOLS)}.", flag_values=FLAGS)
flags.DEFINE_integer("draws", PLAN.draws, "Repetitions of what depends on which labels are drawn.", flag_values=FLAGS)
for name in pretrain.FLAGS:
    left_out = ("run_dir", "seed", "resume", "cooldown_from", "train_every", "train_share")  # the last two are arms
    if name not in left_out and not name.startswith("probe_"):
        FLAGS[name] = copy.deepcopy(pretrain.FLAGS[name])
FLAGS.set_default("peers", "wrn_10_2,resnet_18")
FLAGS["overwrite"].help = "Delete the comparison that is in --out, with all its trainings, and begin anew."


def settings_from_flags() -> ComparisonSettings:
    app.required(FLAGS, "dataset", "out")
    pair = pretrain.settings_from_flags(FLAGS)
    if FLAGS.overwrite or not (expanded(FLAGS.out) / CONFIG).is_file():  # one that began with such a flag goes on
        pretrain.refuse_what_has_no_effect(pair)
    plan = StudyPlan(
        fractions=app.numbers("fractions", FLAGS.fractions),
        noise=app.kinds_of_noise(FLAGS.noise),
        imbalance=app.names(FLAGS.imbalance),
        corruptions=app.names(FLAGS.corruptions),
        corruption_images=FLAGS.corruption_images,
        protocols=app.names(FLAGS.protocols),
        draws=FLAGS.draws,
    )
    labelled = (FLAGS.labelled or pair.dataset, *_splits(pair.split))
    transfers = tuple(_transfer(word) for word in app.names(FLAGS.transfer))
    own = ArmSettings(
        FLAGS.head_start_epochs,
        FLAGS.smaller_peer,
        app.names(FLAGS.siblings),
        FLAGS.peer_every,
        FLAGS.peer_share,
        FLAGS.at_hand_scheme,
        FLAGS.at_hand_weight,
        _rates_alone(pair),
    )
    return ComparisonSettings(pair, plan, labelled, transfers, app.names(FLAGS.arms), own)


def _rates_alone(pair: PretrainSettings) -> tuple[float, ...]:
    """Of both peers; "auto" may be another rate alone than next to each other."""
    specs, given = peer_specs(pair.peers), app.numbers("learning_rate", FLAGS.learning_rate)
    rates = given * len(specs) if len(given) == 1 else given
    return tuple(rate_of_each(specs, pair.per_peer("optimizer"), rates, pair.batch_size, alone=True))


def _splits(pretrained_on: str) -> tuple[str, str]:
    """What the probes learn from and are tested on: as given, else the sub-folders of these usual names."""
    train, test, labelled = FLAGS.train_split, FLAGS.test_split, expanded(FLAGS.labelled or FLAGS.dataset)
    if FLAGS["test_split"].using_default_value and (labelled / "val").is_dir() and not (labelled / test).is_dir():
        test = "val"
    if FLAGS.labelled and not train:
        if not (labelled / "train").is_dir():
            raise InputError("--train_split: which split of --labelled gives the labels? Often 'train'")
        train = "train"
    return train or pretrained_on, test


def main() -> None:
    settings = settings_from_flags()
    encoders = {encoder for _, encoder, _ in peer_specs(settings.pair.peers)}
    if len(encoders) == 1:
        print(
            f"note: both peers are {encoders.pop()}: this compares equals, neither is the bigger one", file=sys.stderr
        )
    # These load TensorFlow and SciPy, which a mistyped flag need not wait for.
    from dogo_tf.comparison.report import write_report
    from dogo_tf.comparison.runs import Comparison

    comparison = Comparison(settings, FLAGS.out, FLAGS.overwrite, FLAGS.trust)

    def report(runs):
        shown = {**comparison.settings.as_dict(), "arms": list(settings.arms)}
        made = comparison.curves(), comparison.pictures()
        return write_report(comparison.path, runs, shown, provenance(), *made)

    try:
        runs = comparison.run(range(FLAGS.seeds), on_progress=report)
    except (Interrupted, KeyboardInterrupt) as interruption:
        why = "" if isinstance(interruption, KeyboardInterrupt) else f"{interruption}. "
        by_user = getattr(interruption, "by_user", True)
        begun_anew = FLAGS.overwrite and not comparison.overwrite  # before, the old scores are still there
        command = "the same command, without --overwrite," if begun_anew else "the same command"
        raise Interrupted(f"{why}Run {command} again to go on where it stopped", by_user) from interruption
    print(report(runs).text)
    if FLAGS.overwrite:
        print("leave out --overwrite when you run it again: it deletes this comparison")
    print(f"look at {comparison.path / 'report.html'}")


def _transfer(word: str) -> tuple[str, str, str]:
    parts = word.split(":")
    if len(parts) != 3:
        raise InputError(
            f"--transfer: expected dataset:train split:test split, e.g. svhn_cropped:train:test; got {word!r}"
        )
    return tuple(parts)


def run(argv: list[str] | None = None) -> int:
    return app.run(main, FLAGS, __doc__, argv)

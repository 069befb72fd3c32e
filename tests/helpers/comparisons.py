"""Small comparisons by dogo-compare, and the trainings that they begin."""

from dogo_tf.comparison import runs

ARMS = ("random", "solo", "dogo")
FEW = ("--seeds=1", f"--arms={','.join(ARMS)}")
STUDIES = ("--fractions=1,0.25", "--noise=symmetric:0.4", "--imbalance=", "--corruptions=contrast", "--draws=2")
TRAINING = ("--batch_size=16", "--epochs=1", "--log_every=1", "--precision=float32")


def command(pictures, out, *more):
    """What is typed to compare two small networks on `pictures`, a folder with train and val."""
    splits = (f"--dataset={pictures}", "--split=train", "--test_split=val", f"--out={out}")
    return ["dogo-compare", *splits, "--peers=small_conv,bigger_conv", *STUDIES, *TRAINING, *more]


def note_trainings(patched):
    """The settings of the trainings begun from now on, a list that grows."""
    began, pretrain = [], runs.pretrain

    def noted(settings, **how):
        began.append(settings)
        return pretrain(settings, **how)

    patched.setattr(runs, "pretrain", noted)
    return began


def names(began):
    """Of arm and seed, e.g. solo_seed0."""
    return [settings.run_dir.rsplit("/", 1)[1] for settings in began]

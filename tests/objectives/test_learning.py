"""Every objective learns something: features of `patterns` that a linear probe reads better than an untrained encoder's."""

import pytest

from dogo_tf import data, objectives
from dogo_tf.evaluate.probe import probe
from dogo_tf.platform import plugins
from dogo_tf.pretraining.build_model import build_model
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def linear_accuracy():
    train, test = (data.load("patterns", split) for split in ("train[:2000]", "test[:1000]"))
    return lambda encoder: probe(encoder, train, test, fractions=(1.0,), protocols=("linear",)).linear[1.0].accuracy


# Barlow Twins was made for large batches. With 32 images and a rate of 1e-3 a change in the seventh digit decides whether it
# ends at 59 or 69 %; at half the rate it ends above either.
RATES = {"barlow_twins": 5e-4}


def settings(objective, run_dir):
    return PretrainSettings(
        dataset="patterns",
        split="train[:2000]",
        run_dir=str(run_dir),
        peers=(f"wrn_10_2:{objective}",),
        epochs=10,
        batch_size=32,
        learning_rate=(RATES.get(objective, 1e-3),),
        precision="mixed_bfloat16",
    )


@pytest.fixture(scope="module")
def untrained(linear_accuracy, tmp_path_factory):
    """Its statistics of batch normalisation are those of its start: 0 and 1."""
    images = data.load("patterns", "train[:2000]").images
    made = settings("simclr", tmp_path_factory.mktemp("untrained"))
    model = build_model(made, images.shape[1], *data.pixel_statistics(images), steps_per_epoch=1)
    return linear_accuracy(model.peers[0].encoder)


@pytest.mark.parametrize("objective", plugins.names(objectives.__name__))
def test_it_beats_an_untrained_encoder_by_ten_points_without_an_alarm(
    objective, untrained, linear_accuracy, tmp_path, capsys
):
    run = pretrain(settings(objective, tmp_path / "run"))
    assert "warning: step" not in capsys.readouterr().out
    assert linear_accuracy(run.load_encoder("wrn_10_2")) > untrained + 0.10

"""The arm `random`: the encoder from which the others start."""

import numpy as np
import pytest
from pictures import make_folder
from run_states import small_run

from dogo_tf import encoders
from dogo_tf.comparison import runs
from dogo_tf.comparison.runs import Comparison
from dogo_tf.comparison.settings import ComparisonSettings
from dogo_tf.evaluate.features import embed
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import pretrain


class Seen(Exception):
    """Nothing after the first encoder is of interest."""


@pytest.fixture
def first_features(tmp_path, monkeypatch):
    """function(arm, settings of the pair) -> features of the encoder that `random` studies, or a training starts from."""
    pictures, found = make_folder(tmp_path / "pictures"), {}
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), np.uint8)

    def studied(encoder, *_):
        found["random"] = embed(encoder, images)
        raise Seen

    def started(model, *_):
        found["solo"] = embed(model.peers[0].encoder, images)
        raise Seen

    monkeypatch.setattr(runs, "run_studies", studied)
    monkeypatch.setattr(pretrain, "fit_to_the_end", started)

    def of(arm, **changes):
        # Pictures of 16 pixels: runs keep their images at 10, probes see them at 8.
        pair = small_run(
            pictures, "", split="train", image_size=8, epochs=1, log_every=1, precision="float32", **changes
        )
        settings = ComparisonSettings(pair, StudyPlan(), (pair.dataset, "train", "val"), arms=(arm,))
        with pytest.raises(Seen):
            Comparison(settings, tmp_path / f"{arm}-{'-'.join(changes)}").run([0])
        return found[arm]

    return of


def test_it_is_what_the_trainings_start_from(first_features):
    np.testing.assert_array_equal(first_features("random"), first_features("solo"))


def test_it_stays_random_where_trainings_start_from_weights_that_are_there(first_features, tmp_path):
    keras.utils.set_random_seed(1)
    encoders.build("small_conv", 8).save(tmp_path / "there.keras")
    init = (f"small_conv={tmp_path / 'there.keras'}",)
    random = first_features("random", init=init)
    np.testing.assert_array_equal(random, first_features("random"))
    assert np.abs(random - first_features("solo", init=init)).max() > 1e-3

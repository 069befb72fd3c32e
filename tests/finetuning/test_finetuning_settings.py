"""What fine-tuning refuses before anything is loaded, and where a run that goes on finds its images."""

from types import SimpleNamespace

import numpy as np
import pytest

from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError
from dogo_tf.finetuning.finetune import _sources, finetune
from dogo_tf.finetuning.networks import build_model, image_size_of
from dogo_tf.finetuning.settings import FinetuneSettings


def settings(**changes):
    return FinetuneSettings(**{"encoder": ("small_conv", "bigger_conv"), "dataset": "photos", "run_dir": "", **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"teach": "bigger_conv_ema>small_conv", "ema": 0.9}, "in fine-tuning averages do not teach"),
        (
            {"encoder": ("runs/my encoder.keras",)},
            "encoder: 'my encoder' cannot be the classifier's name; call it otherwise",
        ),
    ],
)
def test_what_has_no_meaning_here_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        settings(**changes)


@pytest.mark.parametrize("setting", ["warmup_epochs=5", "scheme=seed"])
def test_settings_of_edges_that_are_not_used_are_refused_but_for_runs_that_began_with_them(setting, tmp_path):
    made = settings(teach=f"bigger_conv>small_conv:{setting}", run_dir=str(tmp_path / "run"))
    name = setting.partition("=")[0]
    with pytest.raises(
        InputError, match=f"teach: bigger_conv>small_conv: {name}: expected weight and temperature alone"
    ):
        finetune(made)
    with pytest.raises(InputError, match="run holds no run"):  # so it looked for one
        finetune(made, resume=True)
    images = ImageSet("none", np.zeros((4, 8, 8, 3), np.uint8), np.array([0, 0, 1, 1]), ("a", "b"))
    (edge,) = build_model(made, {}, images, 8).edges
    assert (edge.teacher, edge.student, edge.warmup, edge.scheme) == ("bigger_conv", "small_conv", 0, "")


def test_a_run_that_goes_on_keeps_its_images_where_they_were():
    def kept(**data):
        return SimpleNamespace(config=lambda: {"data": data})

    both = kept(source="memory", unlabelled_source="cache")
    assert _sources(settings(), both, resume=True) == ("memory", "cache")
    assert _sources(settings(), both, resume=False) == ("auto", "auto")
    assert _sources(settings(source="stream"), both, resume=True) == ("stream", "stream")
    assert _sources(settings(), kept(source="cache"), resume=True) == ("cache", "cache")  # a run of before


def test_an_encoder_of_any_size_takes_the_size_that_is_given():
    def of(side):
        return SimpleNamespace(input_shape=(None, side, side, 3))

    assert image_size_of(settings(image_size=16), {"any": of(None)}) == 16
    assert image_size_of(settings(), {"any": of(None), "fixed": of(32)}) == 32
    assert image_size_of(settings(), {"any": of(None)}) is None
    with pytest.raises(InputError, match="expected one side for all encoders, in pixels; got fixed 32, image_size 16"):
        image_size_of(settings(image_size=16), {"any": of(None), "fixed": of(32)})

"""What a training needs besides its images is looked at before these are read."""

import dataclasses
import sys

import pytest
from run_states import small_run

from dogo_tf.errors import InputError
from dogo_tf.finetuning import labelled
from dogo_tf.finetuning.finetune import finetune
from dogo_tf.finetuning.settings import FinetuneSettings
from dogo_tf.pretraining import run_images
from dogo_tf.pretraining.pretrain import pretrain


@pytest.fixture
def unread(monkeypatch):
    """Images that must not be opened."""

    def opened(*args, **kwargs):
        raise AssertionError("images were read first")

    for module in (run_images, labelled):
        monkeypatch.setattr(module, "open_images", opened)
    monkeypatch.setitem(sys.modules, "tensorflow_addons", None)  # as if it were not there


def test_a_pretraining_misses_files_and_an_optimizer_before_it_reads_images(unread, tmp_path):
    def refused(message, **changes):
        with pytest.raises(InputError, match=message):
            pretrain(small_run(tmp_path, tmp_path / "run", peers=("small_conv",), **changes))
        assert not (tmp_path / "run").exists()

    refused("^init: small_conv: encoder: .*nowhere does not exist; expected a .keras", init=("small_conv=nowhere",))
    refused("^teachers: big: encoder: nowhere does not exist; expected a .keras", teachers=("big=nowhere#wrn_10_1",))
    onnx = {"teachers": ("big=no.onnx:size=64",), "cache_teachers": True}
    refused("^teachers: big: encoder: no.onnx does not exist; expected a .keras", **onnx)
    refused("^teachers: big: .*no.npz does not exist; expected features of every image", teachers=("big=no.npz",))
    refused("^optimizer: lamb needs tensorflow-addons; install with", optimizer=("lamb",))


def test_a_finetuning_misses_teachers_and_an_optimizer_before_it_reads_images(unread, tmp_path):
    made = FinetuneSettings(("small_conv",), str(tmp_path), str(tmp_path / "run"))
    for changes, message in (
        ({"teachers": ("big=nowhere",)}, "^teachers: big: encoder: nowhere does not exist; expected a .keras"),
        ({"optimizer": "lamb"}, "^optimizer: lamb needs tensorflow-addons; install with"),
    ):
        with pytest.raises(InputError, match=message):
            finetune(dataclasses.replace(made, **changes))
        assert not (tmp_path / "run").exists()

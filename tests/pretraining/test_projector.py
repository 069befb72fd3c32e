"""What is written for TensorBoard's projector, read back by hand and by the projector itself."""

import dataclasses
import json
import types

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector import ProjectorConfig, projector_plugin
from werkzeug.test import Client
from werkzeug.wrappers import Response

from dogo_tf.data.image_set import ImageSet
from dogo_tf.evaluate.features import embed
from dogo_tf.platform.keras_compat import keras
from dogo_tf.pretraining import projector


def encoder(width):
    keras.utils.set_random_seed(width)
    images = keras.Input((8, 8, 3))
    return keras.Model(images, keras.layers.Dense(width)(keras.layers.Flatten()(images)))


@pytest.fixture(scope="module")
def peers():
    return [types.SimpleNamespace(name=name, encoder=encoder(width)) for name, width in (("small", 3), ("big", 5))]


def image_set(count, labelled=True, files=True):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return ImageSet(
        "pictures",
        pixels,
        np.arange(count) % 2 if labelled else None,
        ("cat", "big\tdog") if labelled else (),
        files=tuple(f"a/{i}.png" for i in range(count)) if files else (),
    )


def test_files_parse_back_and_rows_are_images(peers, tmp_path):
    images = image_set(10)
    projector.write_projector(tmp_path, peers, images)
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    assert [embedding.tensor_name for embedding in config.embeddings] == ["small", "big"]
    for embedding, peer in zip(config.embeddings, peers, strict=True):
        tensors = np.loadtxt(tmp_path / embedding.tensor_path, delimiter="\t")
        np.testing.assert_allclose(tensors, embed(peer.encoder, images.images), rtol=1e-5)
        lines = (tmp_path / embedding.metadata_path).read_text().splitlines()
        assert lines[0] == "label\timage\tfile" and len(lines) == 1 + 10
        assert lines[2] == "big dog\t1\ta/1.png"
        with Image.open(tmp_path / embedding.sprite.image_path) as sprite:
            pixels = np.asarray(sprite)
        assert pixels.shape == (4 * 8, 4 * 8, 3) and list(embedding.sprite.single_image_dim) == [8, 8]
        for number, image in enumerate(images.images):
            y, x = 8 * (number // 4), 8 * (number % 4)
            np.testing.assert_array_equal(pixels[y : y + 8, x : x + 8], image)


def test_tensorboards_plugin_serves_them(peers, tmp_path):
    projector.write_projector(tmp_path, peers, image_set(10))
    plugin = projector_plugin.ProjectorPlugin(base_plugin.TBContext(logdir=str(tmp_path)))
    routes = plugin.get_plugin_apps()

    def get(route, query="run=."):
        answer = Client(routes[route], Response).get(f"{route}?{query}")
        assert answer.status_code == 200, answer.data
        return answer.data

    assert json.loads(get("/runs")) == ["."]
    (small, big) = json.loads(get("/info"))["embeddings"]
    assert small["tensorShape"] == [10, 3] and big["tensorShape"] == [10, 5]
    assert np.frombuffer(get("/tensor", "run=.&name=big"), np.float32).shape == (50,)
    assert len(get("/metadata", "run=.&name=small").splitlines()) == 11
    assert get("/sprite_image", "run=.&name=small").startswith(b"\x89PNG")


@pytest.mark.parametrize("files, first", [(True, "image\tfile"), (False, "0")])
def test_unlabelled_images_have_numbers_and_a_single_column_no_head(peers, tmp_path, files, first):
    projector.write_projector(tmp_path, peers, image_set(5, labelled=False, files=files))
    lines = (tmp_path / "projector" / "metadata.tsv").read_text().splitlines()
    assert lines[0] == first and len(lines) == 5 + files and lines[-1].split("\t")[0] == "4"


def test_of_many_images_an_evenly_spaced_choice_is_shown(peers, tmp_path, monkeypatch):
    monkeypatch.setattr(projector, "MAX_IMAGES", 6)
    projector.write_projector(tmp_path, peers[:1], image_set(51, labelled=False, files=False))
    assert (tmp_path / "projector" / "metadata.tsv").read_text().split() == ["0", "10", "20", "30", "40", "50"]
    assert len(np.loadtxt(tmp_path / "projector" / "tensors_small.tsv")) == 6


def test_thumbnails_of_large_images_are_small():
    assert projector.sprite(np.full((3, 200, 200, 3), 9, np.uint8), 64).shape == (128, 128, 3)


def test_names_that_are_no_utf8_are_written_as_escapes():
    images = image_set(2)
    odd = dataclasses.replace(images, files=("caf\udce9\x1b.png", "b.png"), class_names=("\udcff", "dog"))
    text = projector.metadata(odd, np.array([0, 1]))
    assert text.encode().splitlines()[1] == rb"\xff\t0\tcaf\xe9\x1b.png".replace(rb"\t", b"\t")

"""The roads from other frameworks, as the page has them: each block in a process of its own, with a small random network in the
place of the one that would be downloaded; then a training that learns from what came out."""

import functools
import importlib.metadata
import os
import subprocess
import sys

import numpy as np
import pytest
from markdown_pages import ROOT, blocks
from pictures import make_folder

import dogo_tf
from dogo_tf.evaluate import embed, load_encoder
from dogo_tf.experiments import pretrain
from dogo_tf.foreign.feature_file import read_features

PAGE = "docs/how-to/teacher-at-hand.md"
# Where .ci/run installs the other frameworks; this environment may have them, too.
PYTHONS = (str(ROOT / ".venv-frameworks" / "bin" / "python"), sys.executable)
SMALL_TORCH = """torch.nn.Sequential(
    torch.nn.Conv2d(3, 8, 16, 16), torch.nn.GELU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 5)
).eval()
teacher[0].weight.data.copy_(torch.linspace(-1, 1, 6144).sin().reshape(8, 3, 16, 16))
teacher[4].weight.data.copy_(torch.linspace(-1, 1, 40).sin().reshape(5, 8))
teacher[0].bias.data.zero_(), teacher[4].bias.data.zero_()"""
SMALL_TIMM = """torch.manual_seed(0)
import timm
teacher = timm.create_model(
    "vit_small_patch14_dinov2.lvd142m", pretrained=False, num_classes=0, img_size=224, depth=2, embed_dim=32, num_heads=2,
    init_values=1.0
).eval()"""
SMALL_HUB = """keras_hub.models.DINOV2Backbone(
    patch_size=14, num_layers=2, hidden_dim=32, num_heads=2, intermediate_dim=64, image_shape=(224, 224, 3),
    position_embedding_shape=(518, 518, 3))"""
CONVERTER = "keras_hub.layers.DINOV2ImageConverter(image_size=(224, 224), scale=1 / 255)"


@functools.cache
def python_with(*modules) -> str:
    """An interpreter that has them, or the test is skipped."""
    check = f"import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in {modules}))"
    for python in PYTHONS:
        if os.path.exists(python) and subprocess.run([python, "-c", check]).returncode == 0:
            return python
    pytest.skip(f"no Python here has {', '.join(modules)}")


def block_with(word: str) -> str:
    (found,) = [block.code for block in blocks(PAGE, "py") if word in block.code]
    return found


def run(python: str, code: str, folder, replaced: dict, **environment) -> None:
    """What a line assigns is replaced: {how the line begins: the code that stands there instead}."""
    lines = code.split("\n")
    for begin, instead in replaced.items():
        (number,) = [k for k, line in enumerate(lines) if line.startswith(begin)]
        lines[number] = instead
    child = subprocess.run(
        [python, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "TF_USE_LEGACY_KERAS": "0", **environment},
    )
    assert child.returncode == 0, child.stderr[-3000:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The photos, and what the page's first block makes of them."""
    path = tmp_path_factory.mktemp("road")
    make_folder(path / "photos", per_class=8, size=40)
    photos = dogo_tf.data.load(path / "photos", "train", image_size=224)
    np.savez(path / "images.npz", images=photos.images, names=photos.files)
    return path


def photos_of(folder, size=16):
    return dogo_tf.data.load(folder / "photos", "train", image_size=size)


def train(folder, made, teacher: str, *flags: str) -> None:
    """The command of the page, smaller, which writes to the folder `made`."""
    words = [f"--dataset={folder / 'photos'}", "--image_size=16", "--peers=small=small_conv"]
    words += ["--scheme=seed", "--distill_weight=2"]
    more = ["--epochs=1", "--batch_size=8", f"--cache_dir={made / 'cache'}", "--overwrite", *flags]
    assert pretrain.run(["dogo-pretrain", *words, f"--teachers=big={teacher}", f"--run_dir={made / 'run'}", *more]) == 0


def test_principal_components_are_features_of_the_same_images(folder, tmp_path):
    photos = photos_of(folder)
    features = np.random.default_rng(0).normal(3, np.linspace(1, 5, 200), (len(photos.files), 200))
    np.savez(tmp_path / "dinov2.npz", features=features.astype(np.float32), names=photos.files)
    run(sys.executable, block_with("np.linalg.eigh"), tmp_path, {})
    found = read_features(tmp_path / "components.npz", photos)
    spread = np.linalg.svd(features - features.mean(axis=0), compute_uv=False)
    assert found.shape == (len(photos.files), 128)
    np.testing.assert_allclose(np.linalg.norm(found, axis=0)[: len(spread) - 1], spread[:-1], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("network", [f"teacher = {SMALL_TORCH}", SMALL_TIMM], ids=["torch", "timm"])
def test_pytorch_gives_the_same_features_by_both_roads(network, folder, tmp_path):
    python = python_with("torch", "timm", "onnxscript")
    run(python, block_with("torch.from_numpy"), folder, {"teacher =": network})
    found = read_features(folder / "dinov2.npz", photos_of(folder))
    run(python, block_with("torch.onnx.export"), folder, {"teacher =": network})
    encoder = load_encoder(f"{folder / 'dinov2.onnx'}:pixels=imagenet")
    computed = embed(encoder, photos_of(folder, 224).images)
    np.testing.assert_allclose(found, computed, rtol=1e-3, atol=1e-3 * np.abs(found).max())
    assert np.ptp(found, axis=0).max() > 1e-3 * np.abs(found).max()  # images do differ
    train(folder, tmp_path, folder / "dinov2.npz")
    train(folder, tmp_path, f"{folder / 'dinov2.onnx'}:pixels=imagenet", "--cache_teachers")
    (kept,) = (tmp_path / "cache" / "features").iterdir()
    np.testing.assert_allclose(np.load(kept), computed, rtol=1e-4, atol=1e-4 * np.abs(found).max())


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_kerashub_gives_the_class_token_of_each_image(backend, folder, tmp_path):
    python = python_with("keras_hub", backend)
    small = {"teacher =": f"teacher = {SMALL_HUB}", "normalise =": f"normalise = {CONVERTER}"}
    one_by_one = """
alone = [teacher.predict_on_batch({"images": image[None].astype("float32") / 255}) for image in images]
np.save("expected.npy", np.concatenate(alone)[:, 0])
"""
    run(python, block_with("keras_hub") + one_by_one, folder, small, KERAS_BACKEND=backend)
    found, expected = read_features(folder / "dinov2.npz", photos_of(folder)), np.load(folder / "expected.npy")
    assert found.shape == (len(photos_of(folder).files), 32)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    assert np.ptp(found, axis=0).max() > 1e-2 * np.abs(found).max()  # images do differ
    train(folder, tmp_path, folder / "dinov2.npz")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.metadata.version("keras").startswith("2."), reason="this TensorFlow comes without Keras 3"
)
def test_keras_3_gives_a_saved_model_that_teaches(folder, tmp_path):
    small = """pixels = keras.Input((224, 224, 3))
x = keras.layers.Conv2D(6, 16, 16)(keras.layers.Rescaling(1 / 255)(pixels))
teacher = keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(keras.activations.gelu(x)))"""
    export = (
        block_with("teacher.export")
        + """
import numpy as np

np.save("expected.npy", teacher.predict(np.load("images.npz")["images"].astype("float32"), verbose=0))
"""
    )
    run(sys.executable, export, folder, {"teacher =": small}, KERAS_BACKEND="tensorflow")
    computed = embed(load_encoder(folder / "convnext"), photos_of(folder, 224).images)
    np.testing.assert_allclose(computed, np.load(folder / "expected.npy"), rtol=1e-3, atol=1e-5)
    train(folder, tmp_path, folder / "convnext", "--cache_teachers")


@pytest.mark.parametrize("number", range(5))
def test_every_block_can_be_read(number):
    found = blocks(PAGE, "py")
    assert len(found) == 5
    compile(found[number].code, PAGE, "exec")

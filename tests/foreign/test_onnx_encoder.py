"""ONNX files as encoders: every layout and type, and every file that is none, named before anything is computed."""

import sys

import numpy as np
import onnx_files
import pytest
from onnx import TensorProto

from dogo_tf.errors import InputError
from dogo_tf.evaluate import embed, load_encoder
from dogo_tf.evaluate.sources import fingerprint, image_side
from dogo_tf.foreign import onnx_place
from dogo_tf.foreign.onnx_encoder import OnnxEncoder

IMAGENET = onnx_place.PIXELS["imagenet"]


def images(side=16, count=7):
    return np.random.default_rng(1).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "shape, settings, side",
    [
        (("batch", 3, 16, 16), "", 16),
        (("batch", 16, 16, 3), "", 16),
        ((4, 3, 16, 16), "", 16),
        ((1, 3, 16, 16), ":size=16", 16),
        (("n", 3, "h", "w"), ":size=24", 24),
    ],
)
def test_it_computes_what_the_file_says(shape, settings, side, tmp_path):
    encoder = load_encoder(f"{onnx_files.write(tmp_path / 'n.onnx', shape)}:pixels=imagenet{settings}")
    assert image_side(encoder) == side
    found = embed(encoder, images(side), batch_size=5)
    np.testing.assert_allclose(found, onnx_files.features(images(side), *IMAGENET), rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32


def test_pixels_may_be_bytes_or_half_precision(tmp_path):
    raw = OnnxEncoder(onnx_files.write(tmp_path / "bytes.onnx", kind=TensorProto.UINT8))(images())
    np.testing.assert_allclose(raw, onnx_files.features(images(), *onnx_place.PIXELS["0..255"]), rtol=1e-4, atol=1e-3)
    half = onnx_files.write(tmp_path / "half.onnx", kind=TensorProto.FLOAT16)
    found = OnnxEncoder(f"{half}:pixels=0.5-0.4-0.3/0.2")(images())
    np.testing.assert_allclose(found, onnx_files.features(images(), (0.5, 0.4, 0.3), 0.2), rtol=1e-2, atol=1e-2)


def test_one_of_several_outputs_is_chosen_by_name(tmp_path):
    path = onnx_files.write(tmp_path / "n.onnx", outputs={"tokens": ["b", 1, 5], "features": ["b", 5]})
    found = OnnxEncoder(f"{path}:pixels=0..1:output=features")(images())
    np.testing.assert_allclose(found, onnx_files.features(images(), 0, 1), rtol=1e-4, atol=1e-5)


def test_the_fingerprint_is_of_all_that_decides_the_features(tmp_path):
    path = onnx_files.write(tmp_path / "n.onnx", weights_in="n.weights")
    first = fingerprint(OnnxEncoder(f"{path}:pixels=0..1"))
    assert first == fingerprint(OnnxEncoder(f"{path}:pixels=0-0-0/1:size=16:output=features"))
    assert first != fingerprint(OnnxEncoder(f"{path}:pixels=-1..1"))
    content = (tmp_path / "n.weights").read_bytes()
    (tmp_path / "n.weights").write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert first != fingerprint(OnnxEncoder(f"{path}:pixels=0..1"))


WRONG = {
    "no pixels": (
        {},
        "",
        r"it does not say which pixel values it expects; say it: \S+n.onnx:pixels=imagenet \(or clip",
    ),
    "bytes are bytes": (
        {"kind": TensorProto.UINT8},
        ":pixels=clip",
        "pixels: it takes uint8, which is 0..255; leave them out",
    ),
    "another size": ({}, ":pixels=clip:size=24", "size: it takes images of 16 x 16 pixels, got 24"),
    "no size": ({"shape": ("b", 3, "h", "w")}, ":pixels=clip", "images of any size; say which: .*n.onnx:size=224"),
    "more inputs": (
        {"extra_inputs": ["input_ids"]},
        ":pixels=clip",
        r"it has pixels tensor\(float\) \[batch, 3, 16, 16\], input_ids .*: export the image encoder alone",
    ),
    "grey images": (
        {"shape": ("b", 1, 16, 16)},
        ":pixels=clip",
        r"expected one input of images, \[B, 3, S, S\] or \[B, S, S, 3\], .*\[b, 1, 16, 16\]",
    ),
    "no squares": ({"shape": ("b", 3, 16, 24)}, ":pixels=clip", r"squares; it has pixels .*\[b, 3, 16, 24\]"),
    "whole numbers": ({"kind": TensorProto.INT64}, ":pixels=clip", r"floating point or uint8; it has pixels .*int64"),
    "which output": (
        {"outputs": {"features": ["b", 5], "tokens": ["b", 1, 5]}},
        ":pixels=clip",
        r"which output\? Add :output=name; it has features .*, tokens ",
    ),
    "no such output": ({}, ":pixels=clip:output=pooled", r"output: 'pooled' is none of features tensor\(float\)"),
    "tokens": (
        {"outputs": {"tokens": ["b", 1, 5]}},
        ":pixels=clip",
        r"its output is tokens tensor\(float\) \[b, 1, 5\]; export its class token, or the mean of its tokens",
    ),
    "a map": ({"outputs": {"map": ["b", 3, 16, 16]}}, ":pixels=clip", "; pool over height and width"),
    "classes": (
        {"outputs": {"class": ["b", 5]}},
        ":pixels=clip",
        r"floating point; its output is class tensor\(int64\)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_another_file_is_named(case, tmp_path):
    options, settings, message = WRONG[case]
    path = onnx_files.write(tmp_path / "n.onnx", **options)
    with pytest.raises(InputError, match=message):
        OnnxEncoder(f"{path}{settings}")


def test_what_is_no_file_of_onnx_is_told_in_a_line(tmp_path):
    with pytest.raises(InputError, match="n.onnx does not exist; expected an ONNX file"):
        OnnxEncoder(tmp_path / "n.onnx")
    (tmp_path / "n.onnx").write_bytes(b"no protobuf")
    with pytest.raises(InputError, match="n.onnx: cannot be read as an ONNX file: ") as caught:
        OnnxEncoder(tmp_path / "n.onnx")
    assert "\n" not in str(caught.value)
    path = onnx_files.write(tmp_path / "m.onnx", weights_in="m.weights")
    (tmp_path / "m.weights").unlink()
    with pytest.raises(InputError, match="m.onnx: cannot be read as an ONNX file: "):
        OnnxEncoder(path)


def test_a_size_that_the_network_cannot_take_is_told(tmp_path):
    path = onnx_files.write(tmp_path / "n.onnx", ("b", 3, "h", "w"), side=16)
    with pytest.raises(InputError, match="n.onnx: fails on images of 32 x 32 pixels: "):
        OnnxEncoder(f"{path}:size=32:pixels=0..1")(images(32))


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"onnxruntime is needed to run it: pip install 'dogo-tf\[onnx\]'"):
        OnnxEncoder(onnx_files.write(tmp_path / "n.onnx"))


def test_settings_behind_a_path():
    made = onnx_place.parse("models/a.onnx:size=224:pixels=0.5-0.4-0.3/0.2:output=pooled")
    assert str(made.path) == "models/a.onnx"
    assert made[1:] == (224, ((0.5, 0.4, 0.3), (0.2,) * 3), "pooled")
    assert onnx_place.is_onnx("a.onnx") and onnx_place.is_onnx("a.onnx:size=8")
    assert not onnx_place.is_onnx("a.onnx.keras") and not onnx_place.is_onnx("a.onnx_data")


@pytest.mark.parametrize(
    "settings, message",
    [
        ("side=8", "unknown setting of a.onnx 'side'; known: output, pixels, size"),
        ("size", "a.onnx: expected :setting=value, got 'size'; settings: output, pixels, size"),
        ("size=8:size=9", "a.onnx: size comes twice in a.onnx:size=8:size=9"),
        ("size=large", "a.onnx: size: image_size: expected a whole number from 8 to 4096, got large"),
        ("size=4", "a.onnx: size: image_size: expected a whole number from 8 to 4096, got 4"),
        ("pixels=foo", "pixels: expected imagenet, clip, -1..1, 0..1, 0..255, or mean/std of pixels 0..1 as "),
        ("pixels=0.5/0", "; got '0.5/0'"),
        ("pixels=nan/1", "; got 'nan/1'"),
        ("pixels=0.5-0.4/1", "; got '0.5-0.4/1'"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(InputError) as caught:
        onnx_place.parse(f"a.onnx:{settings}")
    assert message in str(caught.value)

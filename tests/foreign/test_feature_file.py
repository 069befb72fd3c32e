"""Features from files: those of these images in this order, and nothing else."""

import numpy as np
import pytest

from dogo_tf.data import ImageSet, digest
from dogo_tf.errors import InputError
from dogo_tf.foreign.feature_file import is_feature_file, read_features

FEATURES = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
FILES = tuple(f"photos/train/{kind}/{number}.png" for kind in ("cat", "dog") for number in range(3))
PHOTOS = ImageSet("photos train", IMAGES, files=FILES)
PLAIN = ImageSet("cifar10 train", IMAGES)


def write(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_they_are_read_as_they_are(dtype, save, tmp_path):
    save(tmp_path / "f.npz", features=FEATURES.astype(dtype), names=FILES)
    found = read_features(tmp_path / "f.npz", PHOTOS)
    np.testing.assert_array_equal(found, FEATURES.astype(dtype))
    assert isinstance(found, np.memmap) == (save is np.savez)


def test_columns_first_are_read_too(tmp_path):
    found = read_features(write(tmp_path / "f.npz", features=np.asfortranarray(FEATURES)), PLAIN)
    np.testing.assert_array_equal(found, FEATURES)


def test_a_bare_array_is_enough_for_images_without_files_and_one_is_told_what_could_not_be_checked(tmp_path, capsys):
    np.save(tmp_path / "f.npy", FEATURES)
    found = read_features(tmp_path / "f.npy", PLAIN)
    np.testing.assert_array_equal(found, FEATURES)
    assert isinstance(found, np.memmap)
    message = "f.npy has no digest of its images, so that only their number could be checked, not their order"
    assert message in capsys.readouterr().out
    assert is_feature_file("f.npy") and is_feature_file(tmp_path / "f.npz") and not is_feature_file("f.onnx")


@pytest.mark.parametrize(
    "names",
    [
        FILES,
        [f"/elsewhere/{name}" for name in FILES],
        [name.removeprefix("photos/train/") for name in FILES],
        [f"./{name}" for name in FILES],
    ],
)
def test_the_data_may_have_been_elsewhere(names, tmp_path):
    read_features(write(tmp_path / "f.npz", features=FEATURES, names=names), PHOTOS)


def test_a_digest_of_the_same_images_is_fine(tmp_path, capsys):
    read_features(write(tmp_path / "f.npz", features=FEATURES, digest=digest(IMAGES)), PLAIN)
    assert capsys.readouterr().out == ""


TOKENS = np.zeros([6, 2, 4], np.float32)
WRONG = {
    "order": (
        PHOTOS,
        {"features": FEATURES, "names": [FILES[k] for k in (0, 2, 1, 3, 4, 5)]},
        "features of other images or in another order: image 1 is cat/1.png, but row 1 of the features is of cat/2.png",
    ),
    "other classes": (
        PHOTOS,
        {"features": FEATURES, "names": [name.replace("dog", "cow") for name in FILES]},
        "image 3 is dog/0.png, but row 3 of the features is of cow/0.png",
    ),
    "too few": (PHOTOS, {"features": FEATURES[:5], "names": FILES[:5]}, "expected the features of 6 images, got 5"),
    "too few names": (PHOTOS, {"features": FEATURES, "names": FILES[:5]}, "names: expected text [6], got <U22 [5]"),
    "names are numbers": (
        PHOTOS,
        {"features": FEATURES, "names": np.arange(6)},
        "names: expected text [6], got int64 [6]",
    ),
    "no names": (
        PHOTOS,
        {"features": FEATURES},
        "photos train are files, so an array names must say which row is which: numpy.savez(path, features=..., names=...)",
    ),
    "names of files": (
        PLAIN,
        {"features": FEATURES, "names": FILES},
        "its names are those of files, but the images of cifar10 train come from none",
    ),
    "digest": (
        PLAIN,
        {"features": FEATURES, "digest": digest(IMAGES[::-1])},
        "its digest is of other images than cifar10 train, in another order or of another size",
    ),
    "another array": (PLAIN, {"h": FEATURES}, "expected the arrays features[, names][, digest]; it holds: h"),
    "whole numbers": (
        PLAIN,
        {"features": FEATURES.astype(int)},
        "expected floating-point features [N, d], got int64 [6, 4]",
    ),
    "tokens": (
        PLAIN,
        {"features": TOKENS},
        "got float32 [6, 2, 4]; of tokens or maps take the class token or the mean",
    ),
    "nothing": (PLAIN, {"features": FEATURES[:, :0]}, "expected floating-point features [N, d], got float32 [6, 0]"),
    "NaN": (
        PLAIN,
        {"features": np.where(np.arange(6)[:, None] < 4, FEATURES, np.nan)},
        "NaN or infinite features, first of image 4",
    ),
    "infinite": (PLAIN, {"features": np.full([6, 4], np.inf)}, "NaN or infinite features, first of image 0"),
}


@pytest.mark.parametrize("case", WRONG)
def test_others_are_named(case, tmp_path):
    images, arrays, message = WRONG[case]
    with pytest.raises(InputError) as caught:
        read_features(write(tmp_path / "f.npz", **arrays), images)
    assert message in str(caught.value) and str(tmp_path / "f.npz") in str(caught.value)


@pytest.mark.parametrize("name", ["f.npz", "f.npy"])
def test_what_is_no_file_of_numpy_is_told(name, tmp_path):
    path = tmp_path / name
    with pytest.raises(InputError, match=f"{name} does not exist; expected features of cifar10 train, .npz or .npy"):
        read_features(path, PLAIN)
    np.savez(tmp_path / "whole.npz", features=FEATURES)
    for content in (b"", b"nothing of the kind", (tmp_path / "whole.npz").read_bytes()[:-40]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: cannot be read as a file of NumPy: "):
            read_features(path, PLAIN)


def test_python_objects_are_not_unpacked(tmp_path):
    path = write(tmp_path / "f.npz", features=FEATURES, names=np.array([object()] * 6))
    with pytest.raises(InputError, match="Object arrays cannot be loaded"):
        read_features(path, PHOTOS)
    np.save(tmp_path / "f.npy", np.array([[object()]] * 6))
    with pytest.raises(InputError, match="cannot be read as a file of NumPy"):
        read_features(tmp_path / "f.npy", PLAIN)

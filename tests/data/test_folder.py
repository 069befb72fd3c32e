"""A folder of images: what is found, in which order, with which labels, and what happens to bad files."""

import os

import numpy as np
import pytest
from pictures import declare_png
from PIL import Image

from dogo_tf import data
from dogo_tf.errors import InputError


def _save(path, colour=(0, 0, 0), size=(8, 8), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path)
    return path


def _error(*args, **options):
    with pytest.raises(InputError) as error:
        data.load(*args, **options)
    return str(error.value)


def test_labelled_split_of_any_nesting(tmp_path):
    _save(tmp_path / "train" / "dog" / "b" / "c" / "0.png", (1, 0, 0))
    _save(tmp_path / "train" / "dog" / "z.png", (2, 0, 0))
    _save(tmp_path / "train" / "cat" / "1.png", (3, 0, 0))
    _save(tmp_path / "val" / "cat" / "2.png", (4, 0, 0))
    result = data.load(tmp_path)
    assert result.images.dtype == np.uint8 and result.images.shape == (3, 8, 8, 3)
    assert result.images[:, 0, 0, 0].tolist() == [3, 1, 2]  # sorted by path
    assert result.labels.dtype == np.int64 and result.labels.tolist() == [0, 1, 1]
    assert result.class_names == ("cat", "dog")
    assert result.bad_files == ()
    assert result.files == tuple(str(tmp_path / "train" / f) for f in ("cat/1.png", "dog/b/c/0.png", "dog/z.png"))
    assert result.name == f"{tmp_path} train"
    assert data.load(str(tmp_path), "val").images[:, 0, 0, 0].tolist() == [4]


def test_one_image_outside_the_classes_makes_the_set_unlabelled(tmp_path):
    _save(tmp_path / "dog" / "0.png")
    _save(tmp_path / "1.png")
    result = data.load(tmp_path)  # no sub-folder "train": the folder itself
    assert len(result.images) == 2 and result.labels is None and result.class_names == ()


def test_unknown_split_lists_the_sub_folders(tmp_path):
    for name in ("train", "val", ".hidden"):
        _save(tmp_path / name / "0.png")
    assert _error(tmp_path, "test") == (
        f"split: the folder {tmp_path} has no sub-folder 'test'; known: train, val "
        "(without a sub-folder 'train', 'train' is the folder itself)"
    )


def test_every_format_mode_and_size(tmp_path):
    for extension in ("jpg", "JPEG", "png", "bmp", "gif", "webp"):
        _save(tmp_path / f"a.{extension}", (0, 0, 0), size=(20, 11))
    _save(tmp_path / "b.jpg", (0, 0, 0, 255), (9, 9), "CMYK")
    _save(tmp_path / "c.png", 0, (1, 1), "L")
    _save(tmp_path / "d.png", (0, 0, 0, 255), (9, 9), "RGBA")
    _save(tmp_path / "e.png", 0, (3000, 2), "1")
    Image.fromarray(np.zeros((9, 9), np.uint16)).save(tmp_path / "f.png")
    result = data.load(tmp_path, image_size=8)
    assert result.images.shape == (11, 8, 8, 3) and result.bad_files == ()
    assert result.images.max() <= 2  # all are black


def test_hidden_and_other_files_are_ignored(tmp_path):
    _save(tmp_path / "a.png")
    for name in (".hidden.png", "notes.txt", "._a.png", "archive.zip"):
        (tmp_path / name).write_bytes(b"not an image")
    _save(tmp_path / ".cache" / "b.png")
    result = data.load(tmp_path)
    assert len(result.images) == 1 and result.bad_files == ()


def test_links_and_duplicates_count_and_loops_end(tmp_path):
    target = _save(tmp_path / "data" / "x" / "a.png", (5, 5, 5))
    (tmp_path / "data" / "x" / "b.png").symlink_to(target)
    (tmp_path / "data" / "y").symlink_to(tmp_path / "data" / "x", target_is_directory=True)
    (tmp_path / "data" / "x" / "loop").symlink_to(tmp_path / "data", target_is_directory=True)
    result = data.load(tmp_path / "data")
    # A link back to a folder on the way down is not entered, so x and y give their two files each.
    assert result.class_names == ("x", "y") and result.labels.tolist() == [0, 0, 1, 1]
    assert (result.images == 5).all()


def test_bad_files_are_left_out_counted_and_listed(tmp_path, capsys):
    for index in range(5):
        _save(tmp_path / "a" / f"{index}.png", (index, 0, 0))
    _save(tmp_path / "b" / "9.png", (9, 0, 0))
    (tmp_path / "a" / "00.png").write_bytes(b"")
    (tmp_path / "a" / "1b.jpg").write_text("this is text")
    whole = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(whole).save(tmp_path / "a" / "2b.jpg")
    encoded = (tmp_path / "a" / "2b.jpg").read_bytes()
    (tmp_path / "a" / "2b.jpg").write_bytes(encoded[: len(encoded) // 2])
    (tmp_path / "b" / "broken.png").symlink_to(tmp_path / "nowhere.png")

    result = data.load(tmp_path, image_size=8, max_bad_images=0.5)
    assert result.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 9]
    assert result.labels.tolist() == [0, 0, 0, 0, 0, 1]
    assert [os.path.basename(path) for path in result.files] == [f"{i}.png" for i in (0, 1, 2, 3, 4, 9)]
    assert [os.path.basename(path) for path, _ in result.bad_files] == ["00.png", "1b.jpg", "2b.jpg", "broken.png"]
    reasons = [reason for _, reason in result.bad_files]
    assert reasons[:2] == ["empty file", "not a JPEG, PNG, BMP, GIF, WebP or TIFF image"]
    assert "truncated" in reasons[2] and reasons[3] == "not a file, or a broken link"
    assert capsys.readouterr().err == (
        f"left out 4 of 10 images of {tmp_path} that cannot be read, e.g. {tmp_path}/a/00.png: empty file\n"
    )

    message = _error(tmp_path, image_size=8)
    assert message.splitlines()[:2] == [
        f"{tmp_path}: 4 of 10 images cannot be read, more than max_bad_images=0.01 allows (0.4 of the files):",
        f"  {tmp_path}/a/00.png: empty file",
    ]
    assert len(data.load(tmp_path, image_size=8, max_bad_images=0.4).images) == 6  # exactly the share is allowed
    assert "4 of 10" in _error(tmp_path, image_size=8, max_bad_images=0.39)


def test_a_long_list_of_bad_files_is_cut(tmp_path):
    for index in range(8):
        (tmp_path / f"{index}.png").write_bytes(b"")
    for size in (None, 8):
        message = _error(tmp_path, image_size=size, max_bad_images=1)
        assert message.startswith(f"{tmp_path}: 8 of 8 images cannot be read, none is left:")
        assert message.count("empty file") == 5 and message.endswith("\n  ... and 3 more")


def test_a_picture_above_pillows_limit_is_a_bad_file(tmp_path, monkeypatch):
    _save(tmp_path / "a.png", size=(8, 8))
    _save(tmp_path / "b.png", size=(40, 40))
    _save(tmp_path / "c.png", size=(30, 30))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # Pillow warns above this (c) and refuses twice as much (b)
    result = data.load(tmp_path, image_size=8, max_bad_images=0.5)
    assert len(result.images) == 2
    [(path, reason)] = result.bad_files
    assert path.endswith("b.png") and reason.startswith("DecompressionBombError: ")


def test_image_size_none_takes_the_common_square(tmp_path):
    _save(tmp_path / "a.png", size=(12, 12))
    _save(tmp_path / "b.png", size=(12, 12))
    assert data.load(tmp_path).images.shape == (2, 12, 12, 3)
    _save(tmp_path / "c.png", size=(12, 13))
    assert _error(tmp_path) == (
        "image_size: give it, because the images are not all squares of one size: "
        f"{tmp_path}/a.png is 12 x 12, {tmp_path}/c.png is 12 x 13"
    )
    assert _error(tmp_path / "x").startswith("the folder")


def test_image_size_none_needs_squares(tmp_path):
    _save(tmp_path / "a.png", size=(12, 13))
    assert _error(tmp_path).endswith(f"not all squares of one size: {tmp_path}/a.png is 12 x 13")
    _save(tmp_path / "a.png", size=(4, 4))
    assert _error(tmp_path) == "image_size: expected an integer of at least 8 (pixels), got 4"


def test_empty_folder(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("nothing to see")
    assert _error(tmp_path) == (
        f"{tmp_path}: no images here or below; looked for .jpg, .jpeg, .jpe, .jfif, .png, .bmp, .gif, .webp, .tif, .tiff; "
        "found: 1 .txt"
    )


def test_paths_that_are_no_folder(tmp_path):
    assert _error(tmp_path / "missing") == f"the folder '{tmp_path}/missing' does not exist"
    assert _error("./missing") == "the folder './missing' does not exist"
    assert _error("~/missing/too") == "the folder '~/missing/too' does not exist"
    assert _error("~unknown_user/too") == "the folder '~unknown_user/too' does not exist"
    assert _error("missing/too") == "the folder 'missing/too' does not exist, and 'missing' is no TFDS data set either"
    assert _error("") == "the folder '' does not exist"
    file = _save(tmp_path / "a.png")
    assert _error(file) == (
        f"{file} is a file; expected a folder of images (unpack archives first), a list of images (.csv, .parquet), .tar "
        "archives or a data set's name"
    )


@pytest.mark.parametrize("share", [-0.1, 1.01, "0.5", float("nan")])
def test_max_bad_images_is_a_share(tmp_path, share):
    assert _error(tmp_path, max_bad_images=share) == (
        f"max_bad_images: expected a share of the files in 0..1 (0.01 is 1 %), got {share!r}"
    )


def test_too_little_memory_is_said_before_anything_is_decoded(tmp_path):
    _save(tmp_path / "a.png")
    assert "image_size=" in _error(tmp_path, image_size=10_000_000)


def test_a_picture_of_more_pixels_than_are_decoded_is_a_bad_file(tmp_path):
    _save(tmp_path / "a.png")
    declare_png(tmp_path / "bomb.png", 13_300)
    reason = "ValueError: 13300 x 13300 pixels, more than the 50 million of max_pixels"
    assert data.load(tmp_path, image_size=8, max_bad_images=0.5).bad_files == ((f"{tmp_path}/bomb.png", reason),)


def test_equals_pillow_on_photographs(shared, tmp_path):
    folder = tmp_path
    if shared is not None:
        folder = shared / "data" / "tiny_imagenet_20"
    else:
        for index in range(20):
            pixels = np.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=np.uint8)
            _save(folder / "val" / f"class_{index}" / "a.JPEG")
            Image.fromarray(pixels).save(folder / "val" / f"class_{index}" / "a.JPEG")
    result = data.load(folder, "val")
    assert len(result.class_names) == 20 and result.images.shape[1:] == (64, 64, 3)
    files = sorted((folder / "val").rglob("*.JPEG"))
    assert len(files) == len(result.images)
    for index in range(0, len(files), max(1, len(files) // 20)):
        np.testing.assert_array_equal(result.images[index], np.asarray(Image.open(files[index]).convert("RGB")))
        assert files[index].relative_to(folder / "val").parts[0] == result.class_names[result.labels[index]]


def test_the_largest_number_of_pixels_can_be_chosen(tmp_path):
    _save(tmp_path / "a.png", size=(40, 40))
    _save(tmp_path / "b.png", size=(50, 40))
    images = data.load(tmp_path, image_size=8, max_bad_images=0.5, max_pixels=1600)
    assert [os.path.basename(name) for name in images.files] == ["a.png"]
    assert images.bad_files[0][1] == "ValueError: 50 x 40 pixels, more than the 0.0016 million of max_pixels"
    assert "max_pixels: expected a number of at least 1, got nan" in _error(tmp_path, max_pixels=float("nan"))

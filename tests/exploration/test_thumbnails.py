"""Sheets of thumbnails."""

import io

import numpy as np
from PIL import Image

from dogo_tf.data.image_set import ImageSet
from dogo_tf.exploration import thumbnails


def pixels_of(sheet):
    with Image.open(io.BytesIO(sheet)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def plain(count, side):
    """One colour an image, which says its number."""
    values = np.stack([np.arange(count) % 250, 40 + np.arange(count) // 10 % 200, np.full(count, 90)], axis=1)
    return np.broadcast_to(values[:, None, None].astype(np.uint8), (count, side, side, 3)).copy()


def test_each_thumbnail_is_in_its_cell():
    images = ImageSet("set", plain(1100, 24))
    rows = np.random.default_rng(0).permutation(1100)
    found = [pixels_of(sheet) for sheet in thumbnails.sheets(images, rows, 32, 5e7)]
    assert [sheet.shape for sheet in found] == [(1024, 1024, 3), (96, 1024, 3)]
    for number in (0, 1, 31, 32, 1023, 1024, 1099):
        sheet, cell = found[number // 1024], number % 1024
        shown = sheet[cell // 32 * 32 + 16, cell % 32 * 32 + 16]
        assert np.abs(shown - images.images[rows[number], 0, 0]).max() < 16, number


def test_files_are_shown_sharper_than_the_encoder_saw_them(tmp_path):
    fine = np.zeros((64, 64, 3), np.uint8)
    fine[:, ::2] = 255  # grey, at half the size
    files = [str(tmp_path / "a.png"), str(tmp_path / "gone.png")]
    Image.fromarray(fine).save(files[0])
    images = ImageSet("set", np.full((2, 32, 32, 3), 128, np.uint8), files=tuple(files))
    (sheet,) = thumbnails.sheets(images, np.arange(2), 64, 5e7)
    assert pixels_of(sheet)[:64, :64].std() > 60 > 5 > pixels_of(sheet)[:64, 64:128].std()


def test_the_side_follows_what_pictures_have_and_how_many_there_are(tmp_path):
    assert thumbnails.side_for(ImageSet("set", plain(3, 24)), 3) == 32
    assert thumbnails.side_for(ImageSet("set", plain(3, 48)), 3) == 64
    assert thumbnails.side_for(ImageSet("set", plain(3, 48)), thumbnails.MANY + 1) == 32
    Image.new("RGB", (90, 50)).save(tmp_path / "a.png")
    assert thumbnails.side_for(ImageSet("set", plain(1, 24), files=(str(tmp_path / "a.png"),)), 1) == 64

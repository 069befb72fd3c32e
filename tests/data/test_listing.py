"""Which files of a folder are images; what is left out is told, and what is no regular file is bad, not opened."""

import os

import pytest
from PIL import Image

from dogo_tf import data
from dogo_tf.data.listing import list_images
from dogo_tf.errors import InputError


@pytest.fixture
def pictures(tmp_path):
    for name in ("b.png", "a.tif", "sub/c.TIFF", "sub/d.jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), (len(name), 0, 0)).save(path)
    return tmp_path


def test_tiff_is_read_like_the_others(pictures):
    images = data.load(pictures)
    assert [os.path.basename(name) for name in images.files] == ["a.tif", "b.png", "c.TIFF", "d.jpg"]
    assert images.images[:3, 0, 0, 0].tolist() == [5, 5, 10] and not images.bad_files


def test_what_is_left_out_is_told_by_extension_and_count(pictures, capsys):
    for name in ("1.heic", "2.HEIC", "3.jp2", "README"):
        (pictures / "sub" / name).write_bytes(b"x")
    (pictures / ".hidden.heic").write_bytes(b"x")
    assert list_images(pictures).left_out == {".heic": 2, ".jp2": 1, "": 1}
    assert len(data.load(pictures).images) == 4
    assert (
        "not read, as they are no JPEG, PNG, BMP, GIF, WebP or TIFF images: 2 .heic, 1 without extension, 1 .jp2"
        in capsys.readouterr().err
    )


def test_no_image_at_all_says_what_is_there(tmp_path):
    (tmp_path / "1.heic").write_bytes(b"x")
    with pytest.raises(InputError, match=r"no images here or below; looked for \.jpg, .*\.tiff; found: 1 \.heic$"):
        data.load(tmp_path)


def test_a_pipe_a_broken_link_and_a_link_to_itself_are_bad_and_nothing_waits_for_them(pictures):
    os.mkfifo(pictures / "pipe.png")
    (pictures / "gone.png").symlink_to(pictures / "nowhere.png")
    (pictures / "itself.png").symlink_to(pictures / "itself.png")
    (pictures / "folder.png").mkdir()
    for size in (None, 16):
        images = data.load(pictures, image_size=size, max_bad_images=0.5)
        assert len(images.images) == 4
        assert {os.path.basename(path): why for path, why in images.bad_files} == dict.fromkeys(
            ("pipe.png", "gone.png", "itself.png"), "not a file, or a broken link"
        )


def test_a_mistyped_folder_is_answered_with_those_beside_it(tmp_path, monkeypatch):
    for name in ("Photos", "deep/photos", "else"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "photo.txt").touch()
    monkeypatch.chdir(tmp_path)

    def told(name):
        with pytest.raises(InputError) as error:
            data.load(name)
        return str(error.value)

    assert "the closest known names: the folder Photos, " in told("photo")
    assert told("./photo") == "the folder './photo' does not exist; did you mean Photos?"
    assert told("deep/photo") == (
        "the folder 'deep/photo' does not exist, and 'deep' is no TFDS data set either; did you mean deep/photos?"
    )

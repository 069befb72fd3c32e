"""Data in a bucket of an S3-compatible server: the same as on the disk, and one clear error where it is not to be had."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image
from s3_server import bucket_of

from dogo_tf import data
from dogo_tf.errors import InputError
from dogo_tf.sources import remote

moto = pytest.importorskip("moto")
pytest.importorskip("s3fs")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of botocore
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures, a list and an archive of them, on the disk and in the bucket."""
    folder, rng = tmp_path_factory.mktemp("s3") / "pictures", np.random.default_rng(0)
    for k in range(8):
        path = folder / "photos" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 14, 3), dtype=np.uint8)).save(path)
    (folder / "list.csv").write_text("path\n" + "".join(f"photos/{'ab'[k % 2]}/{k}.png\n" for k in (3, 0, 5)))
    shutil.make_archive(str(folder / "all"), "tar", folder / "photos")
    with bucket_of(folder), pytest.MonkeyPatch.context() as patched:
        patched.setattr(remote, "FIRST_WAIT", 0.001)
        yield folder


@pytest.mark.parametrize("source", ["memory", "cache", "stream"])
@pytest.mark.parametrize("what", ["photos", "list.csv", "all.tar"])
def test_it_is_the_same_data(photos, tmp_path, source, what):
    found, expected = (
        data.open(f"{where}/{what}", image_size=8, source=source, cache_dir=tmp_path)
        for where in ("s3://bucket", photos)
    )
    np.testing.assert_array_equal(found[:], expected[:])
    assert found.class_names == expected.class_names and found.files[0].startswith("s3://bucket/")


@pytest.mark.parametrize("what", ["photos", "list.csv", "all.tar"])
def test_a_bucket_that_does_not_exist(photos, tmp_path, what):
    with pytest.raises(InputError, match=f"nowhere/{what}.* not exist|archives do not exist: s3://nowhere/all.tar"):
        data.open(f"s3://nowhere/{what}", image_size=8, cache_dir=tmp_path)


@pytest.mark.parametrize("what", ["photos", "list.csv", "all.tar"])
def test_a_bucket_that_denies(photos, tmp_path, what):
    with moto.core.enable_iam_authentication(), pytest.raises(InputError) as raised:
        data.open(f"s3://bucket/{what}", image_size=8, cache_dir=tmp_path)
    told = rf"s3://bucket/{what}.*: access is denied \(PermissionError: .*\); expected an address that may be read, or "
    assert re.fullmatch(f"{told}credentials for it", str(raised.value))

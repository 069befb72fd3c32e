"""Every worker of a job reads the bytes of its own rows and of no others."""

import shutil

import numpy as np
import pytest
from PIL import Image
from web_server import WebServer

from dogo_tf import data
from dogo_tf.platform.keras_compat import tf

COUNT, BATCH, WORKERS = 12, 4, 2


@pytest.fixture
def server(tmp_path):
    """Twelve pictures of different sizes, a list and an archive of them."""
    rng, web = np.random.default_rng(0), tmp_path / "web"
    (web / "all").mkdir(parents=True)
    for k in range(COUNT):
        Image.fromarray(rng.integers(0, 256, (9 + k, 12, 3), dtype=np.uint8)).save(web / "all" / f"{k:02}.png")
    (web / "list.csv").write_text("path\n" + "".join(f"all/{k:02}.png\n" for k in range(COUNT)))
    shutil.make_archive(str(web / "all"), "tar", web / "all")
    found = WebServer(web)
    yield found
    found.close()


def epoch_of(worker, images):
    """The batches that one of the workers gets in an epoch."""
    stream = data.training_stream(images, BATCH, seed=0, replicas=WORKERS, local_replicas=range(worker, worker + 1))
    return [batch.numpy() for batch in stream.take(COUNT // BATCH)]


@pytest.mark.parametrize("what", ["list.csv", "all.tar"])
def test_bytes_of_all_workers_are_the_data_once_an_epoch(server, tmp_path, monkeypatch, what):
    monkeypatch.setattr(tf.data.Dataset, "prefetch", lambda stream, _: stream)  # it reads into the next epoch
    counted, batches = [], []
    for worker in range(WORKERS):
        images = data.open(
            f"{server.url}/{what}", image_size=8, source="stream", cache_dir=tmp_path / f"cache {worker}"
        )
        server.bytes.clear()
        batches.append(epoch_of(worker, images))
        counted.append(dict(server.bytes))
    size = sum(path.stat().st_size for path in (server.folder / "all").iterdir())
    assert sum(sum(found.values()) for found in counted) == size
    if what == "list.csv":  # a file for each image
        assert all(len(found) == COUNT // WORKERS for found in counted) and not counted[0].keys() & counted[1].keys()
    whole = [batch.numpy() for batch in data.training_stream(images, BATCH, seed=0).take(COUNT // BATCH)]
    for ours, theirs in zip(zip(*batches, strict=True), whole, strict=True):
        np.testing.assert_array_equal(np.concatenate(ours), theirs)


def test_rows_of_a_cache(server, tmp_path, monkeypatch):
    monkeypatch.setattr(tf.data.Dataset, "prefetch", lambda stream, _: stream)
    images = data.open(server.folder / "list.csv", image_size=8, source="cache", cache_dir=tmp_path / "cache")
    rows, read = [], type(images.images).read
    monkeypatch.setattr(
        type(images.images), "read", lambda source, asked: rows.append(asked.tolist()) or read(source, asked)
    )
    of_workers = []
    for worker in range(WORKERS):
        rows.clear()
        epoch_of(worker, images)
        of_workers.append(sum(rows, []))
    assert [len(own) for own in of_workers] == [COUNT // WORKERS] * WORKERS
    assert sorted(sum(of_workers, [])) == list(range(COUNT))

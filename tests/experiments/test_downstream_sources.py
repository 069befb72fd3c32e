"""What the binaries make of a folder, whichever source its images come from; and how many of them they hold at a time."""

import json

import numpy as np
import pytest
from PIL import Image
from run_states import small_run

from dogo_tf.comparison.runs import Comparison
from dogo_tf.comparison.settings import ComparisonSettings
from dogo_tf.encoders import build
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.experiments import probe, suspects
from dogo_tf.export import main as export
from dogo_tf.platform.keras_compat import keras
from dogo_tf.sources.source import ImageSource

BLOCK = 256


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Dark and light pictures of 9 x 10 pixels, more of them than a block, and an encoder for 8 pixels."""
    place = tmp_path_factory.mktemp("place")
    generator = np.random.default_rng(0)
    for split, count in (("train", 140), ("val", 20)):
        for label, colour in (("dark", 60), ("light", 190)):
            (place / "pictures" / split / label).mkdir(parents=True)
            for i in range(count):
                pixels = np.clip(generator.normal(colour, 60, (9, 10, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / "pictures" / split / label / f"{i:03}.png")
    keras.utils.set_random_seed(0)
    build("small_conv", 8).save(place / "small.keras")
    return place


@pytest.fixture
def most_at_a_time(monkeypatch):
    """A list of the numbers of images that sources were asked for."""
    asked, original = [], ImageSource.__getitem__

    def counted(self, rows):
        found = original(self, rows)
        asked.append(len(found) if found.ndim == 4 else 1)
        return found

    monkeypatch.setattr(ImageSource, "__getitem__", counted)
    return asked


def sources(place):
    return {
        source: [f"--source={source}", f"--cache_dir={place}/cache", f"--encoder={place}/small.keras"]
        for source in ("memory", "cache", "stream")
    }


def test_dogo_probe(place, most_at_a_time):
    words = [f"--dataset={place}/pictures", "--test_split=val", "--fractions=1", "--corruptions=contrast"]
    found = {}
    for source, options in sources(place).items():
        out = place / f"{source}.json"
        assert probe.run(["dogo-probe", *options, *words, f"--out={out}"]) == 0
        found[source] = json.loads(out.read_text())["peers"]
        assert (len(most_at_a_time) == 0) == (source == "memory")
    assert found["memory"] == found["cache"] == found["stream"]
    assert max(most_at_a_time) <= BLOCK < 280 <= sum(most_at_a_time)


def test_dogo_suspects(place, most_at_a_time, capsys):
    found = {}
    for source, options in sources(place).items():
        words = [f"--dataset={place}/pictures", "--k=10", "--inject_noise=0.2", f"--out={place}/{source}"]
        assert suspects.run(["dogo-suspects", *options, *words]) == 0
        found[source] = (place / source / "suspects.csv").read_bytes()
        assert "self-test" in capsys.readouterr().out
    assert found["memory"] == found["cache"] == found["stream"] and found["memory"].count(b"\n") > 10
    assert max(most_at_a_time) <= BLOCK < 2 * 280 <= sum(most_at_a_time)


@pytest.fixture
def export_flags():
    yield export.FLAGS
    for name in export.FLAGS:
        export.FLAGS[name].unparse()


def test_what_dogo_export_learns_from_and_measures_on(place, most_at_a_time, export_flags):
    found = {}
    for source, options in sources(place).items():
        export_flags(["dogo-export", *options, f"--dataset={place}/pictures", "--max_images=20"])
        train, test = export._train_and_test({}, 8, calibrated=False)
        assert (train.source, len(train), len(test)) == (source, 20, 256)
        found[source] = train, test
    assert not most_at_a_time
    for parts in zip(*found.values(), strict=True):
        for part in parts[1:]:
            np.testing.assert_array_equal(part.images[:], parts[0].images)
            np.testing.assert_array_equal(part.labels, parts[0].labels)


def test_dogo_compare_reads_its_own_images_from_where_it_is_told(place, most_at_a_time, tmp_path):
    pair = small_run(f"{place}/pictures", "", source="cache", cache_dir=str(tmp_path / "cache"), image_size=8)
    other = tmp_path / "other"
    other.symlink_to(place / "pictures")
    labelled, transfers = (pair.dataset, "train", "val"), [(str(other), "train", "val")]
    made = Comparison(ComparisonSettings(pair, StudyPlan(), labelled, transfers), tmp_path / "out")
    assert [made.train.source, made.test.source] == ["cache", "cache"]
    assert [data.source for data in made.transfers[0]] == ["memory", "memory"]
    assert not most_at_a_time


def test_a_comparison_from_before_pictures_were_kept_larger_goes_on_as_it_was(place, tmp_path):
    pair = small_run(f"{place}/pictures", "", image_size=8)
    settings = ComparisonSettings(pair, StudyPlan(), (pair.dataset, "train", "val"))
    new = Comparison(settings, tmp_path / "new")
    assert new.run(seeds=[]) == [] and new._store_size is None
    assert Comparison(settings, tmp_path / "new")._store_size is None
    config = tmp_path / "new" / "comparison.json"
    said = json.loads(config.read_text())
    del said["store_ratio"]
    config.write_text(json.dumps(said))
    assert Comparison(settings, tmp_path / "new")._store_size == 8


def test_an_unknown_source_is_answered_with_those_that_there_are(place, capsys):
    words = [f"--encoder={place}/small.keras", f"--dataset={place}/pictures", "--source=disk"]
    for binary, more in ((probe, ["--test_split=val"]), (suspects, [])):
        assert binary.run(["dogo", *words, *more]) == 2
        assert "unknown source 'disk'; known: auto, cache, memory, stream" in capsys.readouterr().err

"""The report of a classifier that knows its images by their colour: files, numbers, words, and what it refuses."""

import json
import re

import numpy as np
import pytest
from browser import console

from dogo_tf.assessment import write_report
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError

NAMES = ("red", "green & <blue>", "blue")


def classify(images):
    """Logits by the mean of each colour, ten times too sure."""
    return images.mean(axis=(1, 2)) / 2


def image_set(name: str, count: int, seed: int, names=NAMES) -> ImageSet:
    """Images of one colour under noise; every tenth label is the next class's."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = generator.integers(0, 60, (count, 8, 8, 3)).astype(np.uint8)
    images[np.arange(count), :, :, labels] += 40
    labels[::10] = (labels[::10] + 1) % 3
    return ImageSet(name, images, labels, names)


def retrain_to(accuracies):
    """Classifiers that answer right on about such a share, by the number of labels."""

    def retrain(rows):
        share = accuracies(len(rows))

        def answer(images):
            logits = classify(images).copy()
            wrong = np.arange(len(images)) % 100 >= 100 * share
            logits[wrong] = np.roll(logits[wrong], 1, axis=1)
            return logits

        return answer

    return retrain


@pytest.fixture(scope="module")
def train():
    return image_set("train images", 300, 0)


@pytest.fixture(scope="module")
def test_set():
    return image_set("test images", 200, 1)


@pytest.fixture(scope="module")
def written(tmp_path_factory, train, test_set):
    folder = tmp_path_factory.mktemp("report") / "new"
    found = write_report(
        folder, classify, train, test_set, retrain_to(lambda n: 1 - n**-0.4), image_set("others", 100, 2)
    )
    return folder, found


def test_the_files(written):
    folder, _ = written
    assert sorted(path.name for path in folder.iterdir()) == [
        "confusion.svg",
        "learning_curve.svg",
        "mistakes.png",
        "reliability.svg",
        "report.html",
        "report.json",
    ]


def test_the_numbers(written, test_set):
    folder, found = written
    assert found.accuracy.mean == 0.9 and found.accuracy.low < 0.9 < found.accuracy.high
    assert found.matrix.sum() == 200 and np.trace(found.matrix) == 180
    assert found.temperature > 2 and found.after.error < found.before.error
    assert sorted(found.worst.tolist()) == list(range(0, 200, 10))
    numbers = json.loads((folder / "report.json").read_text())
    assert numbers["accuracy"]["mean"] == 0.9
    assert numbers["confusion"] == found.matrix.tolist()
    assert numbers["temperature"] == found.temperature
    assert numbers["calibrated_on"] == "100 held-out images"
    assert list(numbers["classes"]) == list(NAMES)
    assert len(numbers["learning_curve"]["points"]) == 10


def test_the_page_says_it_in_words_and_needs_nothing_else(written):
    folder, _ = written
    page = (folder / "report.html").read_text()
    assert "90.0 % of the test images are classified correctly" in page
    assert "Tested on 200 images of 3 classes; trained with 300 labels" in page
    assert "The classifier is too sure" in page
    assert "green &amp; &lt;blue&gt;" in page and "<blue>" not in page
    sources = re.findall(r'(?:src|srcset|href)="([^"]*)"', page)
    assert len(sources) == 4 and all(source.startswith("data:image/") for source in sources)


def test_the_page_in_a_browser(written, tmp_path):
    assert console(written[0] / "report.html", tmp_path) == []


def test_without_retraining_and_held_out_images(written, train, test_set, tmp_path):
    """An earlier report's pictures do not stay; the temperature comes from the test images, and is judged by halves."""
    for _ in range(2):
        write_report(tmp_path, classify, train, test_set, retrain_to(lambda n: 1 - n**-0.4))
        assert (tmp_path / "learning_curve.svg").exists()
        found = write_report(tmp_path, classify, train, test_set)
        assert not (tmp_path / "learning_curve.svg").exists()
    assert found.curve is None and found.calibrated_on == "200 test images"
    assert found.temperature == pytest.approx(written[1].temperature, rel=0.5)
    assert found.after.error < found.before.error
    assert found.after.count.sum() == 200
    assert "What more labels would bring was not measured." in (tmp_path / "report.html").read_text()


def test_a_classifier_without_mistakes(train, test_set, tmp_path):
    """One class has no test image."""
    rows = np.flatnonzero((np.arange(200) % 10 > 0) & (test_set.labels < 2))
    easy = ImageSet("easy", test_set.images[rows], test_set.labels[rows], NAMES)
    found = write_report(tmp_path, classify, train, easy)
    assert found.accuracy.mean == 1 and found.temperature == 1 and not len(found.worst)
    assert found.classes[2].recall is None
    assert not (tmp_path / "mistakes.png").exists()
    page = (tmp_path / "report.html").read_text()
    assert "The worst mistakes" not in page
    assert re.search(r"No temperature could be fitted, as all answers on \d+ test images are right", page)


def test_many_classes(tmp_path):
    """The table shows the worst 40; the picture has no names."""
    names = tuple(f"class {number}" for number in range(60))
    labels = np.arange(120) % 60
    images = np.repeat(labels, 8 * 8 * 3).reshape(-1, 8, 8, 3).astype(np.uint8)
    data = ImageSet("many", images, labels, names)
    write_report(tmp_path, lambda batch: 5.0 * np.eye(60)[batch[:, 0, 0, 0] // 2], data, data)
    page = (tmp_path / "report.html").read_text()
    assert "20 classes that are found more often are in report.json." in page
    assert page.count('data-label="found, %"') == 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"test": ImageSet("bare", np.zeros((4, 8, 8, 3), np.uint8))},
            "test: expected images with labels, bare has none",
        ),
        (
            {"test": image_set("others", 9, 0, ("red", "green", "grey"))},
            r"test: expected the classes of train, 3 \(red, green & <blue>, blue\); others has 3 \(red, green, grey\)",
        ),
        ({"test": image_set("one", 1, 0)}, "test: expected at least 2 images, got 1"),
        (
            {"classifier": lambda images: np.zeros((len(images), 5))},
            r"classifier: expected logits \[n, 3\].* got \[n, 5\]",
        ),
        ({"classifier": lambda images: np.full((len(images), 3), np.nan)}, "NaN or infinite for 200 of 200 images"),
    ],
)
def test_bad_input(change, message, train, test_set, tmp_path):
    with pytest.raises(InputError, match=message):
        write_report(**{"folder": tmp_path, "classifier": classify, "train": train, "test": test_set, **change})
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way(train, test_set, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match="folder: cannot write the report to .*file: "):
        write_report(tmp_path / "file", classify, train, test_set)

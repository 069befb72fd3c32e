"""The model card of an export: what it says, and that it fits the files beside it."""

import dataclasses
import re
import shutil

import numpy as np
import pytest
import yaml

from dogo_tf.data.image_set import ImageSet, digest
from dogo_tf.errors import InputError
from dogo_tf.export import card_text, load_card
from dogo_tf.export.pipeline import Options, export_encoder
from dogo_tf.platform.files import sha256

SETTINGS = {"peers": ["small", "big"], "scheme": "similarity_kl", "epochs": 3, "seed": 0}
ORIGIN = {
    "settings": SETTINGS,
    "data": {"name": "photos train", "images": 1234, "digest": "0a1b"},
    "provenance": {"commit": "c0ffee", "date": "2026-01-02"},
}


def image_set(count, seed, name):
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = np.clip(120 * labels[:, None, None, None] + generator.normal(70, 40, (count, 16, 12, 3)), 0, 255)
    return ImageSet(name, images.astype(np.uint8), labels, ("dark", "light"))


@pytest.fixture(scope="module")
def exported(encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "out"
    train, test = image_set(100, 0, "a `wild` <b>name</b>\x1b[2J"), image_set(256, 1, "test")
    options = Options(("float16", "int8"), head=True, calibration_images=100, parity_images=256, targets=())
    return export_encoder(encoder, folder, train, test, options, "tiny", origin=ORIGIN), folder, test


@pytest.fixture
def folder(exported, tmp_path):
    """A copy that a test may damage."""
    return shutil.copytree(exported[1], tmp_path / "copy")


def test_the_card_fits_the_files_and_says_what_each_is_worth(exported):
    report, folder, _ = exported
    card = load_card(folder)
    assert card.encoder == "tiny" and card.licence is None
    artefacts = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(card.files) == artefacts - {"README.md", "report.json", "report.html"}
    assert all(sha256(folder / name) == stated for name, stated in card.files.items())
    assert load_card(folder / "README.md") == card
    for item in report.items[1:]:
        (line,) = [line for line in card.text.splitlines() if line.startswith(f"| `{item.path.name}`")]
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        scores = [f"{100 * item.scores[name].accuracy:.1f}" for name in ("knn", "linear", "head")]
        assert cells[2:5] == scores and cells[-1] == "passed"


def test_the_card_tells_recipe_data_contract_and_limits(exported):
    _, folder, test = exported
    card = load_card(folder)
    assert card.header["license"] == "unknown" and card.header["training_data_digest"] == "0a1b"
    assert re.fullmatch("[0-9a-f]{64}", card.header["recipe_digest"]) and card.header["recipe_digest"] in card.text
    for words in (
        "`photos train` (1,234 images, digest `0a1b`)",
        "peers small big, scheme similarity_kl, epochs 3, seed 0",
        "`c0ffee`",
        digest(test.images),
        "input `images` uint8 [B, 16, 12, 3], RGB, pixel values 0..255",
        "output `features` [B, 8]",
        "output `logits` [B, 2]",
        "## Intended use and limits",
        "Recommended: ",
    ):
        assert words in card.text, words
    # A name from a file stays a name: no escape sequences for the terminal, no HTML outside of a code span.
    assert "`a 'wild' <b>name</b>\\x1b[2J`" in card.text and "\x1b" not in card.text


def test_of_a_classifier_without_accuracies_it_says_how_it_was_made_and_no_more(exported):
    made, *_ = exported
    tuned = {**ORIGIN, "settings": {**SETTINGS, "encoder": ["runs/pair#small"]}}
    items = tuple(dataclasses.replace(item, scores={}) for item in made.items)
    bare = dataclasses.replace(made, items=items, reference={}, details={**made.details, "origin": tuned})
    told = card_text._data_and_recipe(bare)
    assert "- fine-tuned with the labels of" in told and "without labels" not in told and "learned from" not in told
    assert "- kNN, linear probe and head learned from" in card_text._data_and_recipe(made)


def test_another_recipe_has_another_digest(exported):
    from dogo_tf.export.card_text import recipe_digest

    assert recipe_digest(ORIGIN) == recipe_digest({"settings": dict(reversed(SETTINGS.items()))})
    assert recipe_digest(ORIGIN) != recipe_digest({"settings": SETTINGS | {"epochs": 4}})
    assert recipe_digest({}) is None


def test_a_licence_that_was_filled_in_is_read(folder):
    path = folder / "README.md"
    path.write_text(path.read_text().replace("license: unknown", "license: apache-2.0"))
    (folder / "LICENSE").write_text("a file that the card does not list")
    assert load_card(folder).licence == "apache-2.0"


def test_a_checksum_that_does_not_fit_is_told_with_both(folder):
    path = folder / "tiny_int8.tflite"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        InputError,
        match=r"card: .*tiny_int8\.tflite is not the file that README\.md describes: its sha256 is [0-9a-f]{64}, the card "
        r"states [0-9a-f]{64}\. It was damaged or replaced",
    ):
        load_card(folder)
    path.unlink()
    with pytest.raises(InputError, match="tiny_int8.tflite is listed in README.md, but cannot be read: No such file"):
        load_card(folder)


NO_CARD = {
    "plain": (
        "# Holiday\n",
        "expected the model card of dogo-export, which begins with fields between two lines of ---",
    ),
    "open": ("---\nencoder: a\n", "which begins with fields between two lines of ---"),
    "broken": ("---\nencoder: [\n---\n", "its header is no YAML: "),
    "list": ("---\n- a\n---\n", "its header has no field 'encoder' of that form"),
    "no sums": ("---\nencoder: a\n---\n", "its header has no field 'sha256' of that form"),
    "deep": ("---\nencoder: " + "[" * 5000 + "\n---\n", "its header is no YAML"),
    "object": ("---\nencoder: !!python/object/apply:os.getcwd []\n---\n", "its header is no YAML"),
}


@pytest.mark.parametrize("case", NO_CARD)
def test_a_file_that_is_no_card_is_refused(case, tmp_path):
    content, message = NO_CARD[case]
    (tmp_path / "README.md").write_text(content)
    with pytest.raises(InputError, match=message):
        load_card(tmp_path)


def test_no_card_at_all(tmp_path):
    with pytest.raises(InputError, match=r"README\.md: expected the model card of dogo-export: No such file"):
        load_card(tmp_path)
    (tmp_path / "README.md").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected the model card of dogo-export: it is no text"):
        load_card(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname"])
def test_a_card_cannot_ask_about_files_elsewhere(name, tmp_path):
    (tmp_path / "secret").write_text("x")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "README.md").write_text("---\n" + yaml.safe_dump({"encoder": "a", "sha256": {name: "0"}}) + "---\n")
    with pytest.raises(InputError, match=f"it lists {name}, which lies outside its folder"):
        load_card(folder)

"""The page in headless Chromium, used by mouse and keys."""

import io
import os
import re
import shutil

import numpy as np
import pytest
from browser import BROWSERS
from devtools import Browser
from PIL import Image

from dogo_tf import data
from dogo_tf.exploration import Page, look, place, write_page
from dogo_tf.exploration.lists import ReadingList

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="needs Chromium"),
]
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}
# Names that a list must quote, and one with a byte that is no UTF-8.
ODD = {0: b'red, "0".png', 1: "green é 1.png".encode(), 2: b"blue\xff2.png"}
CHOSEN = "document.querySelector('#name').textContent"
STORED = "JSON.parse(localStorage.getItem('dogo-explore:' + document.documentElement.dataset.digest))"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Sixty unlabelled pictures of three colours, of which files tell their names."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for k in range(60):
        name, colour = list(COLOURS.items())[k % 3]
        pixels = np.clip(rng.normal(colour, 12, (16, 16, 3)), 0, 255).astype(np.uint8)
        file = os.fsencode(folder) + b"/" + ODD.get(k, f"{name}_{k}.png".encode())
        with open(file, "wb") as opened:
            Image.fromarray(pixels).save(opened, "PNG")
    return data.load(folder, image_size=16)


@pytest.fixture(scope="module")
def page(images, tmp_path_factory):
    features = images.images.mean(axis=(1, 2)) - 90
    listed = [next(row for row, file in enumerate(images.files) if f"_{k}.png" in file) for k in (5, 9, 13)]
    reading = ReadingList("select.csv", np.array(listed), ("first", "second", "third"), ("", "red", ""), 0)
    content = Page(
        images=images,
        rows=np.arange(60),
        places=place(features),
        looks=look(features, other_features=features[:, :2]),
        labels=np.full(60, -1),
        class_names=(),
        encoder="mean",
        map_name="tsne",
        lists=(reading,),
        max_pixels=5e7,
    )
    path = tmp_path_factory.mktemp("page") / "photos.html"
    assert write_page(content, path) == path.stat().st_size
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    downloads = tmp_path_factory.mktemp("downloads")
    with Browser(tmp_path_factory.mktemp("profile"), downloads=downloads) as browser:
        browser.downloads = downloads
        yield browser


@pytest.fixture
def tab(chromium, page):
    """The page as it is opened the first time."""
    chromium.resize(1200, 800)
    chromium.open(page)
    chromium.value("localStorage.clear()")
    chromium.said.clear()
    chromium.reload()
    chromium.wait("performance.getEntriesByName('first-picture').length > 0")
    yield chromium
    assert chromium.said == []


def map_pixels(tab):
    """What the screen shows of the map, int [height, width, 3], and where it begins."""
    tab.settle()
    rectangle = "(r => [r.x, r.y, r.width, r.height])(document.querySelector('#map').getBoundingClientRect())"
    x, y, width, height = tab.value(rectangle)
    with Image.open(io.BytesIO(tab.picture())) as picture:
        shown = np.asarray(picture.convert("RGB")).astype(int)
    return shown[int(y) : int(y + height), int(x) : int(x + width)], (int(x), int(y))


def pixel_of(tab, colour):
    """A place on the screen where the map has this colour, with as much of it around; None if there is none."""
    pixels, (left, top) = map_pixels(tab)
    alike = (np.abs(pixels - colour) < 45).all(axis=2)
    around = [np.roll(alike, shift, axis) for axis in (0, 1) for shift in (-2, 2)]
    ys, xs = np.nonzero(np.logical_and.reduce([alike, *around]))
    return (left + int(xs[0]), top + int(ys[0])) if len(xs) else None


def colour_of(name):
    return re.match(r".*?(red|green|blue)[^/]*$", name)[1]


def test_the_map_shows_pictures_and_a_click_the_nearest(tab):
    for name, colour in COLOURS.items():
        tab.press("Home")
        at = pixel_of(tab, colour)
        assert at, f"no {name} picture on the map"
        tab.click(at)
        assert colour_of(tab.value(CHOSEN)) == name
        near = tab.value("[...document.querySelectorAll('#neighbours button')].map(button => button.title)")
        assert len(near) == 12 and {colour_of(title.removesuffix(": no label")) for title in near} == {name}
    before = tab.value(CHOSEN)
    tab.click("#neighbours button")
    assert tab.value(CHOSEN) == near[0].removesuffix(": no label") != before


def test_without_pictures_the_map_shows_points_in_the_colours_of_clusters(tab):
    tab.value("(size => { size.value = 0; size.dispatchEvent(new Event('input')); })(document.querySelector('#size'))")
    assert not any(pixel_of(tab, colour) for colour in COLOURS.values())
    assert pixel_of(tab, (0x42, 0x69, 0xD0))


def test_wheel_and_drag_move_the_map_and_choose_nothing(tab):
    def changed_from(before):
        for _ in range(100):
            if (shown := map_pixels(tab)[0].tobytes()) != before:
                return shown
        raise AssertionError("the map stays as it is")

    whole = map_pixels(tab)[0].tobytes()
    x, y = tab.place("#canvas")
    tab.mouse("mouseWheel", x, y, deltaX=0, deltaY=-40)
    nearer = changed_from(whole)
    tab.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    tab.mouse("mouseMoved", x + 90, y + 40, button="left", buttons=1)
    tab.mouse("mouseReleased", x + 90, y + 40, button="left", clickCount=1)
    assert changed_from(nearer) != whole
    assert tab.value(CHOSEN) == ""
    tab.click("#whole")
    tab.value("document.activeElement.blur()")
    assert map_pixels(tab)[0].tobytes() == whole


def label_all_by_keys(tab):
    """The first three in the order of the page, from the keyboard alone; returns {name on the page: label}."""
    while tab.value("document.activeElement.id") != "canvas":
        tab.press("Tab")
    given = {}
    tab.press("ArrowRight")
    for label in ("one", "two, too"):
        given[tab.value(CHOSEN)] = label
        tab.press("/")
        for letter in label:
            tab.press(letter)
        tab.press("Enter")  # which goes on
    given[tab.value(CHOSEN)] = "one"
    tab.press("1")
    assert tab.value("document.activeElement.id") == "canvas"
    return given


def test_labels_by_keys_survive_a_reload_and_can_be_undone(tab):
    given = label_all_by_keys(tab)
    assert "3 labelled, 3 of them here" in tab.text("#count")
    tab.reload()
    assert "3 labelled, 3 of them" in tab.text("#count")
    assert tab.value("[...document.querySelectorAll('#classes span')].map(e => e.textContent)") == ["one", "two, too"]
    for label in given.values():
        tab.press("ArrowRight")
        assert tab.value("document.querySelector('#label').textContent") == label
    tab.press("2")
    tab.press("z", modifiers=2)
    assert tab.value("document.querySelector('#label').textContent") == "one"
    tab.press("Backspace")
    assert tab.value("document.querySelector('#label').textContent") == "no label"
    assert "2 labelled" in tab.text("#count") and sorted(tab.value(f"Object.values({STORED})")) == ["one", "two, too"]


def test_the_download_is_a_data_set(tab, images):
    """Every image labelled; with names that need quotes, and one with a byte that is no UTF-8."""
    given, title = label_all_by_keys(tab), "document.querySelector('#name').title"
    tab.press("ArrowLeft"), tab.press("ArrowLeft"), tab.press("ArrowLeft")
    expected = {}
    for number in range(60):
        expected[tab.value(f"{title}.replace('\\udcff', '?')")] = list(given.values())[number % 2]
        tab.press("12"[number % 2])
    tab.click("#download")
    path = tab.downloads / "labels.csv"
    tab.wait("new Promise(done => setTimeout(() => done(true), 300))")
    found = data.load(path, image_size=16)
    assert set(found.files) == set(images.files)
    labels = {
        file.replace("\udcff", "?"): found.class_names[k] for file, k in zip(found.files, found.labels, strict=True)
    }
    assert labels == expected
    path.unlink()


def test_a_list_is_gone_through_with_its_reasons_and_suggestions(tab):
    tab.value("(list => { list.value = 1; list.dispatchEvent(new Event('change')); })(document.querySelector('#list'))")
    assert tab.text("#position") == "1 of 3" and tab.text("#note") == "first"
    assert tab.value(CHOSEN).endswith("blue_5.png")
    tab.value("document.querySelector('#canvas').focus()")
    tab.press("ArrowRight")
    assert tab.text("#note") == "second" and tab.text("#take").startswith("red (the list's)")
    tab.press("Enter")
    assert tab.text("#position") == "3 of 3" and tab.value("document.querySelector('#done').value") == pytest.approx(
        1 / 3
    )
    assert list(tab.value(STORED).values()) == ["red"]


def test_420_pixels_are_enough(tab):
    tab.resize(420, 800)
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    assert tab.value("document.querySelector('#canvas').clientWidth") >= 390
    tab.click("#next")
    tab.click("#added")
    for letter in "new":
        tab.press(letter)
    tab.press("Enter")
    assert "1 labelled" in tab.text("#count")
    controls = "[...document.querySelectorAll('button, select, input')].filter(control => control.offsetParent)"
    outside = "filter(control => control.getBoundingClientRect().right > 420).map(control => control.id)"
    assert tab.value(f"{controls}.{outside}") == []


def test_every_control_has_a_name(tab):
    tab.click("#next")
    tree = tab.call("Accessibility.getFullAXTree")["nodes"]
    controls = [
        n for n in tree if n.get("role", {}).get("value") in ("button", "combobox", "slider", "textbox", "checkbox")
    ]
    assert len(controls) > 20 and all(node["name"]["value"] for node in controls)


DAMAGE = {
    "numbers": (
        r'(id="data-neighbours" data-crc="\d+">)....',
        r"\1AAAA",
        "This page is damaged: neighbours has another",
    ),
    "no base64": (r'(id="data-places" data-crc="\d+">)....', r"\1!!!!", "This page is damaged: places cannot be read"),
    "a block is gone": (
        r'<script type="text/plain" id="data-rows"[^\n]*\n',
        "",
        "This page is damaged: rows is missing",
    ),
    "pictures": (
        r'(id="data-sheet-0" data-crc="\d+">.{400})....',
        r"\1AAAA",
        "Pictures of this page are damaged (sheet-0",
    ),
    "cut off": (r'(?s)<script type="text/plain" id="end".*', "", "This page is not whole: its end is missing"),
    "program": (
        r"class Damaged",
        "class damaged",
        "This page shows nothing: it is damaged, or scripts are switched off",
    ),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_told_and_no_label_is_lost(case, chromium, page, tmp_path):
    chromium.open(page)
    chromium.value("localStorage.clear()")
    chromium.reload()
    label_all_by_keys(chromium)
    kept = chromium.value(STORED)
    pattern, replacement, message = DAMAGE[case]
    text, count = re.subn(pattern, replacement, page.read_text(errors="surrogateescape"), count=1)
    assert count == 1
    (tmp_path / "damaged.html").write_text(text, errors="surrogateescape")
    chromium.open(tmp_path / "damaged.html")
    chromium.wait("document.querySelector('#notice').checkVisibility()")
    assert message in chromium.text("#notice")
    assert chromium.value(STORED) == kept and len(kept) == 3
    chromium.open(page)
    assert "3 labelled" in chromium.text("#count") and not chromium.value(
        "document.querySelector('#notice').checkVisibility()"
    )
    chromium.said.clear()


def test_kept_labels_of_images_that_are_not_on_the_page_are_counted(tab):
    key = "'dogo-explore:' + document.documentElement.dataset.digest"
    tab.value(f"localStorage.setItem({key}, JSON.stringify({{0: 'one', 1000: 'two', 1001: 'two', 1002: null}}))")
    tab.reload()
    assert "2 more labels that this browser keeps are of images that are not on this page" in tab.text("#notice")
    assert "1 labelled" in tab.text("#count")


def test_labels_that_cannot_be_read_are_set_aside(tab):
    key = "'dogo-explore:' + document.documentElement.dataset.digest"
    tab.value(f"localStorage.setItem({key}, '{{broken')")
    tab.reload()
    assert "The labels that this browser keeps cannot be read" in tab.text("#notice")
    assert tab.value(f"localStorage.getItem({key} + ':unreadable')") == "{broken"

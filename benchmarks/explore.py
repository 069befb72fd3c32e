"""Pages of dogo-explore with many images, in headless Chromium: how large, how soon the first picture, how smoothly they move.

The images are CIFAR-10's: 50,000 for training, 10,000 for testing, and, to have 100,000, the first 40,000 of these mirrored.
Their features are their own pixels at 4 x 4, their map is PCA's: none of the three depends on what an encoder sees. Chromium
draws without a graphics card. Frames are counted while the mouse drags the map.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from published import ROOT

from dogo_tf import data, exploration
from dogo_tf.data.image_set import ImageSet
from dogo_tf.data.pixels import MAX_PIXELS
from dogo_tf.reporting.provenance import record

sys.path.insert(0, str(ROOT / "tests" / "helpers"))
from devtools import Browser

COUNTS = (10_000, 100_000)
WIDTH, HEIGHT, SECONDS, OPENED = 1200, 800, 4, 5
FRAMES = """(() => {
  window.frames_seen = 0;
  const count = () => { window.frames_seen++; window.counting = requestAnimationFrame(count); };
  count();
})()"""


def images_of(count: int, data_dir: str) -> ImageSet:
    parts = [data.load("cifar10", split, data_dir=data_dir) for split in ("train", "test")]
    pixels = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    missing = max(0, count - len(pixels))
    pixels = np.concatenate([pixels, pixels[:missing, :, ::-1]])[:count]
    return ImageSet("cifar10", pixels, np.concatenate([labels, labels[:missing]])[:count], parts[0].class_names)


def make(count: int, data_dir: str, path: Path) -> int:
    """Writes the page; returns its bytes."""
    images = images_of(count, data_dir)
    features = images.images.reshape(count, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(count, -1)
    features -= features.mean(axis=0)
    looks, places = exploration.look(features, images.labels), exploration.place(features, "pca")
    page = exploration.Page(
        images=images,
        rows=np.arange(count),
        places=places,
        looks=looks,
        labels=images.labels,
        class_names=images.class_names,
        encoder="pixels",
        map_name="pca",
        lists=(),
        max_pixels=MAX_PIXELS,
    )
    return exploration.write_page(page, path)


def frames_a_second(browser: Browser) -> float:
    """While the mouse drags the map to and fro."""
    x, y = browser.place("#canvas")
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.value(FRAMES)
    started = time.perf_counter()
    step = 0
    while time.perf_counter() - started < SECONDS:
        step += 1
        browser.mouse("mouseMoved", x + 150 * np.sin(step / 15), y + 100 * np.sin(step / 10), button="left", buttons=1)
    frames = browser.value("(cancelAnimationFrame(window.counting), window.frames_seen)")
    elapsed = time.perf_counter() - started
    browser.mouse("mouseReleased", x, y, button="left", clickCount=1)
    return frames / elapsed


def looked_at(path: Path, profile: Path) -> dict:
    firsts = []
    with Browser(profile, WIDTH, HEIGHT) as browser:
        for _ in range(OPENED):
            browser.open(path)
            browser.wait("performance.getEntriesByName('first-picture').length > 0")
            firsts.append(browser.value("performance.getEntriesByName('first-picture')[0].startTime") / 1000)
        found = {"seconds_to_first_picture": statistics.median(firsts)}
        resize = (
            "(size => {{ size.value = {}; size.dispatchEvent(new Event('input')); }})(document.querySelector('#size'))"
        )
        found["frames_whole_map"] = frames_a_second(browser)
        browser.value(resize.format(12))
        found["frames_small_pictures"] = frames_a_second(browser)
        browser.value(resize.format(0))
        found["frames_points"] = frames_a_second(browser)
        browser.value(resize.format(32))
        for _ in range(4):
            browser.click("#nearer")
        found["frames_near"] = frames_a_second(browser)
        if browser.said:
            raise RuntimeError(f"the page reports {browser.said}")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", help="where TFDS keeps cifar10")
    parser.add_argument("--pages", type=Path, help="folder that keeps the pages")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, results = arguments.pages or Path(temporary), {}
        for count in COUNTS:
            path = folder / f"{count}.html"
            size = make(count, arguments.data_dir, path)
            results[str(count)] = {"megabytes": size / 1e6} | looked_at(path, Path(temporary) / f"profile_{count}")
            print(count, results[str(count)], flush=True)
    if arguments.out:
        record(arguments.out, {"width": WIDTH, "height": HEIGHT, "load": os.getloadavg(), "pages": results})


if __name__ == "__main__":
    main()

"""The files of a report: whole, readable by machines, one HTML file that needs nothing else."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import planted
import pytest
from browser import opened

from dogo_tf.comparison.page_content import PLOTS
from dogo_tf.comparison.pictures import Pictures, neighbourhoods
from dogo_tf.comparison.plots import over_labels
from dogo_tf.comparison.report import write_report
from dogo_tf.comparison.summary import summarise
from dogo_tf.data.image_set import ImageSet
from dogo_tf.errors import InputError

ARMS = {"random": 0.3, "solo": 0.50, "dogo": 0.55, "solo_matched": 0.58, "big_solo": 0.6, "dogo_big": 0.6}
NAMES = ("knn", "linear 100%", "linear 1%", "noise symmetric 40%", "noise pairwise 40%", "corruption fog", "severity 2")
LOG = [
    {"step": step, "wrn_10_2/ssl": 5.0 - step / 100, "wrn_16_2/ssl": 4.0, "wrn_10_2/distill": 0.1} for step in (20, 40)
]


def study_runs(names=NAMES, seeds=(0, 1)):
    return planted.runs({name: ARMS for name in names}, seeds, images=200)


HOSTILE = "<script>document.title='hit'</script>"


def pictures():
    """Of classes and files whose names are markup."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    files = tuple(f'"><img src=x onerror="document.title=1">{k}.png' for k in range(20))
    test = ImageSet("x", images, np.arange(20) % 2, (HOSTILE, "b"), files=files)
    return Pictures("data:image/png;base64,AAAA", neighbourhoods(test, *generator.normal(size=(2, 20, 4))))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new"
    settings = {**planted.SETTINGS, "note": HOSTILE, "weights": (1, 2)}
    runs = study_runs((*NAMES, f"transfer {HOSTILE}"))
    answer = write_report(folder, runs, settings, {"hardware": {"cores": 2}}, [("dogo", 0, LOG)], pictures())
    return folder, answer


def test_all_files_are_there_and_no_others(report):
    folder, _ = report
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {"summary.json", "summary.csv", "report.html", *(f"plots/{name}.svg" for name in PLOTS)}


def test_json_holds_everything(report):
    folder, answer = report
    written = json.loads((folder / "summary.json").read_text())
    assert written["answer"]["verdict"] == answer.verdict and written["verdict"] == answer.text.splitlines()
    assert written["provenance"] == {"hardware": {"cores": 2}} and written["settings"]["weights"] == [1, 2]
    assert written["costs"]["solo"]["epochs"] == 20 and written["seeds"]["solo"] == [0, 1]
    study = next(study for study in written["studies"] if study["study"] == "linear 1%")
    assert study["test_images"] == 200 and study["accuracy"]["dogo"]["per_seed"] == {"0": 0.545, "1": 0.55}
    difference = study["differences"]["dogo - solo"]
    assert difference["mean"] == pytest.approx(0.05) and difference["low"] < 0.05 < difference["high"]
    assert difference["verdict"] == "better" and difference["p_value"] < difference["adjusted_p"] < 0.05


def test_csv_holds_a_row_per_arm_and_per_difference(report):
    folder, _ = report
    rows = list(csv.DictReader(io.StringIO((folder / "summary.csv").read_text())))
    assert len(rows) == (len(NAMES) + 1) * (6 + 5)
    accuracy = next(row for row in rows if (row["study"], row["kind"], row["arm"]) == ("knn", "accuracy", "solo"))
    assert accuracy["per_seed"] == "0:0.495 1:0.5" and float(accuracy["mean"]) == pytest.approx(0.4975)
    assert (accuracy["minus"], accuracy["verdict"], accuracy["images"], accuracy["seeds"]) == ("", "", "200", "2")
    difference = next(row for row in rows if (row["arm"], row["minus"]) == ("dogo", "solo_matched"))
    assert float(difference["mean"]) == pytest.approx(-0.03) and 0 < float(difference["adjusted_p"]) < 1
    assert float(difference["low"]) < -0.03 < float(difference["high"]) and float(difference["images_error"]) > 0


def test_html_is_well_formed_and_needs_nothing_else(report):
    folder, answer = report
    text = (folder / "report.html").read_text()
    root = ET.fromstring(text)
    assert {element.tag for element in root.iter()}.isdisjoint({"script", "link", "iframe", "a", "object", "embed"})
    names = ("src", "href", "srcset")
    references = [element.get(name) for element in root.iter() for name in names if element.get(name)]
    assert len(references) > len(PLOTS) and all(r.startswith("data:image/") for r in references)
    assert not re.search(r"https?:|url\(|@import", text)
    assert all(element.get("alt") for element in root.iter("img"))
    assert HOSTILE in ["".join(element.itertext()) for element in root.iter("td")]


def test_the_answer_comes_first_and_nothing_comes_twice(report):
    folder, answer = report
    root = ET.fromstring((folder / "report.html").read_text())
    card = next(element for element in root.iter("section"))
    said = " ".join("".join(card.itertext()).split())
    assert card.get("class") == "verdict bad" and said.startswith(
        f"The peer costs more than it gives {answer.sentence}"
    )
    assert answer.next_step in said and answer.command in said and all(remark in said for remark in answer.remarks)
    paragraphs = ["".join(element.itertext()) for element in root.iter("p")]
    assert len(set(paragraphs)) == len(paragraphs)
    sources = [image.get("src") for image in root.iter("img") if image.get("class") == "chart"]
    assert len(set(sources)) == len(sources) == len(PLOTS)


def test_plots_are_pictures_of_the_data(report):
    folder, _ = report
    for path in (folder / "plots").iterdir():
        assert ET.fromstring(path.read_text()).tag.endswith("svg") and "<script" not in path.read_text()
    three_seeds, two_seeds = (over_labels(summarise(study_runs(seeds=seeds), {})) for seeds in ((0, 1, 2), (0, 1)))
    assert three_seeds != two_seeds == over_labels(summarise(study_runs(seeds=(0, 1)), {}))


def test_a_comparison_that_has_just_begun_is_reported_and_old_plots_go(tmp_path):
    write_report(tmp_path, study_runs(("linear 100%", "severity 1")), {}, {})
    assert (tmp_path / "plots" / "severity.svg").exists()
    runs = [run for run in study_runs(("linear 100%",), seeds=(0,)) if run.arm == "random"]
    answer = write_report(tmp_path, runs, {}, {})
    assert answer.verdict == "cannot tell" and "is not known yet, as dogo and solo are missing" in answer.sentence
    assert list((tmp_path / "plots").iterdir()) == []
    assert 'class="verdict open"' in (tmp_path / "report.html").read_text()
    ET.fromstring((tmp_path / "report.html").read_text())


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder: cannot write the report to .*file: Not a directory"):
        write_report(tmp_path / "file", study_runs(("knn",)), {}, {})


@pytest.mark.slow
@pytest.mark.browser
def test_no_script_of_a_hostile_name_runs_in_a_browser(report, tmp_path):
    folder, _ = report
    dom, console = opened(folder / "report.html", tmp_path / "profile")
    title = "<title>Does wrn_16_2 help wrn_10_2?</title>"
    assert title in dom and console == []
    bare = tmp_path / "bare.html"  # the same name, not escaped and not forbidden: the test would notice
    bare.write_text(f"<html><head><title>x</title></head><body>{HOSTILE}</body></html>")
    assert "<title>hit</title>" in opened(bare, tmp_path / "profile")[0]

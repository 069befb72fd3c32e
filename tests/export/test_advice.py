"""What is said about formats that failed and about times that cannot be right."""

import pytest

from dogo_tf.export import html_report
from dogo_tf.export.advice import alternative, failure_message, timing_remark
from dogo_tf.export.graph import Graph
from dogo_tf.export.latency import Latency
from dogo_tf.export.parity import Parity
from dogo_tf.export.report import Exported, Report

PARITY = Parity(0.1, 0.01, 0.99, 0.98, 0.004, 0.9, 256)
DETAILS = {
    "targets": {},
    "hardware": {"cores": 2, "processor": "x86"},
    "data": {"train": {"name": "a", "images": 300}, "test": {"name": "b", "images": 256}},
    "latency": {"rounds": 30, "block": 10, "cores": 2, "load_average": 8.04},
    "calibration": None,
    "quantisation": {},
    "refused": {},
    "command": "dogo-export",
    "commit": "abc",
    "date": "2026-01-01",
}


def report(failing=(), formats=("float32", "float16", "dynamic_range", "int8"), p95=0.5):
    items = [Exported("saved_model", None, 2000, PARITY)]
    for name in formats:
        problems = (f"{name}: too far",) if name in failing else ()
        graph = Graph({"CONV_2D": 3}, 1000, 0)
        items.append(Exported(name, None, 1000, PARITY, problems, {}, graph, Latency(0.36, p95, 1.0)))
    return Report("tiny", tuple(items), {}, 1000, DETAILS)


@pytest.mark.parametrize(
    "failing, formats, expected",
    [
        (("int8",), ("float16", "dynamic_range", "int8"), "take dynamic_range, which passed"),
        (("int8", "dynamic_range"), ("float16", "dynamic_range", "int8"), "take float16, which passed"),
        (("int8", "dynamic_range"), ("dynamic_range", "int8"), "export int8_qat, too (--formats)"),
        (
            ("int8", "int8_qat", "dynamic_range"),
            ("int8", "int8_qat", "dynamic_range"),
            "export float16, too (--formats)",
        ),
        (
            ("int8", "int8_qat", "dynamic_range", "float16", "float32"),
            ("float32", "float16", "dynamic_range", "int8", "int8_qat"),
            "the SavedModel",
        ),
    ],
)
def test_what_failed_in_the_same_export_is_never_advised(failing, formats, expected):
    assert expected in alternative("int8", report(failing, formats))


def test_the_message_agrees_with_its_number():
    one = failure_message(report(("int8",)), "out")
    assert one.startswith("int8 differs too much from the original and was not written (--force writes it anyway):")
    two = failure_message(report(("int8", "dynamic_range")), "out")
    assert two.startswith(
        "dynamic_range, int8 differ too much from the original and were not written (--force writes them "
    )
    assert "take dynamic_range" not in two


def test_calls_that_took_far_longer_than_most_are_remarked_upon():
    assert timing_remark(report(p95=0.9)) == ""
    remark = timing_remark(report(p95=18.0))
    assert "8.0 processes on 2 cores" in remark and "took 18 ms or more, beside a median of 0.36 ms" in remark
    assert remark in html_report.page(report(p95=18.0))


def test_no_bar_of_the_report_is_cut_off():
    figures = []
    kept = html_report.svg

    def keep(figure):
        figures.append(figure)
        return kept(figure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html_report, "svg", keep)
        html_report.page(report(failing=("int8",)))
    for ax in (ax for figure in figures for ax in figure.axes):
        low, high = ax.get_xlim()
        assert low == 0 and all(bar.get_width() <= high for bar in ax.patches)


def test_a_failed_int8_is_told_of_training_and_of_encoders_made_for_integers():
    message = failure_message(report(("int8",)), "out")
    assert "--formats=int8_qat" in message and "mobilenet_v3_small_minimalistic" in message
    everything = ("int8", "int8_qat", "dynamic_range")
    assert "take int8_qat, which passed" in failure_message(report(("int8",), everything), "out")
    both = failure_message(report(("int8", "int8_qat"), everything), "out")
    assert both.count("mobilenet_v3_small_minimalistic") == 2 and both.count("take dynamic_range, which passed") == 2

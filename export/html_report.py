"""report.html: one file that shows the formats of an encoder side by side, without anything from the network."""

import textwrap

from dogo_tf.export import device_timing, target_report
from dogo_tf.export.advice import timing_remark
from dogo_tf.export.report import (
    DETAILS_HEAD,
    HEAD,
    Report,
    detail_rows,
    quantisation,
    recommendation,
    rows,
    without_empty_columns,
)
from dogo_tf.reporting.figure import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, new_figure, svg
from dogo_tf.reporting.page import data_uri, render

COLOURS = {"float32": GREY, "float16": BLUE, "dynamic_range": ORANGE, "int8": VERMILLION, "int8_qat": GREEN}
OTHER_COLOUR = PURPLE
ROW_INCHES = 0.42
CAPTION = (
    "All bars start at 0, and shares end at 100 %, so that small differences look small. Hollow: outside the limits. The thin "
    "line on an accuracy is two standard errors of its difference to the original (dotted)."
)


def page(report: Report) -> str:
    """The whole document."""
    timed = [item for item in report.items if item.latency]
    head, body = without_empty_columns(HEAD, rows(report))
    took = recommendation(report)
    return render(
        "export.html",
        encoder=report.encoder,
        recommendation=took,
        passed=not took.startswith("none"),
        problems=report.problems,
        remark=timing_remark(report),
        head=head,
        rows=[[_gate(cell) for cell in row] for row in body],
        details=without_empty_columns(DETAILS_HEAD, detail_rows(report)),
        chart=_chart(report, timed) if timed else None,
        targets=target_report.table(report.details["targets"]),
        reasons=target_report.reasons(report.details["targets"]),
        devices=(device_timing.HEAD, device_timing.rows(report)),
        operators=[_operators(item) for item in timed],
        conditions=_conditions(report),
    )


def _gate(cell: str):
    style = {"passed": "good mark", "FAILED": "bad mark", "forced": "bad mark"}.get(cell)
    return {"text": cell, "style": style} if style else cell


def _chart(report: Report, timed) -> dict:
    wide, narrow = (data_uri(_bars(report, timed, columns), "image/svg+xml") for columns in (4, 1))
    return {"title": "size, time, accuracy and agreement by format", "caption": CAPTION, "wide": wide, "narrow": narrow}


def _bars(report: Report, timed, columns: int) -> bytes:
    """A panel per measure, a bar per format."""
    panels = [
        ("size, kB", [item.size_bytes / 1000 for item in timed], "{:.0f}", None),
        ("time of an image, ms, median on one thread", [item.latency.median_ms for item in timed], "{:.2f}", None),
    ]
    if all(item.scores for item in timed):
        scores = [item.scores["knn"] for item in timed]
        panels.append(
            ("kNN accuracy, %", [100 * s.accuracy for s in scores], "{:.1f}", [200 * s.error for s in scores])
        )
    overlaps = [100 * item.parity.neighbour_overlap for item in timed]
    panels.append(("the same 5 nearest neighbours, %", overlaps, "{:.0f}", None))
    columns = min(columns, len(panels))
    lines = -(-len(panels) // columns)
    width = 4.1 if columns == 1 else 11.5
    figure, axes = new_figure(width, lines * (0.8 + ROW_INCHES * len(timed)), rows=lines, columns=columns, sharey=True)
    for ax, (label, values, form, errors) in zip(axes, panels, strict=True):
        for row, (item, value) in enumerate(zip(timed, values, strict=True)):
            colour = COLOURS.get(item.format, OTHER_COLOUR)
            ax.barh(row, value, 0.62, color="white" if item.problems else colour, edgecolor=colour, linewidth=1.5)
            error = errors[row] if errors else 0
            if error:
                ax.errorbar(value, row, xerr=error, color="black", linewidth=1, capsize=2)
            # Inside the axes whatever the value: shares have no room beyond 100.
            ax.annotate(
                form.format(value), (0, row), (4, 0), textcoords="offset points", va="center", fontsize=9
            ).set_bbox({"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1})
        ax.set_xlim(0, 100 if label.endswith("%") else 1.08 * max(values))
        if label.startswith("kNN"):
            ax.axvline(100 * report.reference["knn"].accuracy, color="black", linestyle=":", linewidth=1)
        ax.set_xlabel(textwrap.fill(label, 28), fontsize=9)
        ax.tick_params(labelsize=9)
        ax.grid(visible=False, axis="y")
    for ax in axes[::columns]:
        ax.set_yticks(range(len(timed)), [item.format for item in timed])
    axes[0].set_ylim(len(timed) - 0.5, -0.5)
    return svg(figure)


def _operators(item) -> list[str]:
    listed = ", ".join(f"{name} {count}" for name, count in item.graph.operators.items())
    return [item.format, listed, str(item.graph.float_operators)]


def _conditions(report: Report) -> list[tuple[str, str]]:
    details = report.details
    hardware, data, timing = details["hardware"], details["data"], details["latency"]
    load = "unknown" if timing["load_average"] is None else f"{timing['load_average']:.1f}"
    return [
        ("images to learn from", f"{data['train']['name']}: {data['train']['images']:,}"),
        ("images tested on", f"{data['test']['name']}: {data['test']['images']:,}"),
        ("calibration", _calibration(details["calibration"])),
        *((line.split(": ")[0], line.split(": ", 1)[1]) for line in quantisation(report)),
        ("hardware", f"{hardware['cores']} cores of {hardware['processor']}"),
        ("timing", f"{timing['rounds']} rounds of {timing['block']} calls; running processes meanwhile: {load}"),
        ("command", details["command"]),
        ("commit and date", f"{details['commit']}, {details['date']}"),
    ]


def _calibration(calibration) -> str:
    if not calibration:
        return "none"
    extended = "; one pixel each was set to 0 and 255 to make the range whole" if calibration["extended"] else ""
    values = f"values {calibration['lowest']}..{calibration['highest']}"
    return f"{calibration['images']} images of {calibration['data']}, {values}{extended}"

"""report.html: one file that shows the formats of an encoder side by side, without anything from the network."""

from dogo_tf.export.report import HEAD, Report, recommendation, rows
from dogo_tf.reporting import html
from dogo_tf.reporting.figure import BLUE, GREY, ORANGE, PURPLE, VERMILLION, new_figure, png

STYLES = {
    "float32": {"color": GREY, "marker": "o"},
    "float16": {"color": BLUE, "marker": "s"},
    "dynamic_range": {"color": ORANGE, "marker": "^"},
    "int8": {"color": VERMILLION, "marker": "D"},
}
OTHER_STYLE = {"color": PURPLE, "marker": "v"}


def page(report: Report) -> str:
    """The whole document."""
    parts = [html.element("div", html.element("p", f"Recommended: {recommendation(report)}"), class_="verdict")]
    if report.problems:
        listed = [html.element("li", problem) for problem in report.problems]
        parts += [html.element("h2", "Outside the limits"), html.element("ul", *listed)]
    parts += [html.element("h2", "Formats"), html.table(HEAD, rows(report)), html.element("p", NOTES)]
    timed = [item for item in report.items if item.latency]
    if timed:
        parts.append(html.picture(_trade_off(report, timed), "size, time and accuracy by format", TRADE_OFF))
        parts.append(html.picture(_agreement(timed), "agreement of the features by format", AGREEMENT))
        parts += [html.element("h2", "Operations"), _operators(timed)]
    parts += [html.element("h2", "How it was measured"), _conditions(report)]
    return html.page(f"Export of {report.encoder}", *parts)


NOTES = (
    "Cosines are between an image's features from the file and from the original. E is (1 - their mean) over (1 - the mean "
    "cosine of two different images). kNN and linear: accuracy of the file's own features, with the labels of the images to "
    "learn from; head: of the classifier inside the file. ms: one image on one thread; x float32: the ratio, taken within "
    "rounds in which all files were timed in turn. activations: the least memory that holds all activations of one image that "
    "are alive at a time; weights (about the file's size) and a delegate's packed copies come on top."
)
TRADE_OFF = "Size against time (best: lower left) and against accuracy (best: upper left). Hollow: outside the limits."
AGREEMENT = "How little of the features was lost: error ratio E (lower is better), and the share of equal neighbours."


def _trade_off(report: Report, timed) -> bytes:
    scored = [item for item in timed if item.scores]
    figure, axes = new_figure(10 if scored else 5.5, 4, columns=2 if scored else 1)
    for item in timed:
        _point(axes[0], item, item.size_bytes / 1000, item.latency.median_ms)
    axes[0].margins(0.12)
    axes[0].set(xlabel="kB", ylabel="ms an image, one thread", xlim=(0, None), ylim=(0, None))
    for item in scored:
        _point(axes[1], item, item.size_bytes / 1000, 100 * item.scores["knn"].accuracy)
    if scored:
        original = 100 * report.reference["knn"].accuracy
        axes[1].axhline(original, color=GREY, linestyle=":", label="original")
        axes[1].set(xlabel="kB", ylabel="kNN accuracy, %", xlim=(0, None))
        low, high = axes[1].get_ylim()
        # A point or two, however flat the data is: differences of a tenth of a point must look small.
        axes[1].set_ylim(min(low, original - 2), max(high, original + 2))
    axes[-1].legend(frameon=False)
    return png(figure)


def _point(ax, item, x: float, y: float) -> None:
    style = STYLES.get(item.format, OTHER_STYLE)
    ax.plot(x, y, linestyle="", markersize=9, fillstyle="none" if item.problems else "full", label=item.format, **style)


def _agreement(timed) -> bytes:
    figure, axes = new_figure(10, 3, columns=2)
    names = [item.format for item in timed]
    colours = [STYLES.get(name, OTHER_STYLE)["color"] for name in names]
    floor = 1e-9  # a logarithmic axis has no room for 0
    axes[0].barh(names, [max(item.parity.error_ratio, floor) for item in timed], color=colours)
    axes[0].set(xscale="log", xlabel="E", xlim=(floor, None))
    axes[1].barh(names, [100 * item.parity.neighbour_overlap for item in timed], color=colours)
    axes[1].set(xlabel="same 5 nearest neighbours, %", xlim=(0, 100))
    for ax in axes:
        ax.invert_yaxis()
    return png(figure)


def _operators(timed):
    body = [
        [item.format, ", ".join(f"{name} {count}" for name, count in item.graph.operators.items())]
        + [str(item.graph.float_operators)]
        for item in timed
    ]
    return html.table(["format", "operations", "of them on floats"], body, class_="settings")


def _conditions(report: Report):
    details = report.details
    hardware, data, timing = details["hardware"], details["data"], details["latency"]
    load = "unknown" if timing["load_average"] is None else f"{timing['load_average']:.1f}"
    body = [
        ["images to learn from", f"{data['train']['name']}: {data['train']['images']:,}"],
        ["images tested on", f"{data['test']['name']}: {data['test']['images']:,}"],
        ["calibration", _calibration(details["calibration"])],
        ["hardware", f"{hardware['cores']} cores of {hardware['processor']}"],
        ["timing", f"{timing['rounds']} rounds of {timing['block']} calls; running processes meanwhile: {load}"],
        ["command", details["command"]],
        ["commit and date", f"{details['commit']}, {details['date']}"],
    ]
    return html.table([], body, class_="settings")


def _calibration(calibration) -> str:
    if not calibration:
        return "none"
    extended = "; one pixel each was set to 0 and 255 to make the range whole" if calibration["extended"] else ""
    values = f"values {calibration['lowest']}..{calibration['highest']}"
    return f"{calibration['images']} images of {calibration['data']}, {values}{extended}"

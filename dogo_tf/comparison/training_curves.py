"""Plot of the training logs: losses and signs of health by step."""

from dogo_tf.comparison.plot_style import ARM_STYLES, legend_below
from dogo_tf.comparison.results import ARMS
from dogo_tf.reporting.figure import new_figure, svg

# Metric in metrics.jsonl, axis label; see monitor.py.
METRICS = (
    ("ssl", "own loss, nats"),
    ("distill", "distillation loss, nats per anchor"),
    ("agreement", "agreement with the peer, share of images"),
    ("effective_rank", "effective rank of z"),
)
DASHES = ("-", "--", ":", "-.")


def training_curves(curves, first_peer: str, columns: int = 2) -> bytes | None:
    """A panel per metric that was logged; a line per arm, seed and peer. Returns an SVG, or None without any line.

    Args:
        curves: (arm, seed, lines of metrics.jsonl) triples; a run of two peers comes once, as arm "dogo".
        first_peer: the peer that is drawn solid; others are dashed.
        columns: panels side by side.
    """
    lines = [
        ("dogo_big" if arm == "dogo" and peer != first_peer else arm, peer, metric, xs, ys)
        for arm, _, log in curves
        for metric, _ in METRICS
        for peer, xs, ys in _by_peer(log, metric)
    ]
    shown = [(metric, label) for metric, label in METRICS if any(line[2] == metric for line in lines)]
    if not shown:
        return None
    peers = sorted({peer for _, peer, *_ in lines}, key=lambda peer: (peer != first_peer, peer))
    dashes = {peer: DASHES[number % len(DASHES)] for number, peer in enumerate(peers)}
    rows = -(-len(shown) // columns)
    figure, axes = new_figure(11 if columns == 2 else 4.1, 0.8 + 2.8 * rows, rows=rows, columns=columns)
    for ax, (metric, label) in zip(axes, shown, strict=False):
        for arm, peer, name, xs, ys in lines:
            if name == metric:
                style = {"color": ARM_STYLES[arm]["color"], "linestyle": dashes[peer], "label": f"{ARMS[arm]}: {peer}"}
                ax.plot(xs, ys, linewidth=1, alpha=0.8, **style)
        ax.set_xlabel("step", fontsize=9)
        ax.set_ylabel(label, fontsize=9)
        ax.tick_params(labelsize=9)
    for ax in axes[len(shown) :]:
        ax.remove()
    legend_below(figure, axes[0], most_columns=2 * columns - 1)
    return svg(figure)


def _by_peer(log: list[dict], metric: str):
    """(peer, steps, values) for every peer that logged the metric."""
    peers = dict.fromkeys(key.rsplit("/", 1)[0] for line in log for key in line if key.endswith(f"/{metric}"))
    for peer in peers:
        points = [(line["step"], line[f"{peer}/{metric}"]) for line in log if f"{peer}/{metric}" in line]
        yield peer, *zip(*points, strict=True)

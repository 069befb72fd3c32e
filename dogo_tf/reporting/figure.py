"""Figures without matplotlib's global state, in colours that colour-blind people can tell apart."""

import io

# Okabe and Ito's palette.
BLUE, SKY, GREEN, ORANGE, VERMILLION, PURPLE, GREY = (
    *("#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#7F7F7F"),
)


def new_figure(width: float, height: float, rows: int = 1, columns: int = 1, **sharing):
    """A figure of `width` x `height` inches and its axes as a flat list, row by row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # slow to load; a binary's --help does not wait for it
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(rows, columns, squeeze=False, **sharing).flat)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="#e5e5e5", linewidth=0.8)
        ax.set_axisbelow(True)
    return figure, axes


def svg(figure) -> bytes:
    """The figure as an SVG image, the same bytes for the same figure."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "dogo_tf"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()

"""Table of data beyond memory: starts with a kept index, and decoding."""

from published import read, source

from dogo_tf.reporting.table import text_table

KINDS = {"folder": "nested folder", "list": "list file"}


def large_data() -> str:
    found = read("index")
    rows = [
        [
            title,
            f"{found[kind]['listed_per_second']:,.0f}",
            *(f"{found[kind][start]['in_all']:.1f}" for start in ("first_start", "start")),
        ]
        for kind, title in KINDS.items()
    ]
    head = [f"{found['files']:,} images", "listed a second", "first start, s", "later starts, s"]
    squares, crops = read("sources")["decode"], read("decoding")["crops"]
    return (
        text_table(head, rows)
        + "\n\nSeconds until the first training step, after TensorFlow is loaded and the index is made. Decoding of "
        f"{squares['from']} JPEGs to {squares['size']} px, pictures per processor second over those of Pillow alone and of a "
        f"plain tf.data pipeline: whole pictures {_ratios(squares)}; {crops['crops']} crops of each {_ratios(crops)}."
        + "".join(source(name) for name in ("index", "sources", "decoding"))
    )


def _ratios(found: dict) -> str:
    return f"{found['stream_over_pillow']:.2f} and {found['stream_over_tf_data']:.2f}"

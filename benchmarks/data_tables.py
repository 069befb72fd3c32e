"""Tables of many images: starts with a kept index, decoding, pages to look at them."""

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


def many_on_a_page() -> str:
    found = read("explore")
    rows = [
        [
            f"{int(count):,}",
            f"{page['megabytes']:.1f}",
            f"{page['seconds_to_first_picture']:.1f}",
            *(f"{page[f'frames_{view}']:.0f}" for view in ("whole_map", "small_pictures", "points", "near")),
        ]
        for count, page in found["pages"].items()
    ]
    head = ["images", "MB", "first picture, s"]
    head += [f"frames/s, {view}" for view in ("whole map", "pictures of 12 px", "points only", "near")]
    return text_table(head, rows) + source("explore")

"""Tables of many images: starts with a kept index, decoding, what workers read, memory, pages to look at them."""

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
    sources, crops = read("sources"), read("decoding")["crops"]
    squares, workers = sources["decode"], sources["workers"]
    shares = " and ".join(f"{100 * share:.2f} %" for share in workers["share_of_bytes"])
    return (
        text_table(head, rows)
        + "\n\nSeconds until the first training step, after TensorFlow is loaded and the index is made. Decoding of "
        f"{squares['from']} JPEGs to {squares['size']} px, pictures per processor second over those of Pillow alone, of a "
        "plain tf.data pipeline, and of one whose resize looks at every pixel, as ours does: "
        f"{squares['stream_over_pillow']:.2f}, {squares['stream_over_tf_data']:.2f} and "
        f"{squares['stream_over_tf_data_antialiased']:.2f}. {crops['crops']} crops of each over Pillow alone and tf.data: "
        f"{crops['stream_over_pillow']:.2f} and {crops['stream_over_tf_data']:.2f}. Two workers read {shares} of all bytes in "
        "an epoch." + "".join(source(name) for name in ("index", "sources", "decoding"))
    )


def decoding_bound() -> str:
    found = read("decoding_bound")["bound"]
    rows = [
        [
            encoder,
            f"{one['parameters']:,}",
            f"{one['stream_images_per_second']:.0f}",
            f"{one['stream_over_memory']:.2f}",
        ]
        for encoder, one in found["encoders"].items()
    ]
    head = ["encoder alone", "parameters", "images/s from a stream", "stream over memory"]
    return (
        text_table(head, rows)
        + f"\n\n`fit` at {found['size']} px, batch {found['batch']}, on crops of {found['from']} JPEGs, each decoded in every "
        f"epoch, against the same crops from memory; median of {found['rounds']} rounds, in turns."
        + source("decoding_bound")
    )


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


def source_memory() -> str:
    found = read("sources_memory")
    kept = found["memory"]
    counts = sorted({count for source in ("cache", "stream") for count in kept[source]}, key=int)

    def cell(source: str, count: str) -> str:
        one = kept[source].get(count)
        if one is None:
            return "not measured"
        smaller = f" (at {one['size']} px)" if one["size"] != kept["size"] else ""
        return f"{one['above']:,.0f} MB{smaller}"

    rows = [[f"{int(count):,}", cell("cache", count), cell("stream", count)] for count in counts]
    most = max(one["of_tensorflow"] for source in ("cache", "stream") for one in kept[source].values())
    fit = read("sources_fit")["fit"]
    return (
        text_table([f"images of {kept['size']} px", "cache", "stream"], rows)
        + f"\n\nPeak memory of statistics, features of all images and a few training steps, above the {most:,.0f} MB that "
        f"TensorFlow and the model take. `fit` from a warm cache: {fit['cache_over_memory']:.2f} of the images per second from "
        f"memory, at {fit['size']} px, in turns." + source("sources_memory") + source("sources_fit")
    )

"""Tables of what int8 costs encoders: ranges, quantisation-aware training, devices, and whether teaching makes it dearer."""

import numpy as np
from published import read, source

from dogo_tf.reporting.table import percent, text_table


def int8() -> str:
    """Means over the draws of the calibration images; "passed" counts draws."""
    result, rows, notes = read("int8"), [], []
    for encoder, told in result["encoders"].items():
        for method, draws in told["methods"].items():
            loaded = [draw for draw in draws if "refused" not in draw]
            cells = ["cannot be loaded", "", "", ""]
            if loaded:
                error, same = (
                    np.mean([draw[name] for draw in loaded]) for name in ("error_ratio", "neighbour_overlap")
                )
                lost = [np.mean([draw["scores"][score]["lost"] for draw in loaded]) for score in ("knn", "linear")]
                cells = [f"{error:.4f}", percent(same), *(f"{-100 * value:+.1f}" for value in lost)]
            size, seconds = draws[0]["size_ratio"], np.mean([draw["seconds"] for draw in draws])
            passed = f"{sum(draw['passed'] for draw in draws)} of {len(draws)}"
            rows.append([f"{encoder}, {method}", *cells, f"{size:.2f}", passed, f"{seconds:.0f}"])
        training, data = told["training"], told["data"]
        epochs = training["steps"] * training["batch_size"] / training["images"]
        accuracies = ", ".join(f"{name} {percent(value)}" for name, value in told["original"].items())
        notes.append(
            f"{encoder}: {epochs:.1f} epochs of {data['name']} at {training['image_size']} px ({accuracies} %)"
        )
    head = ["encoder, file", "E", "same 5 neighbours, %", "kNN, points", "linear, points", "size", "passed", "seconds"]
    return text_table(head, rows) + "\n\n" + "; ".join(notes) + "." + source("int8")


def int8_devices() -> str:
    rows = []
    for encoder, told in read("int8")["encoders"].items():
        targets = told["targets"]
        cells = [_cell(targets, target, column) for target, column in COLUMNS]
        rows.append([encoder, *cells, f"{told['latency']['ratio']:.2f}", _slow(told)])
    head = ["encoder, int8", *(column for _, column in COLUMNS), "time / float32, x86", "operations that lose time"]
    return text_table(head, rows) + source("int8")


COLUMNS = (("microcontroller", "microcontroller"), ("ethos_u", "Ethos-U55"), ("ethos_u", "Ethos-U65"))


def _cell(targets: dict, target: str, column: str) -> str:
    file = targets[target]["files"].get("int8")
    if file is None or file["reason"]:
        return f"no: {file['reason'] if file else targets[target]['reason']}"
    return file["cells"][column]


def _slow(told: dict) -> str:
    """Where int8 is slower than float32: the kind of operation whose time grew most."""
    if told["latency"]["ratio"] <= 1:
        return ""
    before, after = (told["milliseconds_by_kind"][name] for name in ("float32", "int8"))
    grown = {kind: time - before.get(kind, 0.0) for kind, time in after.items()}
    kind = max(grown, key=grown.get)
    return f"{kind}: {before.get(kind, 0.0):.2f} -> {after[kind]:.2f} ms"


MEASURES = {
    "E": ("E", 1, "{:+.4f}"),
    "neighbours": ("same 5 neighbours, points", 100, "{:+.1f}"),
    "knn_lost": ("kNN that is lost, points", 100, "{:+.1f}"),
    "linear_lost": ("linear accuracy that is lost, points", 100, "{:+.1f}"),
}


def int8_taught() -> str:
    return _against_alone("int8_taught", "taught")


def int8_beside() -> str:
    return _against_alone("int8_beside", "next to a peer")


def _against_alone(name: str, title: str) -> str:
    """A result of int8_taught.py; `title` says how the others were trained."""
    result, rows = read(name), []
    for method, differences in result["differences"].items():
        for measure, (what, factor, form) in MEASURES.items():
            alone, other = (
                form.format(factor * np.mean([row[measure] for row in result["found"][arm][method]])).lstrip("+")
                for arm in ("alone", "taught")
            )
            mean, low, high = (form.format(factor * differences[measure][end]) for end in ("mean", "low", "high"))
            rows.append([f"{method}: {what}", alone, other, f"{mean} ({low} to {high})"])
    head = ["int8 file, measure", "alone", title, f"{title} - alone, 95 % interval"]
    return (
        text_table(head, rows) + f"\n\n{len(result['training_seeds'])} seeds of the training, paired; "
        f"draws of the calibration images for each: {result['draws']}." + source(name)
    )

"""What a model card says: what the encoder is, where it comes from, what each file is worth, and how it is to be used."""

import hashlib
import json
from pathlib import Path

from dogo_tf.evaluate.saved_model_encoder import INPUT
from dogo_tf.export.card import CARD, NO_LICENCE, checksums, compose
from dogo_tf.export.report import Exported, Report, recommendation
from dogo_tf.platform.files import write_atomically
from dogo_tf.reporting.plain_text import printable
from dogo_tf.reporting.table import percent, text_table

# What of a run's settings tells a reader most; the digest is of all of them.
_TOLD = ("peers", "teach", "scheme", "teachers", "epochs", "batch_size", "optimizer", "learning_rate", "views", "seed")
_HEAD = ["file", "kB", "kNN %", "linear %", "head %", "same 5-NN %", "E", "cosine min", "gate"]


def write(folder: Path, report: Report, contract: dict, outputs: dict[str, list]) -> None:
    """Writes the card of `folder`, in which all other artefacts are already.

    Args:
        contract: see metadata.input_contract.
        outputs: name -> shape, of the SavedModel.
    """
    content = compose(header(report, checksums(folder)), text(report, contract, outputs))
    write_atomically(folder / CARD, content.encode())


def header(report: Report, files: dict[str, str]) -> dict:
    """The fields that model hubs read, and those that `load_card` needs. files: path -> sha256."""
    origin = report.details["origin"] or {}
    return {
        "license": NO_LICENCE,
        "library_name": "dogo-tf",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["self-supervised", "tflite", "edge"],
        "encoder": report.encoder,
        "recipe_digest": recipe_digest(origin),
        "training_data_digest": origin.get("data", {}).get("digest"),
        "sha256": files,
    }


def recipe_digest(origin: dict) -> str | None:
    """sha256 of all settings of the run, as JSON with sorted names; None without a run."""
    settings = origin.get("settings")
    return settings and hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def text(report: Report, contract: dict, outputs: dict[str, list]) -> str:
    """The card below its header, Markdown; arguments as for `write`."""
    sections = {
        f"{_code(report.encoder)}: a small image encoder": _what(contract, outputs),
        "Data and recipe": _data_and_recipe(report),
        "Accuracy of each file": _accuracy(report),
        "Input and output": _contract(contract, outputs),
        "Intended use and limits": _use(report),
        "Licence": f"Not stated yet: fill in `license` in the first lines of this file (`{NO_LICENCE}` until then). The "
        "weights were learned from the images named above, so look at their terms, too.",
        "Checksums": "The header of this file holds the sha256 of every artefact; `report.json` and `report.html`, to which "
        'measurements may be added, have none. `dogo_tf.export.load_card("THIS_FOLDER")` compares them all.',
    }
    titles = list(sections)
    parts = [f"# {titles[0]}\n\n{sections[titles[0]]}"]
    parts += [f"## {title}\n\n{sections[title]}" for title in titles[1:]]
    return "\n\n".join(parts) + "\n"


def _what(contract: dict, outputs: dict) -> str:
    _, height, width, _ = contract["shape"]
    labels = " and, by the classifier in it, to logits" if len(outputs) > 1 else ""
    return (
        f"Maps an RGB image of {height} x {width} pixels to {outputs['features'][-1]} features{labels}. Exported by dogo-tf, "
        "which trains small encoders without labels next to a peer (Distill on the Go)."
    )


def _data_and_recipe(report: Report) -> str:
    details, origin = report.details, report.details["origin"] or {}
    lines = []
    if settings := origin.get("settings"):
        trained = origin.get("data", {})
        how = "fine-tuned with the labels of" if "encoder" in settings else "pre-trained, without labels, on"
        lines.append(f"- {how} {_data(trained)}" if trained else "")
        told = ", ".join(
            f"{name} {_value(settings[name])}" for name in _TOLD if settings.get(name) not in (None, [], ())
        )
        lines.append(
            f"- recipe: {_code(told)}; all settings are in `report.json`, their sha256 is `{recipe_digest(origin)}`"
        )
        made = origin.get("provenance", {})
        lines.append(f"- by the commit or release {_code(made.get('commit'))} on {_code(made.get('date'))}")
    else:
        lines.append(
            f"- the encoder came from {_code(origin.get('file', 'memory'))}; how it was trained is not known here"
        )
    if report.reference:
        # A head that is not among the original's accuracies did not come with it.
        trained_here = "head" not in report.reference and any("head" in (item.scores or ()) for item in report.items)
        learners = "kNN, linear probe and head" if trained_here else "kNN and linear probe"
        lines.append(f"- {learners} learned from {_data(details['data']['train'])}")
    lines.append(f"- every file was measured on {_data(details['data']['test'])}")
    if used := details["calibration"]:
        lines.append(f"- integers were calibrated on {used['images']} images of {_code(used['data'])}")
    return "\n".join(line for line in lines if line)


def _data(known: dict) -> str:
    digest = f", digest `{known['digest']}`" if known.get("digest") else ""
    return f"{_code(known['name'])} ({known['images']:,} images{digest})"


def _accuracy(report: Report) -> str:
    rows = [["the original", "-", *_scores(report.reference), "-", "-", "-", "-"]]
    rows += [_row(item) for item in report.items]
    return (
        f"{text_table(_HEAD, rows)}\n\n"
        "kNN and linear: of the file's own features. same 5-NN: the share of each image's five nearest others that stayed. E: "
        "the share of what tells images apart that was lost. A file that failed its gate is not there, unless it says forced."
        "\n\n"
        f"Recommended: {printable(recommendation(report))}"
    )


def _row(item: Exported) -> list[str]:
    gate = ("forced" if item.path else "FAILED") if item.problems else "passed"
    name = item.path.name if item.path else item.format
    parity = item.parity
    cells = [percent(parity.neighbour_overlap), f"{parity.error_ratio:.1e}", f"{parity.cosine_min:.4f}", gate]
    return [_cell(name), f"{item.size_bytes / 1000:.0f}", *_scores(item.scores), *cells]


def _contract(contract: dict, outputs: dict) -> str:
    _, height, width, _ = contract["shape"]
    given = "\n".join(f"- output `{name}` {['B', *shape[1:]]}".replace("'", "") for name, shape in outputs.items())
    return (
        f"- input `{INPUT}` uint8 [B, {height}, {width}, 3], {contract['colour_order']}, pixel values 0..255 as they are: "
        "normalisation is inside\n"
        "- from a picture: turned upright, the largest centred square, Pillow's bilinear resize, as in training\n"
        f"{given}\n"
        "- features are not scaled to length 1; for cosines, do so\n"
        "- `int8` files return raw integers; scale and zero-point are in the `.json` beside each file. `runtime.py` of dogo-tf "
        "does all of this"
    )


def _use(report: Report) -> str:
    tested = report.details["data"]["test"]
    return (
        "For features of pictures like those it was trained on: search by similarity, nearest neighbours, a small classifier "
        f"on top. Measured on {tested['images']:,} images of {_code(tested['name'])} and on nothing else: on other pictures, "
        "cameras or classes measure first. Accuracies are averages, and may differ between groups of images. Not examined: "
        "bias, robustness, privacy. Not meant to decide over people.\n\n"
        "Times in `report.html` are those of one machine; time it on yours. Whoever publishes it may add here what is known."
    )


def _scores(scores) -> list[str]:
    return [percent(scores[name].accuracy) if name in (scores or {}) else "-" for name in ("knn", "linear", "head")]


def _value(value) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _code(name) -> str:
    """Names come from files that may be anybody's: in a code span, Markdown and HTML in them mean nothing."""
    return f"`{' '.join(printable(str(name)).replace('`', chr(39)).split())}`"


def _cell(name: str) -> str:
    return _code(name).replace("|", "\\|")

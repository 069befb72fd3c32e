"""Makes the README's tables from results/*.json: everything between `<!-- NAME -->` and `<!-- end -->` is replaced."""

import json
import re
from pathlib import Path

import numpy as np

from dogo_tf.table import percent, text_table

ROOT = Path(__file__).resolve().parent.parent


def read(name: str) -> dict:
    return json.loads((ROOT / "results" / f"{name}.json").read_text())


def source(name: str) -> str:
    result = read(name)
    result = result.get("provenance", result)
    hardware = f"{result['hardware']['cores']} cores of {result['hardware']['processor']}"
    return f"\n\n[results/{name}.json](results/{name}.json): commit {result['commit']}, {hardware}"


def quickstart() -> str:
    result = read("quickstart")
    rows = []
    for name, probe in result["probes"].items():
        linear = [percent(value["accuracy"]) for value in probe["linear"].values()]
        rows.append([name, f"{result['parameters'][name]:,}", percent(probe["knn"]["accuracy"]), *linear])
    shares = [f"linear %, {100 * float(share):g} % labels" for share in next(iter(result["probes"].values()))["linear"]]
    files = result["files"]
    sizes = ", ".join(f"{name} {files[name]['bytes'] / 1000:.0f} kB" for name in ("float32", "float16"))
    worst = max(file["parity"]["relative_difference"] for file in files.values())
    return (
        text_table(["encoder", "parameters", "kNN %", *shares], rows)
        + f"\n\n`dogo-quickstart`: {result['minutes']:.1f} minutes, one seed. The exported small encoder: {sizes}; largest "
        f"difference to Keras {worst:.0e} of the largest feature." + source("quickstart")
    )


def cifar10() -> str:
    result = read("cifar10_wrn_pair")
    rows = []
    for peer, probe in result["peers"].items():
        rows.append(
            [peer, percent(probe["knn"]["accuracy"])]
            + [percent(value["accuracy"]) for value in probe["linear"].values()]
        )
    shares = [f"linear %, {100 * float(share):g} % labels" for share in next(iter(result["peers"].values()))["linear"]]
    settings = result["run"]["settings"]
    return (
        text_table(["encoder", "kNN %", *shares], rows)
        + f"\n\nCIFAR-10 (a JPEG-recompressed copy), {settings['epochs']} epochs of {result['train']['images']:,} images, "
        f"batch {settings['batch_size']}, one seed, no baseline beside it: "
        "it shows that the road is whole, not that a peer helps. "
        f"{result['run']['median_images_per_second']:.0f} images/s, trained at commit {result['run']['commit']}."
        + source("cifar10_wrn_pair")
    )


MEASURED = ("step", "augment", "memory", "fidelity")


def speed() -> str:
    step, augment, memory, fidelity = (read(name) for name in MEASURED)
    worst = fidelity["largest_relative_deviation"]
    losses = next(found for found in memory["losses"] if found["batch"] == 4096)
    megabytes = losses[losses["by_default"]]["megabytes"]
    rows = [
        ["`model.fit` over a bare loop of the same step", f"{step['fit_over_bare']:.2f}"],
        ["the step's arithmetic over the machine's matrix product", percent(step["share_of_matmul_rate"]) + " %"],
        ["training images/s, WRN-16-2 + WRN-10-2, batch 128", f"{step['fit_images_per_second']:.0f}"],
        ["SimCLR views/s at 32 px", f"{augment['compiled_views_per_second']:,.0f}"],
        ["peak memory of a pair's losses and gradients, B = 4096, D = 128", f"{megabytes:.0f} MB"],
        ["largest relative deviation from the authors' losses and gradients", f"{worst:.0e}"],
    ]
    difficulty = read("patterns_difficulty")
    pixels = max(difficulty["test_accuracy_logistic_regression_on_pixels"].values())
    supervised = difficulty["test_accuracy_supervised_wrn_16_2"]
    rows.append(["`patterns`: logistic regression on pixels, accuracy", percent(pixels) + " %"])
    rows.append(["`patterns`: supervised WRN-16-2, accuracy", percent(supervised) + " %"])
    names = ", ".join(f"[{name}](results/{name}.json)" for name in (*MEASURED, "patterns_difficulty"))
    return text_table(["what", "measured"], rows) + f"\n\nFrom {names}: {step['hardware']['cores']} cores."


def blockwise() -> str:
    result = read("memory")
    rows, limit = [], result["limit_gib"]
    for found in result["losses"]:
        what = f"losses of a pair, B = {found['batch']:,}, in blocks of {found['most_similarities'] // found['batch'] // 2}"
        rows.append([what, *_plain_and_parts(limit, found, "plain", "blockwise")])
    step = result["step"]
    peers = " + ".join(name.upper().replace("_", "-") for name in step["peers"])
    what = f"training step, {peers}, batch {step['batch']}, {step['parts']} micro-batches"
    rows.append([what, *_plain_and_parts(limit, step, "whole", "micro_batches")])
    head = ["peak memory and time of", "as a whole", "in parts", "memory x", "time x"]
    return text_table(head, rows) + f"\n\nD = {result['width']}." + source("memory")


def _plain_and_parts(limit: float, found: dict, *names: str) -> list[str]:
    cells = []
    for name in names:
        fits = found[name]["megabytes"] is not None
        cells.append(
            f"{found[name]['megabytes']:,.0f} MB, {found[name]['seconds']:.2f} s"
            if fits
            else f"more than {limit:g} GiB"
        )
    return cells + [f"{found[ratio]:.2f}" if ratio in found else "" for ratio in ("memory_ratio", "time_ratio")]


SHOWN_ARMS = ("random", "solo", "dogo", "solo_matched", "big_solo")
SHOWN_DIFFERENCES = {
    "dogo - solo": "next to a peer - alone, same epochs",
    "dogo - solo_matched": "- alone, same compute",
}


def compare() -> str:
    result = read("compare_cifar10")
    head = ["accuracy, %", *SHOWN_ARMS, *SHOWN_DIFFERENCES.values()]
    rows = []
    for study in result["studies"]:
        single = study["study"].startswith(("corruption", "severity")) and study["study"] != "corruption all"
        if single:
            continue  # in the JSON; each on fewer images, and all of them together in one row
        accuracies = [percent(study["accuracy"][arm]["mean"]) for arm in SHOWN_ARMS]
        rows.append([study["title"], *accuracies, *(_points(study["differences"][name]) for name in SHOWN_DIFFERENCES)])
    costs = [f"{result['costs'][arm]['train_gflop'] / 1e3:.1f}" for arm in SHOWN_ARMS]
    rows.append(["training, 1e12 operations", *costs, "", ""])
    return (
        text_table(head, rows)
        + "\n\n"
        + "\n".join(f"> {line}" for line in result["verdict"])
        + source("compare_cifar10")
    )


def suspects() -> str:
    result = read("suspects_cifar10")
    flipped = f"{result['flipped']:,} of {result['images']:,} labels flipped ({result['noise_kind']})"
    found = f"precision {percent(result['precision'])} %, recall {percent(result['recall'])} %"
    return (
        f"`dogo-suspects` on {result['data']} with {flipped}: {result['listed']:,} listed, {found} "
        "(the encoder of the comparison that learned next to its peer, seed 0)." + source("suspects_cifar10")
    )


def _points(difference: dict) -> str:
    mean, low, high = (100 * difference[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} ({low:.1f} to {high:.1f})"


def tune() -> str:
    result = read("tune_cifar10")
    rows = []
    for stage, trials in result["trials"].items():
        for trial in trials:
            changed = ", ".join(f"{name} {_value(value)}" for name, value in trial["changed"].items()) or "the start"
            peers = list(trial["peers"].values())
            scores = [percent(peers[0][name]) for name in ("knn", "linear_100", "linear_1", "score")]
            rows.append([f"{stage}: {changed}", *scores, percent(peers[1]["score"]) if len(peers) > 1 else ""])
    head = ["changed", "kNN %", "linear %", "linear %, 1 % labels", "mean of the three", "the peer's mean"]
    return text_table(head, rows) + source("tune_cifar10")


def _value(value) -> str:
    return " ".join(f"{item:g}" if isinstance(item, float) else str(item) for item in np.atleast_1d(value).tolist())


EXPORTS = ("export_wrn_10_2", "export_mobilenet_v2")


def edge() -> str:
    rows, notes = [], []
    for name in EXPORTS:
        result = read(name)
        for variant, found in result["formats"].items():
            if variant == "saved_model":
                continue
            scores = [percent(found["scores"][score]["accuracy"]) for score in ("knn", "linear")]
            rows.append(
                [f"{result['encoder']}, {variant}", f"{found['size_bytes'] / 1000:,.0f}", f"{found['size_ratio']:.2f}"]
                + [f"{found['latency']['ratio']:.2f}", f"{found['parity']['error_ratio']:.1e}"]
                + [percent(found["parity"]["neighbour_overlap"]), *scores, "no" if found["problems"] else "yes"]
            )
        original = result["original"]["scores"]
        data, load = result["data"], result["latency"]["load_average"]
        settings = result["origin"]["settings"]
        base = result["formats"]["float32"]["latency"]["median_ms"]
        notes.append(
            f"{result['encoder']}, pre-trained alone for {settings['epochs']} epochs of {settings['dataset'].split('/')[-1]} "
            f"{settings['split']}, one seed: {data['test']['images']:,} images of {data['test']['name']}, labels of "
            f"{data['train']['images']:,}; the original has kNN {percent(original['knn']['accuracy'])}, linear "
            f"{percent(original['linear']['accuracy'])}; float32 takes {base:.2f} ms, "
            f"measured next to {load:.1f} running processes. Recommended: {result['recommendation'].split(':')[0]}."
            + source(name)
        )
    head = [
        "encoder, format",
        "kB",
        "x float32",
        "time x float32",
        "E",
        "same 5 neighbours %",
        "kNN %",
        "linear %",
        "passed",
    ]
    return text_table(head, rows) + "\n\n" + "\n\n".join(notes)


def objectives() -> str:
    """One comparison per objective; SimCLR's is that of the whole study, whose setting they share."""
    names = {"simclr": "compare_cifar10"}
    names |= {
        path.stem.removeprefix("objective_"): path.stem for path in sorted((ROOT / "results").glob("objective_*"))
    }
    rows = []
    for objective, name in names.items():
        studies = {study["study"]: study for study in read(name)["studies"]}
        for title, study in (
            ("linear", studies["linear 100%"]),
            ("linear, 1 %", studies["linear 1%"]),
            ("kNN", studies["knn"]),
        ):
            solo, pair, difference = (
                study["accuracy"]["solo"],
                study["accuracy"]["dogo"],
                study["differences"]["dogo - solo"],
            )
            seeds = len(difference["per_seed"])
            rows.append(
                [objective, title, percent(solo["mean"]), percent(pair["mean"]), _points(difference), str(seeds)]
            )
    head = ["objective", "accuracy, %", "alone", "next to a peer", "difference", "seeds"]
    return text_table(head, rows) + "\n\n" + "\n".join(_origin(name) for name in names.values())


TEACHING = {
    "solo": "no teacher",
    "dogo": "mutual (DoGo)",
    "one_way": "one-way, online",
    "frozen": "frozen, similarity KL",
    "frozen_seed": "frozen, SEED",
    "frozen_compress": "frozen, CompRess-like",
    "frozen_simreg": "frozen, SimReg",
    "big_solo": "the teacher itself",
}


def teaching() -> str:
    result = read("teaching_cifar10")
    studies = {study["study"]: study for study in result["studies"]}
    shown = [studies[name] for name in ("linear 100%", "linear 1%", "knn")]
    rows = []
    for arm, title in TEACHING.items():
        gains = [study["differences"].get(f"{arm} - solo") for study in shown]
        rows.append(
            [
                title,
                *(percent(study["accuracy"][arm]["mean"]) for study in shown),
                _points(gains[0]) if gains[0] else "",
            ]
        )
    head = ["teacher", "linear %", "linear %, 1 % labels", "kNN %", "linear, against no teacher"]
    return text_table(head, rows) + source("teaching_cifar10")


def _origin(name: str) -> str:
    return source(name).strip() + "  "


def equality() -> str:
    rows = []
    for name in ("equality", "equality_workers"):
        for row, found in read(name)["deviations"].items():
            objectives, schemes = row.split(", ")
            cells = {replicas: f"{max(steps.values()):.0e}" for replicas, steps in found.items()}
            rows.append([objectives, schemes, *(cells.get(replicas, "") for replicas in ("2", "4", "workers"))])
    head = ["peers", "schemes", "2 replicas", "4 replicas", "2 processes"]
    return text_table(head, rows) + source("equality")


def survival() -> str:
    kills, checkpoints, replicas = (read(name) for name in ("kills", "checkpoints", "replicas"))
    rows = [
        [kill["point"], ", ".join(kill["left"]), "yes" if kill["resumed"] else "no", kill["first difference"]]
        for kill in kills["kills"]
    ]
    table = text_table(["killed", "checkpoints left", "resumed", "first difference"], rows)
    speeds = ", ".join(
        f"{name} {found['over_one_device']:.2f}" for name, found in replicas["devices"].items() if name != "1"
    )
    return (
        table
        + f"\n\nSaving takes {100 * checkpoints['share_of_run']:.2f} % of a run of {' + '.join(checkpoints['peers'])} "
        f"({checkpoints['megabytes']:.0f} MB every {checkpoints['minutes']:g} minutes, by the slowest of "
        f"{len(checkpoints['seconds'])} saves). Images per second on logical devices of the same cores, over one device: "
        f"{speeds}." + "".join(source(name) for name in ("kills", "checkpoints", "replicas"))
    )


TABLES = {
    "quickstart": quickstart,
    "cifar10": cifar10,
    "compare": compare,
    "tune": tune,
    "suspects": suspects,
    "objectives": objectives,
    "teaching": teaching,
    "equality": equality,
    "survival": survival,
    "edge": edge,
    "speed": speed,
    "blockwise": blockwise,
}


def filled(readme: str) -> str:
    for name, make in TABLES.items():
        readme = re.sub(
            rf"<!-- {name} -->.*?<!-- end -->",
            lambda _, name=name, make=make: f"<!-- {name} -->\n{make()}\n<!-- end -->",
            readme,
            flags=re.DOTALL,
        )
    return readme


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(filled(path.read_text()))

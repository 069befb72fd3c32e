"""Makes the README's tables from results/*.json: everything between `<!-- NAME -->` and `<!-- end -->` is replaced."""

import re

from measured_tables import blockwise, edge, equality, speed, survival
from published import ROOT, read, source
from study_tables import compare, objectives, suspects, teaching, tune

from dogo_tf.reporting.table import percent, text_table


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

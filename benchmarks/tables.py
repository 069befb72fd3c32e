"""Makes the tables of README and docs/ from results/*.json: what is between `<!-- NAME -->` and `<!-- end -->` is replaced."""

import os
import re

from ahead_tables import peer_ahead_without_labels, peer_far_ahead
from claim_tables import claims
from data_tables import decoding_bound, large_data, many_on_a_page, source_memory
from finetune_tables import cleaning, finetune, finetune_int8, finetune_wrn_10_2
from int8_tables import int8, int8_beside, int8_devices, int8_taught
from late_tables import finished, trials_at_hand, trials_late, trials_late_local
from length_tables import lengths
from measured_tables import arm, blockwise, depthwise, edge, equality, side_by_side, speed, survival
from objective_tables import objective_peers, objective_rates, objective_settings
from published import ROOT, read, source
from scheme_tables import at_hand_schemes
from selection_tables import selection
from strength_tables import strength
from study_tables import (
    compare,
    compare_at_5e3,
    compare_tiny_imagenet,
    compare_tuned,
    objectives,
    recipe_rate,
    suspects,
    teaching,
    tune,
)
from trial_tables import (
    at_hand_search,
    finished_search,
    kinds_of_peers,
    local_views_and_peers,
    local_views_at_hand,
    own_average_and_family,
    trials_local,
    trials_local_wrn_10_2,
    trials_mobile,
    trials_mobile_rates,
    trials_networks,
    trials_precision,
    trials_recipe,
    trials_teacher,
)
from why_tables import why

from dogo_tf.experiments.quickstart import summary
from dogo_tf.export.parity import LIMITS
from dogo_tf.reporting.table import percent, text_table

PAGES = ("README.md", "docs/results.md", "docs/concepts/parity-and-gates.md")


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


def quickstart_output() -> str:
    """As `dogo-quickstart` prints it."""
    return f"```text\n{summary(read('quickstart'))}\n```"


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
        "it shows that every step works, not that a peer helps. "
        f"{result['run']['median_images_per_second']:.0f} images/s, trained at commit {result['run']['commit']}."
        + source("cifar10_wrn_pair")
    )


def gates() -> str:
    measures = {
        "relative_difference": "relative difference",
        "cosine_mean": "mean cosine",
        "cosine_min": "smallest cosine",
        "error_ratio": "E",
        "neighbour_overlap": "same 5 neighbours",
    }
    rows = []
    for name, limits in LIMITS.items():
        cells = {measure: f"{'<=' if side == 'at most' else '>='} {limit:g}" for measure, side, limit in limits}
        rows.append([name, *(cells.get(measure, "") for measure in measures)])
    return text_table(["file", *measures.values()], rows)


TABLES = {
    "finished": finished,
    "claims": claims,
    "quickstart": quickstart,
    "quickstart_output": quickstart_output,
    "cifar10": cifar10,
    "compare": compare,
    "compare_tuned": compare_tuned,
    "compare_at_5e3": compare_at_5e3,
    "compare_tiny_imagenet": compare_tiny_imagenet,
    "tune": tune,
    "recipe_rate": recipe_rate,
    "trials_recipe": trials_recipe,
    "trials_local": trials_local,
    "trials_local_wrn_10_2": trials_local_wrn_10_2,
    "trials_precision": trials_precision,
    "trials_teacher": trials_teacher,
    "trials_networks": trials_networks,
    "lengths": lengths,
    "trials_late": trials_late,
    "trials_late_local": trials_late_local,
    "trials_at_hand": trials_at_hand,
    "at_hand_schemes": at_hand_schemes,
    "why": why,
    "strength": strength,
    "suspects": suspects,
    "selection": selection,
    "finetune": finetune,
    "finetune_wrn_10_2": finetune_wrn_10_2,
    "cleaning": cleaning,
    "finetune_int8": finetune_int8,
    "objectives": objectives,
    "objective_rates": objective_rates,
    "objective_settings": objective_settings,
    "objective_peers": objective_peers,
    "trials_mobile_rates": trials_mobile_rates,
    "trials_mobile": trials_mobile,
    "local_views_and_peers": local_views_and_peers,
    "local_views_at_hand": local_views_at_hand,
    "at_hand_search": at_hand_search,
    "finished_search": finished_search,
    "peer_far_ahead": peer_far_ahead,
    "peer_ahead_without_labels": peer_ahead_without_labels,
    "kinds_of_peers": kinds_of_peers,
    "own_average_and_family": own_average_and_family,
    "teaching": teaching,
    "equality": equality,
    "survival": survival,
    "edge": edge,
    "int8": int8,
    "int8_devices": int8_devices,
    "int8_taught": int8_taught,
    "int8_beside": int8_beside,
    "arm": arm,
    "speed": speed,
    "side_by_side": side_by_side,
    "depthwise": depthwise,
    "blockwise": blockwise,
    "gates": gates,
    "large_data": large_data,
    "decoding_bound": decoding_bound,
    "many_on_a_page": many_on_a_page,
    "source_memory": source_memory,
}


def filled(page: str) -> str:
    """The text of a page, given by its path in the project, with its tables as the results are now."""
    text = (ROOT / page).read_text()
    to_root = os.path.relpath(ROOT, (ROOT / page).parent)
    prefix = "" if to_root == "." else f"{to_root}/"
    for name in re.findall(r"<!-- (\w+) -->\n", text):
        if name in TABLES:
            made = TABLES[name]().replace("](results/", f"]({prefix}results/")
            text = re.sub(
                rf"<!-- {name} -->.*?<!-- end -->",
                lambda _, name=name, made=made: f"<!-- {name} -->\n{made}\n<!-- end -->",
                text,
                flags=re.DOTALL,
            )
    return text


if __name__ == "__main__":
    for page in PAGES:
        (ROOT / page).write_text(filled(page))

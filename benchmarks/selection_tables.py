"""Tables of dogo-select: what the labels of chosen images are worth."""

from published import ROOT, points, read, source

from dogo_tf.reporting.table import percent, text_table

# What each image set is called, by its file.
SETS = {
    "selection": "CIFAR-10",
    "selection_methods": "CIFAR-10, taught encoders",
    "selection_tiny_imagenet_20": "Tiny ImageNet, 20 classes",
}


def selection() -> str:
    """Random in percent, the others in points over it."""
    return "\n\n".join(
        _of(name, title) for name, title in SETS.items() if (ROOT / "results" / f"{name}.json").is_file()
    )


def _of(name: str, title: str) -> str:
    result = read(name)
    rows, budgets = [], list(next(iter(result["linear"].values())))
    for protocol, words in (("linear", "linear"), ("fine_tuned", "fine-tuned")):
        by_method = result.get(protocol, {})
        for method, found in by_method.items():
            told = {
                budget: f"{percent(entry['accuracy']['mean'])} %"
                if method == "random"
                else points(entry["over_random"])
                for budget, entry in found.items()
            }
            marked = f"{method} (default)" if method == result["default"] else method
            rows.append([f"{words}, {marked}", *(told.get(budget, "") for budget in budgets)])
    head = [f"{title}, labels", *budgets]
    seeds = f"{result['encoders']} encoders ({result['encoder']}), {result['seeds']} seeds of the selection each"
    return (
        f"{text_table(head, rows)}\n\n{result['train']['images']:,} images to choose from ({result['train']['name']}), "
        f"tested on {result['test']['images']:,} ({result['test']['name']}); {seeds}. random: accuracy; the others: points "
        "over random, with 95 % intervals over encoders and test images." + source(name)
    )

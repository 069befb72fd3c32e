"""Tables of what was measured: devices and kills, exported files, speed and memory."""

from published import read, source

from dogo_tf.reporting.table import percent, text_table


def equality() -> str:
    rows = []
    for name in ("equality", "equality_workers"):
        for row, found in read(name)["deviations"].items():
            objectives, schemes = row.split(", ")
            cells = {replicas: f"{max(steps.values()):.0e}" for replicas, steps in found.items()}
            rows.append([objectives, schemes, *(cells.get(replicas, "") for replicas in ("2", "4", "workers"))])
    head = ["peers", "schemes", "2 replicas", "4 replicas", "2 processes"]
    return text_table(head, rows) + source("equality")


# Where a run was killed (killed_run.py), in words.
MOMENTS = {
    "step": "after step {}",
    "encoders": "between two encoders of save {}",
    "write": "while checkpoint {} was written",
    "unverified": "before checkpoint {} was read back",
}


def _moment(point: str) -> str:
    kind, number = point.split(":")
    return MOMENTS[kind].format(number)


def survival() -> str:
    kills, checkpoints, replicas = (read(name) for name in ("kills", "checkpoints", "replicas"))
    rows = [
        [_moment(kill["point"]), ", ".join(kill["left"]), "yes" if kill["resumed"] else "no", kill["first difference"]]
        for kill in kills["kills"]
    ]
    table = text_table(["killed", "checkpoints left", "resumed", "first difference"], rows)
    speeds = "; ".join(
        f"{name.replace('batch norm apart', 'batch normalisation not synchronised')}: {found['over_one_device']:.2f}"
        for name, found in replicas["devices"].items()
        if name != "1"
    )
    return (
        table
        + f"\n\nSaving takes {100 * checkpoints['share_of_run']:.2f} % of a run of {' + '.join(checkpoints['peers'])} "
        f"({checkpoints['megabytes']:.0f} MB every {checkpoints['minutes']:g} minutes, by the slowest of "
        f"{len(checkpoints['seconds'])} saves). Images per second on logical devices of the same cores, over one device: "
        f"{speeds}." + "".join(source(name) for name in ("kills", "checkpoints", "replicas"))
    )


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
            f"{settings['split']}, one seed: {data['test']['images']:,} images of {data['test']['name'].split('/')[-1]}, "
            f"labels of {data['train']['images']:,}; the original has kNN {percent(original['knn']['accuracy'])}, linear "
            f"{percent(original['linear']['accuracy'])}; float32 takes {base:.2f} ms, "
            f"measured next to {load:.1f} running processes. Recommended: {result['recommendation'].split(':')[0]}."
            + source(name)
        )
    head = [
        "encoder, format",
        "kB",
        "size / float32",
        "time / float32",
        "E",
        "same 5 neighbours, %",
        "kNN %",
        "linear %",
        "passed",
    ]
    return text_table(head, rows) + "\n\n" + "\n\n".join(notes)


def arm() -> str:
    result = read("arm")
    processors = result["processors"]
    rows = []
    for name in next(iter(processors.values())):
        found = [rows_of[name] for rows_of in processors.values()]
        worst = max(row["relative_difference"] for row in found)
        equal = min(row["equal_values"] for row in found)
        passed = all(row["passed"] for row in found)
        rows.append([name.replace("-", ", "), f"{worst:.0e}", percent(equal), "yes" if passed else "no"])
    head = ["encoder, format", "largest difference / largest feature", "equal values, %", "passed"]
    machine = result["arm"]
    wheels = ", ".join(f"{name} {machine[name]}" for name in ("ai-edge-litert", "numpy", "pillow"))
    return (
        text_table(head, rows)
        + f"\n\nThe worst of {len(processors)} emulated processors ({', '.join(processors)}), {result['pictures']} pictures by "
        f"`runtime.py` on {machine['machine']}, Python {machine['python']}, {wheels}, against x86. float32 and float16 pass "
        f"within {result['float_tolerance']:.0e}, int8 only with equal integers, dynamic range by the limits of its gate: on "
        "ARM its activations are rounded in another way, for some encoders by more than that. Decoded pixels are equal. The "
        "encoders have random weights and the batch statistics of images." + source("arm")
    )


MEASURED = ("step", "augment", "memory", "fidelity")


def speed() -> str:
    step, augment, memory, fidelity = (read(name) for name in MEASURED)
    worst = fidelity["largest_relative_deviation"]
    losses = next(found for found in memory["losses"] if found["batch"] == 4096)
    megabytes = losses[losses["by_default"]]["megabytes"]
    rows = [
        ["`model.fit`: speed over that of a bare loop of the same step", f"{step['fit_over_bare']:.2f}"],
        [
            "the step's operations per second over those of a large matrix product",
            percent(step["share_of_matmul_rate"]) + " %",
        ],
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


def side_by_side() -> str:
    """Images per second of the step in every style, and the ratios that hold when the machine's speed drifts."""
    names, rows = ("side_by_side", "side_by_side_mobile"), []
    settings = [found for name in names for found in read(name)["settings"]]
    for found in settings:
        what = f"{' + '.join(found['peers'])}, {found['image_size']} px, batch {found['batch']}"
        rates = [f"{rate:.0f}" for rate in found["images_per_second"].values()]
        rows.append([what, *rates, f"{found['best_over_best']:.2f}", f"{found['float32_over_plain']:.2f}"])
    styles = [style.replace("_", " ") for style in settings[0]["images_per_second"]]
    styles = [style.replace("dogo tf", "ours,").replace("torch", "PyTorch,") for style in styles]
    versions = settings[0]["versions"]
    told = f"TensorFlow {versions['dogo_tf float32']}, PyTorch {versions['torch plain']}"
    head = ["peers", *styles, "best / best", "float32 / plain"]
    return text_table(head, rows) + f"\n\nImages per second. {told}." + "".join(map(source, names))


def depthwise() -> str:
    """How bfloat16 changes the speed of mobile networks on a CPU."""
    result, rows = read("depthwise"), []
    for found in result["networks"]:
        rate, *ratios = found["images_per_second"]["float32"], *list(found["times_as_fast_as_float32"].values())[1:]
        rows.append([f"{found['network']}, {found['image_size']} px", f"{rate:.0f}", *(f"{x:.2f}" for x in ratios)])
    ways = list(result["networks"][0]["times_as_fast_as_float32"])[1:]
    told = (
        f"Right of the images a second: times as fast as float32. Forward and gradient of batches of {result['batch']}; "
        f"medians of {result['rounds']} rounds in turns."
    )
    head = ["network", "float32, images/s", *ways]
    return text_table(head, rows) + f"\n\n{told}" + source("depthwise")


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
    head = ["peak memory and time of", "as a whole", "in parts", "memory ratio", "time ratio"]
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

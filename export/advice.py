"""What to do about formats that failed, and what to think of times that cannot be right."""

from dogo_tf.export.report import BASE, Report

# Where to turn instead, the smaller first.
MORE_EXACT = {
    "int8": ("int8_qat", "dynamic_range", "float16", BASE),
    "int8_qat": ("dynamic_range", "float16", BASE),
    "dynamic_range": ("float16", BASE),
    "float16": (BASE,),
}
_ENCODERS = "take an encoder made for integers (mobilenet_v3_small_minimalistic, or another with ReLU or ReLU6)"
REMEDIES = {
    "dynamic_range": "rounding disturbs a network most after a short training, so a longer one may help",
    "int8": "use quantisation-aware training (--formats=int8_qat), or try other calibration images (--seed, --calibration; "
    "100 to 200 of what the device will see: more are not better); the next time, pre-train longer, with more "
    f"--weight_decay (5e-4 has helped MobileNetV3), or {_ENCODERS}",
    "int8_qat": "give it more images to learn from (--split, --max_images); the next time, pre-train longer, or "
    f"{_ENCODERS}",
}
# A 95th percentile above so many medians says that the processor was somewhere else.
DISTURBED = 3


def failure_message(report: Report, folder) -> str:
    """What failed and why, what else there is, and where the rest lies."""
    refused = report.details["refused"]
    failed = [item.format for item in report.items if item.problems]
    if not failed:
        lines = [f"  {name}: {alternative(name, report)}" for name in refused]
        return (
            f"{'; '.join(refused.values())}\n"
            + "\n".join(lines)
            + f"\n  What was made, and the report, are in {folder}"
        )
    differs, was, it = ("differs", "was", "it") if len(failed) == 1 else ("differ", "were", "them")
    lines = [f"  {problem}" for problem in report.problems]
    for name in failed:
        lines.append(f"  {name}: {'; '.join(filter(None, (REMEDIES.get(name), alternative(name, report))))}")
    return (
        f"{', '.join(failed)} {differs} too much from the original and {was} not written (--force writes {it} anyway):\n"
        + "\n".join(lines)
        + f"\n  What passed, and the report, are in {folder}"
    )


def alternative(failed: str, report: Report) -> str:
    """What to take instead: what passed in this export, else what was not tried in it, else the SavedModel."""
    found = {item.format: item for item in report.items}
    others = MORE_EXACT.get(failed, ())
    if passed := [name for name in others if name in found and not found[name].problems]:
        return f"take {passed[0]}, which passed"
    if untried := [name for name in others if name not in found]:
        return f"export {untried[0]}, too (--formats), which this time was not asked for"
    return "take the SavedModel, which is the original itself"


def timing_remark(report: Report) -> str:
    """A sentence if some calls took so much longer than most that something else was running; else ""."""
    slow = [i for i in report.items if i.latency and i.latency.p95_ms > DISTURBED * i.latency.median_ms]
    if not slow:
        return ""
    worst = max(slow, key=lambda item: item.latency.p95_ms / item.latency.median_ms)
    timing = report.details["latency"]
    load = (
        ""
        if timing["load_average"] is None
        else f" ({timing['load_average']:.1f} processes on {timing['cores']} cores)"
    )
    return (
        f"The machine was busy with something else{load}: one call in twenty of {worst.format} took "
        f"{worst.latency.p95_ms:.2g} ms or more, beside a median of {worst.latency.median_ms:.2g} ms. Ratios between formats "
        "are taken within rounds and hold nevertheless; for times as such, time it on a quiet machine."
    )

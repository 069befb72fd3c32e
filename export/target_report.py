"""The targets beside LiteRT: which there are, what came of each file on each, as a table and as reasons."""

from dataclasses import asdict

from dogo_tf.errors import unknown_name
from dogo_tf.export.targets._work import Work, missing
from dogo_tf.platform import plugins
from dogo_tf.reporting.progress import Progress

PACKAGE = "dogo_tf.export.targets"
NO_INTEGERS = "it takes integer files only, and none was exported that passed"


def names() -> tuple[str, ...]:
    return tuple(plugins.names(PACKAGE))


def check(targets) -> None:
    """InputError if one of the names is no target."""
    for name in targets:
        if name not in names():
            raise unknown_name("target", name, names())


def examine(targets, work: Work) -> dict:
    """Target -> {"columns", "reason": why it was not tried or None, "files": format -> Finding as a dict}, ready for JSON.

    A target that cannot do something says why; what the others found is kept.
    """
    report = {}
    with Progress("other targets", len(targets)) as progress:
        for done, name in enumerate(targets, start=1):
            module = plugins.load(PACKAGE, name, "target")
            reason, found = missing(module.MODULES), {}
            if not reason:
                found = module.examine(work)
                reason = None if found else NO_INTEGERS
            files = {variant: asdict(finding) for variant, finding in found.items()}
            report[name] = {"columns": list(module.COLUMNS), "reason": reason, "files": files}
            progress.update(done)
    return report


def table(report: dict) -> tuple[list[str], list[list[str]]]:
    """(head, rows): a column for each target, a row for each file that was tried; "no" where it cannot, "-" where not."""
    head = ["file", *(column for target in report.values() for column in target["columns"])]
    variants = dict.fromkeys(variant for target in report.values() for variant in target["files"])
    return head, [[variant, *_cells(report, variant)] for variant in variants]


def reasons(report: dict) -> list[str]:
    """Why targets were not tried, and files cannot run there, each as a line."""
    lines = []
    for name, target in report.items():
        if target["reason"]:
            lines.append(f"{name}: {target['reason']}")
        lines += [f"{name}, {variant}: {file['reason']}" for variant, file in target["files"].items() if file["reason"]]
    return lines


def _cells(report: dict, variant: str):
    for target in report.values():
        finding = target["files"].get(variant)
        for column in target["columns"]:
            yield "-" if finding is None else "no" if finding["reason"] else finding["cells"][column]

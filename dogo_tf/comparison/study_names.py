"""The names of studies: what they say to a reader, which belong together, and in which order they are shown."""

import re
from typing import NamedTuple

HEADLINE = "linear 100%"


class Study(NamedTuple):
    """A study's name taken apart.

    group: the heading under which it is shown. title: in words. x: the number in the name, in percent or as a severity.
    """

    name: str
    group: str
    title: str
    x: float | None = None


# name pattern, group, title; in the order in which studies are shown.
_NUMBER = r"(\d+(?:\.\d+)?)"
_PATTERNS = (
    (r"knn", "all labels", "kNN, all labels"),
    (r"linear 100%", "all labels", "linear, all labels"),
    (r"linear_adam", "all labels", "linear by Adam, all labels"),
    (rf"linear {_NUMBER}%", "few labels", "linear, {0} % of the labels"),
    (rf"fine_tune {_NUMBER}%", "few labels", "fine-tuned, {0} % of the labels"),
    (rf"noise symmetric {_NUMBER}%", "noisy labels, symmetric", "{0} % wrong labels, symmetric"),
    (rf"noise pairwise {_NUMBER}%", "noisy labels, pairwise", "{0} % wrong labels, pairwise"),
    (r"imbalance (.+)", "imbalanced labels", "imbalanced labels, {0}"),
    (r"corruption all", "corrupted images", "corrupted, all kinds"),
    (r"corruption (.+)", "corrupted images", "corrupted, {0}"),
    (rf"severity {_NUMBER}", "severity of corruption", "corrupted, severity {0}"),
    (r"transfer (.+)", "other data", "transfer to {0}"),
    (r"(.+)", "other", "{0}"),
)


def parse(name: str) -> Study:
    """Any name is a study; one that fits no pattern stands in the group "other" under its own name."""
    return _parse(name)[1]


def ordered(names) -> list[Study]:
    """In the order of the groups; most labels first, least noise and severity first, else by name."""

    def key(entry):
        rank, study = entry
        x = 0 if study.x is None else study.x
        return rank, -x if study.group == "few labels" else x, study.name

    return [study for _, study in sorted((_parse(name) for name in names), key=key)]


def _parse(name: str) -> tuple[int, Study]:
    """The rank of the pattern that fits, and the study."""
    for rank, (pattern, group, title) in enumerate(_PATTERNS):
        if found := re.fullmatch(pattern, name, re.DOTALL):
            words = found.groups()
            x = float(words[0]) if words and _NUMBER in pattern else None
            # File-like names read better with spaces; data sets and whatever we do not know keep theirs.
            if group in ("corrupted images", "imbalanced labels"):
                words = [word.replace("_", " ") for word in words]
            return rank, Study(name, group, title.format(*words), x)
    raise ValueError(f"a study needs a name, got {name!r}")

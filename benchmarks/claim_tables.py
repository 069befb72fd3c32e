"""What the paper claims, and what our comparisons say of it."""

from ahead_tables import gain_on_another_data_set
from late_tables import BASELINE, SEARCHED, gains
from published import points, read, source

from dogo_tf.reporting.table import text_table

# Claim, study of dogo-compare, verdict. The verdicts are ours, by the intervals above them.
CLAIMS = (
    ("a small network learns better", "linear 100%", "if not tuned, or the peer is far ahead"),
    ("most of all with 1 % of the labels", "linear 1%", "not clearly more than with all"),
    ("with 40 % wrong labels", "noise symmetric 40%", "not clearly more than with right ones"),
    ("on corrupted images", "corruption all", "not clearly more than on others"),
    ("on another data set", "transfer tiny_imagenet_20", "no clear gain"),
)
# Next to a peer, alone, title; and the scores of trials that are the same studies.
TRIALS = (
    (("trials_peer", "peer"), ("trials_peer", "alone"), "20 epochs, tuned"),
    (("trials_late", "then_peer"), BASELINE, "360 epochs, tuned, the last 40 next to a peer 4 points ahead"),
    (("trials_search", "then_peer"), SEARCHED, "the same, the peer 11 points ahead"),
)
AS_IN_TRIALS = {
    "linear 100%": "linear_100",
    "linear 1%": "linear_1",
    "noise symmetric 40%": "noise_40",
    "corruption all": "corrupted",
}
COMPARISONS = {
    "compare_cifar10": {"dogo - solo": "6 epochs, not tuned", "dogo - solo_matched": "the same, at equal operations"},
    "compare_cifar10_tuned": {"dogo - solo": "6 epochs, tuned", "dogo - solo_matched": "the same, at equal operations"},
}


def claims() -> str:
    """A column for each claim, a row for each way to train next to a peer, and the verdicts."""
    found = []
    for name, differences in COMPARISONS.items():
        studies = {study["study"]: study for study in read(name)["studies"]}
        for pair, title in differences.items():
            found.append((title, {key: points(study["differences"][pair]) for key, study in studies.items()}))
    for next_to_peer, alone, title in TRIALS:
        of_trials = gains(next_to_peer, alone)
        of_study = {study: of_trials[score] for study, score in AS_IN_TRIALS.items()}
        if alone == SEARCHED:
            of_study["transfer tiny_imagenet_20"] = gain_on_another_data_set()
        found.append((title, of_study))
    rows = [[title, *(of_study.get(study, "not measured") for _, study, _ in CLAIMS)] for title, of_study in found]
    rows.append(["**verdict**", *(verdict for *_, verdict in CLAIMS)])
    head = ["next to a peer - alone", *(claim for claim, *_ in CLAIMS)]
    return text_table(head, rows) + "".join(
        source(name) for name in (*COMPARISONS, *(name for (name, _), *_ in TRIALS), "finished_unfamiliar")
    )

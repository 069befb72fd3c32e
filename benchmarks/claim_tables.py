"""What the paper claims, and what our comparisons say of it."""

from ahead_tables import gain_on_another_data_set
from late_tables import BASELINE, SEARCHED, gains
from published import points, read, source

from dogo_tf.reporting.table import text_table

# Claim, study of dogo-compare, verdict. The verdicts are ours, by the intervals beside them.
CLAIMS = (
    (
        "a small network learns better next to a bigger one",
        "linear 100%",
        "at six epochs and a rate that is not tuned; where training is finished, next to a peer that is far ahead",
    ),
    ("most of all with few labels: 1 %", "linear 1%", "not clearly more than with all labels"),
    (
        "most of all with wrong labels: 40 %",
        "noise symmetric 40%",
        "not clearly more than with right ones",
    ),
    ("most of all on unfamiliar images: corrupted ones", "corruption all", "not clearly more than on others"),
    ("most of all on unfamiliar images: another data set", "transfer tiny_imagenet_20", "no gain that is clear"),
)
# Next to a peer, alone, title; and the scores of trials that are the same studies.
TRIALS = (
    (("trials_peer", "peer"), ("trials_peer", "alone"), "20 epochs, tuned"),
    (("trials_late", "then_peer"), BASELINE, "360 epochs, the last 40 next to a peer that is 4 points ahead"),
    (("trials_search", "then_peer"), SEARCHED, "the same, 11 points ahead"),
)
AS_IN_TRIALS = {
    "linear 100%": "linear_100",
    "linear 1%": "linear_1",
    "noise symmetric 40%": "noise_40",
    "corruption all": "corrupted",
}
COMPARISONS = {
    "compare_cifar10": {"dogo - solo": "6 epochs, not tuned", "dogo - solo_matched": "not tuned, equal operations"},
    "compare_cifar10_tuned": {"dogo - solo": "6 epochs, tuned", "dogo - solo_matched": "tuned, equal operations"},
}


def claims() -> str:
    columns = []
    for name, differences in COMPARISONS.items():
        studies = {study["study"]: study for study in read(name)["studies"]}
        for pair, title in differences.items():
            columns.append((title, {key: points(study["differences"][pair]) for key, study in studies.items()}))
    for next_to_peer, alone, title in TRIALS:
        of_trials = gains(next_to_peer, alone)
        found = {study: of_trials[score] for study, score in AS_IN_TRIALS.items()}
        if alone == SEARCHED:
            found["transfer tiny_imagenet_20"] = gain_on_another_data_set()
        columns.append((title, found))
    rows = [
        [claim, verdict, *(of_study.get(study, "not measured") for _, of_study in columns)]
        for claim, study, verdict in CLAIMS
    ]
    head = ["claim", "verdict", *(title for title, _ in columns)]
    return text_table(head, rows) + "".join(
        source(name) for name in (*COMPARISONS, *(name for (name, _), *_ in TRIALS), "finished_unfamiliar")
    )

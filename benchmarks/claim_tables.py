"""What the paper claims, and what our comparisons say of it."""

from ahead_tables import gain_on_another_data_set
from late_tables import gains_next_to_the_peer
from published import points, read, source

from dogo_tf.reporting.table import text_table

# Claim, study of dogo-compare, verdict. The verdicts are ours, by the intervals beside them.
CLAIMS = (
    (
        "a small network learns better next to a bigger one",
        "linear 100%",
        "so at few epochs; where training is finished, next to a peer that is far ahead",
    ),
    ("most of all with few labels: 1 %", "linear 1%", "not more than with all labels"),
    (
        "most of all with wrong labels: 40 %",
        "noise symmetric 40%",
        "so at 6 and 20 epochs; where training is finished not more than with right ones",
    ),
    ("most of all on unfamiliar images: corrupted ones", "corruption all", "not more than on others"),
    ("most of all on unfamiliar images: another data set", "transfer tiny_imagenet_20", "no gain that is clear"),
)
# Trials of late_tables.py, and their scores that are the same studies.
LATE = {
    "trials_late": "360 epochs, the last 40 next to a peer that is 4 points ahead",
    "trials_search": "the same, 11 points ahead",
}
AS_LATE = {
    "linear 100%": "linear_100",
    "linear 1%": "linear_1",
    "noise symmetric 40%": "noise_40",
    "corruption all": "corrupted",
}
COMPARISONS = {
    "compare_cifar10": {"dogo - solo": "6 epochs, rate 1e-3", "dogo - solo_matched": "the same, equal operations"},
    "compare_cifar10_at_5e-3": {"dogo - solo": "20 epochs, rate 5e-3"},
}


def claims() -> str:
    columns = []
    for name, differences in COMPARISONS.items():
        studies = {study["study"]: study for study in read(name)["studies"]}
        for pair, title in differences.items():
            columns.append((title, {key: points(study["differences"][pair]) for key, study in studies.items()}))
    for name, title in LATE.items():
        late = gains_next_to_the_peer(name)
        found = {study: late[score] for study, score in AS_LATE.items()}
        if name == "trials_search":
            found["transfer tiny_imagenet_20"] = gain_on_another_data_set()
        columns.append((title, found))
    rows = [
        [claim, *(of_study.get(study, "not measured") for _, of_study in columns), verdict]
        for claim, study, verdict in CLAIMS
    ]
    head = ["claim", *(title for title, _ in columns), "verdict"]
    return text_table(head, rows) + "".join(source(name) for name in (*COMPARISONS, *LATE, "finished_unfamiliar"))

"""Tables of what each objective needs, its rate and its own settings, and what it gains next to a peer."""

import numpy as np
from published import read, source
from trial_tables import TITLES, gains_told, mean_told

from dogo_tf.reporting.table import text_table

SHOWN = ("knn", "linear_100", "linear_10", "linear_1")
ENCODER, PEER = "wrn_10_1", "wrn_16_1"
RATES = ("1e-3", "5e-3")


def objective_rates() -> str:
    """The rates of trials_objectives.txt, a row an objective, and what the higher one gains."""
    found = {}
    for name, of_seeds in scores_of("trials_objectives").items():
        objective, _, rate = name.rpartition("_")
        if rate in RATES:
            found.setdefault(objective, {})[rate] = of_seeds
    rows = [
        [
            objective,
            *(mean_told(of_rates[rate]) for rate in RATES),
            *gains_told(of_rates["5e-3"], of_rates["1e-3"]),
        ]
        for objective, of_rates in found.items()
    ]
    titles = [TITLES[score] for score in SHOWN]
    return (
        text_table(["objective", "rate 1e-3", "rate 5e-3", *titles], rows)
        + f"\n\n{' / '.join(titles)}, %, on held-out training images; in brackets the number of seeds. The right columns are "
        f"what 5e-3 gains in points, of the seeds that both have. `--peers={ENCODER}:<objective> {common_flags()}`."
        + source("trials_objectives")
    )


def objective_settings() -> str:
    """Trials of trials_settings.txt against the objective as it is by default, at the same rate."""
    by_default, rows = scores_of("trials_objectives"), []
    objectives = {name.rpartition("_")[0] for name in by_default}
    rates = {trial["name"]: flag_of(trial, "--learning_rate=") for trial in read("trials_settings")["trials"]}
    for name, of_seeds in sorted(scores_of("trials_settings").items()):
        objective = next(known for known in objectives if name.startswith(known))
        default = by_default[f"{objective}_{rates[name]}"]
        if [objective, mean_told(default), *[""] * len(SHOWN)] not in rows:
            rows.append([objective, mean_told(default), *[""] * len(SHOWN)])
        rows.append([name.replace("_", " "), mean_told(of_seeds), *gains_told(of_seeds, default)])
    titles = [TITLES[score] for score in SHOWN]
    return (
        text_table(["setting", f"{' / '.join(titles)}, %", *titles], rows)
        + "\n\nOn held-out training images; in brackets the number of seeds. The right columns are gains over the default in "
        f"points, of the seeds that both have. `--peers={ENCODER}:<objective>:<setting> {common_flags()}`, at the rate that "
        "`--learning_rate=auto` takes." + source("trials_settings")
    )


def objective_peers() -> str:
    """Trials of trials_objectives.txt next to a peer with the same objective, against the same alone."""
    found, rows = scores_of("trials_objectives"), []
    trial_of = {trial["name"]: trial for trial in read("trials_objectives")["trials"]}
    for name, next_to_peer in sorted(found.items()):
        objective, next_to, _ = name.partition("_peer")
        if next_to:
            rate, *peers_rate = flag_of(trial_of[name], "--learning_rate=").split(",")
            alone = f"{objective}_{rate}"
            operations = trial_of[name]["train_gflop"] / trial_of[alone]["train_gflop"]
            gains = gains_told(next_to_peer, found[alone])
            title = objective + "".join(f", the peer at {slower}" for slower in peers_rate)
            rows.append([title, mean_told(found[alone]), mean_told(next_to_peer), f"{operations:.1f}", *gains])
    titles = [TITLES[score] for score in SHOWN]
    return (
        text_table(["objective", "alone", "next to a peer", "operations, times alone", *titles], rows)
        + f"\n\n{' / '.join(titles)}, %, on held-out training images; in brackets the number of seeds. The right columns are "
        f"gains in points, of the seeds that both have. `--peers={ENCODER}:<objective>,{PEER}:<objective> {common_flags()}`, "
        "at the rate that `--learning_rate=auto` takes alone." + source("trials_objectives")
    )


def scores_of(name: str) -> dict:
    """{trial: {seed: the scores SHOWN}} of results/<name>.json, on held-out images."""
    found = {}
    for trial in read(name)["trials"]:
        if ENCODER not in trial["scores"]:
            continue  # of the larger network alone
        scores = np.array([trial["scores"][ENCODER][score] for score in SHOWN])
        found.setdefault(trial["name"], {})[trial["seed"]] = scores
    return found


def flag_of(trial: dict, begin: str) -> str:
    """The value of a trial's flag, the last one if it was given twice."""
    return [flag for flag in trial["flags"] if flag.startswith(begin)][-1].removeprefix(begin)


def common_flags() -> str:
    flags = read("trials_objectives")["trials"][0]["flags"]
    return " ".join(flag for flag in flags if not flag.startswith(("--data", "--peers", "--learning_rate")))

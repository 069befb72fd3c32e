"""What a comparison's folder takes for the same comparison."""

import json

import pytest

from dogo_tf.comparison.folder import described, keep
from dogo_tf.comparison.settings import ArmSettings, ComparisonSettings
from dogo_tf.errors import InputError
from dogo_tf.evaluate.studies import StudyPlan
from dogo_tf.pretraining.settings import PretrainSettings

ALONE = (0.005, 0.005)  # of VICReg by "auto", which next to others has 0.001


def asked(alone_rates=(), learning_rate=(0.001,)):
    pair = PretrainSettings("photos", "", peers=("wrn_10_1:vicreg", "wrn_10_2:vicreg"), learning_rate=learning_rate)
    own = ArmSettings(alone_rates=alone_rates)
    return ComparisonSettings(pair, StudyPlan(), ("photos", "train", "val"), own=own)


def kept_by_an_earlier_version(path, **alone):
    """A folder of before rates alone were kept, with finished trainings at these rates."""
    content = described(path, asked(), False)
    del content["settings"]["alone_rates"]
    keep(path, content, False)
    for run, rate in alone.items():
        (path / "runs" / run).mkdir(parents=True)
        settings = {"dataset": "photos", "data_dir": None, "learning_rate": [rate]}
        config = {"settings": settings, "peers": [], "data": {"image_size": 16}, "provenance": {}}
        (path / "runs" / run / "config.json").write_text(json.dumps(config))


def test_rates_alone_are_kept_and_not_mixed_with_others(tmp_path):
    keep(tmp_path, described(tmp_path, asked(ALONE), False), False)
    assert described(tmp_path, asked(ALONE), False)["settings"]["alone_rates"] == [0.005, 0.005]
    with pytest.raises(InputError) as refused:
        described(tmp_path, asked((0.001, 0.001)), False)
    assert str(refused.value).endswith(
        "\n  alone_rates: [0.005, 0.005] before, [0.001, 0.001] now"
        "\nalone_rates are those of both peers where each trains alone: --learning_rate=auto gives those of before"
    )


def test_rates_that_are_numbers_are_those_alone_too(tmp_path):
    keep(tmp_path, described(tmp_path, asked(learning_rate=(0.001, 0.002)), False), False)
    assert described(tmp_path, asked((0.001, 0.002), (0.001, 0.002)), False)["settings"]["alone_rates"] == [
        0.001,
        0.002,
    ]
    with pytest.raises(InputError, match="--learning_rate=0.001,0.002 gives those of before"):
        described(tmp_path, asked(ALONE, (0.001, 0.002)), False)


@pytest.mark.parametrize(
    ("trained", "goes_on", "refused", "flag"),
    [
        ({"solo_seed0": 0.001}, (0.001, 0.001), ALONE, "0.001"),
        ({"solo_matched_seed1": 0.005}, ALONE, (0.001, 0.001), "auto"),
        ({"big_solo_seed0": 0.001, "dogo_seed0": 0.3}, (0.001, 0.001), ALONE, "0.001"),
    ],
)
def test_an_earlier_folder_has_the_rates_of_its_trainings_alone(trained, goes_on, refused, flag, tmp_path):
    kept_by_an_earlier_version(tmp_path, **trained)
    with pytest.raises(InputError, match=rf"alone_rates: .*\n.*: --learning_rate={flag} gives those of before"):
        described(tmp_path, asked(refused), False)
    assert described(tmp_path, asked(goes_on), False)["settings"]["alone_rates"] == list(goes_on)


def test_an_earlier_folder_where_nothing_was_trained_alone_gets_those_that_are_asked_for(tmp_path):
    kept_by_an_earlier_version(tmp_path, dogo_seed0=0.001)
    assert described(tmp_path, asked(ALONE), False)["settings"]["alone_rates"] == [0.005, 0.005]

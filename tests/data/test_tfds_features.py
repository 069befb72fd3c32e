"""A prepared data set from a stranger imports nothing but TFDS' own features."""

import json
import sys

import pytest

from dogo_tf import data
from dogo_tf.errors import InputError

OWN = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
HOSTILE = {
    "class": {"pythonClassName": "this.Feature"},
    "inner class": {
        "pythonClassName": OWN,
        "featuresDict": {"features": {"image": {"pythonClassName": "this.Feature"}}},
    },
    "older format": {"type": "this.Feature", "content": {}},
    "in a list": {"pythonClassName": OWN, "content": [{"type": "this.Feature"}]},
    "proto": {"type": OWN, "proto_cls": "this.Proto", "content": {}},
    "a module like ours": {"pythonClassName": "tensorflow_datasets_evil.core.features.Feature"},
}


def prepared(folder, content: str):
    place = folder / "zzset" / "1.0.0"
    place.mkdir(parents=True)
    (place / "features.json").write_text(content)
    (place / "dataset_info.json").write_text(json.dumps({"name": "zzset", "version": "1.0.0"}))
    return folder


@pytest.mark.parametrize("case", HOSTILE)
def test_a_class_that_is_not_tfds_own_is_not_imported(case, tmp_path):
    sys.modules.pop("this", None)
    with pytest.raises(
        InputError, match="features.json: its feature '.*' is none of TFDS' own, so the data set is not opened"
    ):
        data.load("zzset", data_dir=prepared(tmp_path, json.dumps(HOSTILE[case])))
    assert "this" not in sys.modules


@pytest.mark.parametrize("content", ("{", "[" * 100_000, "\udcff"))
def test_a_damaged_file_is_named(content, tmp_path):
    folder = tmp_path / "zzset" / "1.0.0"
    folder.mkdir(parents=True)
    (folder / "features.json").write_text(content, errors="surrogateescape")
    with pytest.raises(InputError, match="features.json is damaged: .*; delete its folder to have it prepared anew"):
        data.load("zzset", data_dir=tmp_path)


@pytest.mark.parametrize("name", ("huggingface:mnist", "mnist/a=True,b=3", "mnist:latest", "ns:mnist:1.0.0"))
def test_a_name_with_more_in_it_is_refused(name):
    with pytest.raises(InputError, match=r"expected a folder, or a TFDS name|does not exist"):
        data.load(name)

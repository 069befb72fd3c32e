"""What holds for every method: what is chosen, what is not, and what a budget, a seed and labels change."""

import numpy as np
import pytest
from clouds import clouds

from dogo_tf import selection
from dogo_tf.errors import InputError

LABELLED, LABELS = (3, 40, 55), (0, 1, 2)


@pytest.fixture(scope="module")
def features():
    return 5 * clouds((30, 20, 10))[0]


def chosen(features, budget, method, seed=0, labelled=LABELLED, labels=LABELS):
    return selection.select(features, budget, method, labelled, labels, ("ant", "bee", "cat"), seed).rows.tolist()


METHODS = pytest.mark.parametrize("method", selection.methods())
WITHOUT_LABELS = pytest.mark.parametrize("method", sorted({*selection.methods()} - {"uncertainty"}))


def test_the_methods_have_names():
    assert selection.methods() == ["k_centre", "max_herding", "prob_cover", "random", "typiclust", "uncertainty"]
    assert selection.DEFAULT in selection.methods()


@METHODS
def test_a_smaller_budget_is_the_beginning_of_a_larger_one(method, features):
    most = chosen(features, 57, method)
    assert [chosen(features, budget, method) for budget in (1, 10, 33)] == [most[:1], most[:10], most[:33]]


@METHODS
def test_all_without_a_label_are_chosen_once_in_the_end_and_labelled_ones_never(method, features):
    assert sorted(chosen(features, 57, method)) == sorted({*range(60)} - {*LABELLED})


@METHODS
def test_each_has_a_reason(method, features):
    found = selection.select(features, 20, method, LABELLED, LABELS)
    assert len(found.why) == 20 and all(found.why)


@METHODS
def test_the_same_seed_chooses_the_same(method, features):
    assert chosen(features, 30, method, seed=4) == chosen(features, 30, method, seed=4)


@METHODS
def test_units_and_origin_of_a_feature_do_not_count(method, features):
    assert chosen(features, 20, method) == chosen(features * [1, 2, 0.5, 8] - [4, 0, 16, 1], 20, method)


@WITHOUT_LABELS
def test_labelling_the_first_half_and_going_on_gives_the_second_half(method, features):
    most = chosen(features, 30, method, labelled=(), labels=None)
    assert chosen(features, 15, method, labelled=most[14::-1], labels=None) == most[15:]


@METHODS
def test_in_blocks_as_in_one(method, features, monkeypatch):
    whole = chosen(features, 40, method)
    for module in ("_pool", "_coverage", "typiclust", "uncertainty"):
        monkeypatch.setattr(f"dogo_tf.selection.{module}.BLOCK", 7)
    assert chosen(features, 40, method) == whole


@WITHOUT_LABELS
def test_copies_and_dead_features_end_nothing(method):
    features = np.repeat(clouds((2, 2))[0], 10, axis=0)
    features[5:15] = 0
    assert sorted(chosen(features, 40, method, labelled=(), labels=None)) == list(range(40))


@WITHOUT_LABELS
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images(method, count):
    features = clouds((3,))[0][:count]
    assert sorted(chosen(features, count, method, labelled=(), labels=None)) == list(range(count))


@METHODS
def test_of_more_images_than_are_compared_a_sample_stands_for_all(method, features, monkeypatch):
    for module in ("_coverage", "prob_cover", "typiclust"):
        monkeypatch.setattr(f"dogo_tf.selection.{module}.MOST_IMAGES", 12)
    most = chosen(features, 57, method)
    assert sorted(most) == sorted({*range(60)} - {*LABELLED}) and chosen(features, 8, method) == most[:8]


MISTAKES = {
    "method": (
        {"method": "foo"},
        "unknown method 'foo'; known: k_centre, max_herding, prob_cover, random, typiclust, unc",
    ),
    "budget": ({"budget": 58}, "budget: expected 1 to 57, the images without a label; got 58"),
    "no budget": ({"budget": 0}, "budget: expected 1 to 57, the images without a label; got 0"),
    "nothing left": ({"labelled": range(60), "labels": None}, "budget: every image has a label already"),
    "rows": ({"labelled": (3, 60, 5)}, "labelled: expected different row numbers, 0 to 59"),
    "twice": ({"labelled": (3, 4, 3)}, "labelled: expected different row numbers, 0 to 59"),
    "labels": (
        {"labels": (0, 1)},
        r"labels: expected a whole number for each of the 3 labelled images, got int64 \[2\]",
    ),
    "kind": ({"labels": (0.5, 1, 1)}, "labels: expected a whole number for each of the 3 labelled images, got float64"),
    "none": (
        {"method": "uncertainty", "labels": None},
        "method: uncertainty asks a probe of labelled images; give some, or another method",
    ),
    "one": ({"method": "uncertainty", "labels": (1, 1, 1)}, "labels: a probe expects at least two classes, got only 1"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_named(case, features):
    changed, message = MISTAKES[case]
    arguments = {"budget": 5, "method": "random", "labelled": LABELLED, "labels": LABELS} | changed
    with pytest.raises(InputError, match=message):
        selection.select(features, **arguments)


@pytest.mark.parametrize("features", [np.zeros([3]), np.zeros([0, 4]), np.full([3, 4], np.nan)])
def test_features_that_are_none(features):
    with pytest.raises(InputError, match=r"features: expected finite numbers \[N, d\], N >= 1; got float64"):
        selection.select(features, 1, "random")

import pytest

from dogo_tf.comparison.study_names import ordered, parse


@pytest.mark.parametrize(
    "name, group, title, x",
    [
        ("knn", "all labels", "kNN, all labels", None),
        ("linear 100%", "all labels", "linear, all labels", None),
        ("linear 2.5%", "few labels", "linear, 2.5 % of the labels", 2.5),
        ("fine_tune 10%", "few labels", "fine-tuned, 10 % of the labels", 10),
        ("noise pairwise 40%", "noisy labels, pairwise", "40 % wrong labels, pairwise", 40),
        ("corruption gaussian_noise", "corrupted images", "corrupted, gaussian noise", None),
        ("severity 3", "severity of corruption", "corrupted, severity 3", 3),
        ("transfer tiny_imagenet_20", "other data", "transfer to tiny_imagenet_20", None),
        ("something {0} new", "other", "something {0} new", None),
    ],
)
def test_names_are_taken_apart(name, group, title, x):
    assert parse(name) == (name, group, title, x)


def test_most_labels_first_and_least_noise_first():
    names = [
        "odd",
        "noise symmetric 80%",
        "linear 1%",
        "corruption fog",
        "linear 25%",
        "noise symmetric 5%",
        "linear 5%",
    ]
    names += [
        "transfer b",
        "severity 2",
        "transfer a",
        "corruption all",
        "linear 100%",
        "severity 1",
        "knn",
        "linear_adam",
    ]
    assert [study.name for study in ordered(names)] == [
        *("knn", "linear 100%", "linear_adam", "linear 25%", "linear 5%", "linear 1%"),
        *("noise symmetric 5%", "noise symmetric 80%", "corruption all", "corruption fog", "severity 1", "severity 2"),
        *("transfer a", "transfer b", "odd"),
    ]

"""Which pictures a report shows."""

import numpy as np

from dogo_tf.comparison.pictures import NEIGHBOURS, QUERIES, nearest_rows, neighbourhoods, queries
from dogo_tf.data.image_set import ImageSet


def test_queries_are_random_images_of_as_many_classes_as_there_are():
    labels = np.repeat(np.arange(10), 50)
    asked = queries(500, labels)
    assert len(set(labels[asked])) == QUERIES and list(asked) == list(queries(500, labels))
    two = np.repeat([0, 1], 250)
    assert two[queries(500, two)].sum() == QUERIES // 2
    assert len(queries(500, None)) == QUERIES and len(queries(3, None)) == 3


def test_the_nearest_images_are_others_and_the_best_first():
    features = np.stack([np.cos(np.arange(20) / 10), np.sin(np.arange(20) / 10)], axis=1)
    cosines, rows = nearest_rows(features, np.array([0, 10]))
    assert rows[0].tolist() == [1, 2, 3, 4, 5]
    assert set(rows[1][:4]) == {8, 9, 11, 12} and 10 not in rows[1]
    assert (np.diff(cosines) <= 0).all() and cosines.shape == (2, NEIGHBOURS)
    copies = nearest_rows(np.ones((20, 2)), np.array([19]))[1]
    assert copies.shape == (1, NEIGHBOURS) and 19 not in copies


def test_a_neighbourhood_says_what_is_what():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (30, 16, 12, 3), dtype=np.uint8)
    labelled = ImageSet("x", images, np.arange(30) % 2, ("a<b", "c"), files=tuple(f"{k}.png" for k in range(30)))
    features = generator.normal(size=(2, 30, 4))
    found = neighbourhoods(labelled, *features)
    assert len(found) == QUERIES and all(len(group.alone) == len(group.with_peer) == NEIGHBOURS for group in found)
    first = found[0]
    for picture in (*first.alone, *first.with_peer):
        assert picture.same == (picture.label == first.query.label) and picture.source.startswith("data:image/png")
        assert int(picture.file.split(".")[0]) % 2 == ("a<b", "c").index(picture.label)
    unlabelled = neighbourhoods(ImageSet("x", images), *features)
    assert unlabelled[0].query.label == "" and unlabelled[0].query.file.startswith("test image ")

"""The public names as a user types them; mypy reads this file (test_typing.py), nothing runs it."""

from pathlib import Path

import numpy as np
from typing_extensions import assert_type

import dogo_tf
from dogo_tf.export.pipeline import Options, export_encoder

peer = dogo_tf.Peer("wrn_10_2", objective="simclr", image_size=32, name="small")
teacher = dogo_tf.FrozenTeacher("runs/big", "big", peer="wrn_16_2")
cached = dogo_tf.CachedTeacher(np.zeros([8, 4], np.float32), "cached")
edge = dogo_tf.Edge("big", "small", weight=2.0, temperature=0.2)
model = dogo_tf.DoGo([peer], teachers=[teacher, cached], teach=[edge], distill_weight=0.4, seed=0)
assert_type(model.peers, list[dogo_tf.Peer])
assert_type(model.edges, tuple[dogo_tf.Edge, ...])

train = dogo_tf.data.load(Path("photos"), split="train", image_size=64)
assert_type(train, dogo_tf.data.ImageSet)
assert_type(train.images, np.ndarray)
assert_type(train.class_names, tuple[str, ...])
large = dogo_tf.data.open("photos", image_size=64, source="cache", cache_dir=Path("caches"))
assert_type(large, dogo_tf.data.ImageSet)
assert_type(len(large), int)
stream = dogo_tf.data.training_stream(large, 32, seed=0)
mean, std = dogo_tf.data.pixel_statistics(train.images)
encoder = dogo_tf.encoders.build("wrn_10_2", 64, mean, std)

features = dogo_tf.evaluate.embed(encoder, train.images)
assert_type(features, np.ndarray)
assert_type(dogo_tf.evaluate.knn_accuracy(features, train.labels, features, train.labels).accuracy, float)
assert_type(dogo_tf.evaluate.linear_probe(features, train.labels, features, train.labels).accuracy, float)
to_label = dogo_tf.selection.select(features, 50, method="typiclust", labelled=[0, 1], seed=0)
assert_type(to_label.rows, np.ndarray)
assert_type(to_label.why, tuple[str, ...])
assert_type(dogo_tf.selection.methods(), list[str])
assert_type(dogo_tf.distill.schemes(), list[str])
assert_type(dogo_tf.objectives.build("simclr"), dogo_tf.objectives.Objective)
found = dogo_tf.assessment.write_report("report", encoder, train, train, retrain=lambda rows: encoder)
assert_type(found, dogo_tf.assessment.Assessment)
assert_type(found.temperature, float)
recipe = dogo_tf.views.ViewRecipe(crop_area=(0.2, 1.0))
views = dogo_tf.Views(a=train.images, b=train.images)
export_encoder(encoder, "exported", train, train, Options(formats=("float16",)))

try:
    raise dogo_tf.InputError("expected")
except (dogo_tf.InputError, dogo_tf.TrainingFailure) as error:
    assert_type(str(error), str)

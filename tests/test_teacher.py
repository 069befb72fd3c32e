"""Frozen teachers: where they come from, what they compute, and that they stay as they are."""

import numpy as np
import pytest
from taught import SIZE, encoder, images, student_of

import dogo_tf
from dogo_tf.platform.keras_compat import keras, tf
from dogo_tf.pretraining.pretrain import pretrain
from dogo_tf.pretraining.settings import PretrainSettings, place_specs


def saved_model_of_uint8(path, model):
    """Of plain TensorFlow, as any framework may write it: uint8 images -> features, under names of its own."""
    module = tf.Module()
    module.model = model
    module.call = tf.function(
        lambda pixels: {"out": model(tf.cast(pixels, tf.float32))},
        input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.uint8, name="pixels")],
    )
    tf.saved_model.save(module, str(path), signatures=module.call)
    return path


@pytest.fixture(params=["model", ".keras file", "SavedModel of uint8"])
def teacher(request, tmp_path):
    model = encoder("big", 7)
    if request.param == ".keras file":
        model.save(tmp_path / "big.keras", save_format="keras")
        return dogo_tf.FrozenTeacher(tmp_path / "big.keras", "teacher"), model
    if request.param == "SavedModel of uint8":
        return dogo_tf.FrozenTeacher(saved_model_of_uint8(tmp_path / "saved", model), "teacher"), model
    return dogo_tf.FrozenTeacher(model, "teacher"), model


def test_it_computes_the_encoders_features_of_both_views(teacher):
    frozen, model = teacher
    views = dogo_tf.Views(*(tf.cast(images()[k::2], tf.float32) for k in (0, 1)))
    both = frozen.embed(views)
    for ours, shown in zip((both.a, both.b), views[:2], strict=True):
        np.testing.assert_allclose(ours.h, model(shown), rtol=1e-5, atol=1e-6)
        assert ours.z is ours.h and ours.p is ours.h
    assert (frozen.width_h, frozen.width_z, frozen.image_size) == (7, 7, SIZE)


@pytest.mark.parametrize("scheme", ["similarity_kl", "seed"])
def test_a_student_learns_from_it_and_it_stays_as_it_was(teacher, scheme):
    frozen, model = teacher
    before = [v.numpy() for v in model.variables]
    taught = student_of(frozen, scheme=scheme, ssl_weight=0.0, distill_weight=1.0, views="shared")
    history = taught.fit(images(), batch_size=16, epochs=15, shuffle=False, verbose=0).history
    assert np.mean(history["small/distill"][-3:]) < 0.95 * np.mean(history["small/distill"][:3])
    for now, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(now, old)
    ours = {id(v) for v in model.variables}
    assert not ours & {id(v) for v in taught.variables}


def test_one_that_takes_images_of_any_size_is_to_be_built_for_one():
    pixels = keras.Input((None, None, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(7, 3, activation="relu")(pixels))
    frozen = dogo_tf.FrozenTeacher(keras.Model(pixels, features), "teacher")
    assert (frozen.width_h, frozen.image_size) == (7, None)
    with pytest.raises(
        dogo_tf.InputError, match=r"'teacher': None} \(None: any; build it for the size of the others\)"
    ):
        student_of(frozen, scheme="simreg")


def test_without_weight_it_changes_nothing():
    frozen = dogo_tf.FrozenTeacher(encoder("big", 7), "teacher")
    taught, alone = student_of(frozen, distill_weight=0.0), student_of()
    for model in (taught, alone):
        model.fit(images(), batch_size=16, verbose=0)
    for ours, theirs in zip(taught.peers[0].get_weights(), alone.peers[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_names_and_sizes_must_go_together():
    with pytest.raises(dogo_tf.InputError, match=r"expected different names; got \['small', 'small'\]"):
        student_of(dogo_tf.FrozenTeacher(encoder("big", 7), "small"))
    other = keras.Sequential([keras.Input((9, 9, 3)), keras.layers.GlobalAveragePooling2D()])
    with pytest.raises(dogo_tf.InputError, match="one image size for all peers; got {'small': 8, 'teacher': 9}"):
        student_of(dogo_tf.FrozenTeacher(other, "teacher"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        dogo_tf.InputError, match="teachers: teacher: encoder: .*nothing.keras does not exist; expected a "
    ):
        dogo_tf.FrozenTeacher(tmp_path / "nothing.keras", "teacher")


def test_specs_are_read():
    assert place_specs("teachers", ["big=runs/a", " other=runs/pair#wrn_16_2"]) == [
        ("big", "runs/a", None),
        ("other", "runs/pair", "wrn_16_2"),
    ]
    with pytest.raises(dogo_tf.InputError, match="expected name=path or name=run_folder#peer, .* got 'runs/a'"):
        place_specs("teachers", ["runs/a"])


def settings(run_dir, **changes):
    small = {"dataset": "patterns", "split": "train[:64]", "batch_size": 32, "epochs": 1, "log_every": 1}
    return PretrainSettings(run_dir=str(run_dir), **{**small, **changes})


@pytest.mark.slow
def test_a_run_is_taught_by_a_peer_of_another_run_and_refuses_to_go_on_with_another_teacher(tmp_path):
    pair = pretrain(settings(tmp_path / "pair", peers=("small_conv", "big=small_conv")))
    taught = {"peers": ("small=small_conv",), "scheme": "simreg", "ssl_weight": (0.0,), "distill_weight": (1.0,)}
    place = (f"teacher={pair.path}#big",)
    run = pretrain(settings(tmp_path / "taught", teachers=place, **taught))
    assert run.peer_names() == ["small"]
    assert run.metrics_lines()[-1]["small/distill"] > 0
    other = pretrain(settings(tmp_path / "other", peers=("big=small_conv",), seed=1))
    (pair.path / "encoders/big.keras").write_bytes((other.path / "encoders/big.keras").read_bytes())
    with pytest.raises(dogo_tf.InputError, match="the run in this folder has other teachers:\n  teacher: '"):
        pretrain(settings(tmp_path / "taught", teachers=place, **taught), resume=True)


class Counting(keras.layers.Layer):
    """Adds nothing, and counts the images that pass in `seen`."""

    def build(self, _):
        self.seen = self.add_weight("seen", [], tf.int64, "zeros", trainable=False)

    def call(self, images):
        self.seen.assign_add(tf.shape(images, tf.int64)[0])
        return images


@pytest.mark.parametrize("views", ["shared", pytest.param("independent", marks=pytest.mark.slow)])
def test_of_several_students_it_is_computed_once_a_step(views):
    """Also of independent views, where a teacher draws its own, the same for all its students."""
    counting = Counting()
    pixels = keras.Input((SIZE, SIZE, 3))
    teacher = keras.Model(pixels, encoder("big", 7)(counting(pixels)))
    students = [dogo_tf.Peer(encoder(f"small_{k}", 5), "simclr", name=f"small_{k}") for k in range(3)]
    teach = [dogo_tf.Edge("teacher", student.name) for student in students]
    model = dogo_tf.DoGo(students, teachers=[dogo_tf.FrozenTeacher(teacher, "teacher")], teach=teach, views=views)
    model.compile("adam")
    counting.seen.assign(0)
    report = model.fit(images(16), batch_size=8, epochs=2, verbose=0).history
    assert all(report[f"small_{k}/distill"][0] > 0 for k in range(3))
    assert counting.seen.numpy() == 2 * 16 * 2  # views, images, epochs: not times three

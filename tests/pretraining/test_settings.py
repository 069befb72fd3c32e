import pytest

from dogo_tf import views
from dogo_tf.errors import InputError
from dogo_tf.pretraining.settings import VIEW_RECIPES, PretrainSettings, peer_specs


def settings(**changes):
    return PretrainSettings(**{"dataset": "patterns", "run_dir": "runs/x", **changes})


def test_one_value_serves_all_peers_and_several_one_each():
    made = settings(learning_rate=(0.1,), distill_weight=(0.5, 2.0))
    assert made.per_peer("learning_rate") == [0.1, 0.1]
    assert made.per_peer("distill_weight") == [0.5, 2.0]


def test_flags_leave_out_what_is_not_set():
    text = settings(learning_rate=(0.1, 0.2)).as_flags()
    assert "--learning_rate=0.1,0.2\n" in text and "--dataset=patterns\n" in text
    assert "data_dir" not in text and "None" not in text


def test_peers_are_named_by_their_encoders_and_numbered_if_equal():
    assert peer_specs(("wrn_10_2:simsiam", "wrn_10_2", "resnet_18:simclr")) == [
        ("wrn_10_2", "wrn_10_2", "simsiam"),
        ("wrn_10_2_2", "wrn_10_2", "simclr"),
        ("resnet_18", "resnet_18", "simclr"),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "half"}, "unknown precision 'half'; known: auto, float32, mixed_bfloat16, mixed_float16"),
        ({"strategy": "gpu"}, "unknown strategy 'gpu'; known: auto, mirrored, multi_worker, none, tpu"),
        ({"source": "disk"}, "unknown source 'disk'; known: auto, cache, memory, stream"),
        ({"store_size": 64}, "store_size: expected at least image_size, .* got store_size 64, image_size None"),
        ({"store_size": 32, "image_size": 48}, "store_size: expected at least image_size, .* 32, image_size 48"),
        ({"checkpoint_minutes": 0}, "checkpoint_minutes: expected a number above 0, got 0"),
        ({"checkpoint_steps": 0}, "checkpoint_steps: expected a whole number of at least 1, got 0"),
        ({"epochs": 0}, "epochs: expected a whole number of at least 1, got 0"),
        (
            {"distill_warmup_epochs": 101},
            "distill_warmup_epochs: expected 0 to 100, the run's epochs, e.g. 10; got 101",
        ),
        ({"batch_size": 1}, "batch_size: expected a whole number of at least 2, got 1"),
        ({"micro_batches": 0}, "micro_batches: expected a whole number of at least 1, got 0"),
        (
            {"batch_size": 16, "micro_batches": 3},
            r"micro_batches: expected a number that divides batch_size \(16\), got 3",
        ),
        ({"view_recipe": "dino"}, "unknown view_recipe 'dino'; known: byol, byol_unequal, moco, simclr, simsiam"),
        ({"local_views": (1.5,)}, "local_views: expected a whole number from 0 to 64, got 1.5"),
        ({"local_views": (1, 2, 3)}, "local_views: expected one value, or one for each of the 2 peers; got 3"),
        ({"local_crop_area": (0.3, 0.05)}, "local_crop_area: expected the smallest and the largest .* got 0.3,0.05"),
        ({"local_crop_area": (0.3,)}, "local_crop_area: expected the smallest and the largest share .* got 0.3"),
        ({"local_crop_area": (0.0, 0.3)}, "local_crop_area: expected a number above 0 and up to 1, got 0.0"),
        ({"local_size": 2}, "local_size: expected a whole number from 4 to 4096, got 2"),
        ({"local_size": 33, "image_size": 32}, r"local_size: expected at most image_size \(32\), got 33"),
        (
            {"learning_rate": (1.0, 2.0, 3.0)},
            "learning_rate: expected one value, or one for each of the 2 peers; got 3",
        ),
    ],
)
def test_unusable_settings_are_named(changes, message):
    with pytest.raises(InputError, match=message):
        settings(**changes)


def test_a_peer_without_an_encoder_is_refused():
    with pytest.raises(
        InputError, match="peers: expected encoder, .* or name=encoder:objective:setting=value, .* got ':simclr'"
    ):
        peer_specs((":simclr",))


def test_peers_can_be_named_and_equal_ones_are_numbered():
    assert peer_specs(["big=resnet_18:byol", "wrn_10_1", "wrn_10_1:moco"]) == [
        ("big", "resnet_18", "byol"),
        ("wrn_10_1", "wrn_10_1", "simclr"),
        ("wrn_10_1_2", "wrn_10_1", "moco"),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peers": ("../big=wrn_10_1",)}, r"peer: expected a name of letters, digits and _.\+-.*; got '../big'"),
        ({"peers": ("a=wrn_10_1", "b=wrn_10_1"), "teach": "a>c"}, "unknown peer in teach 'c'; known: a, b"),
        ({"peers": ("a=wrn_10_1", "b=wrn_10_1"), "teach": "a>b:scheme=sead"}, "unknown scheme 'sead'; known: compress"),
        ({"peers": ("a=wrn_10_1", "b=wrn_10_1"), "scheme": "sead"}, "unknown scheme 'sead'; known: compress"),
        ({"teachers": ("runs/big",)}, "teachers: expected name=path"),
        ({"ssl_weight": (1.0, 2.0, 3.0)}, "ssl_weight: expected one value, or one for each of the 2 peers; got 3"),
    ],
)
def test_a_graph_that_cannot_work_is_refused_before_data_is_loaded(changes, message):
    with pytest.raises(InputError, match=message):
        PretrainSettings("patterns", "", **changes)


def test_a_teacher_that_teaches_nobody_is_refused():
    made = PretrainSettings(
        "photos", "run", peers=("a=wrn_10_1", "b=wrn_10_2"), teachers=("big=runs/big",), teach="a>b,b>a"
    )
    with pytest.raises(InputError, match="teachers: big teaches nobody; name its students in teach, or leave it out"):
        made.check_that_all_learn()
    made.check_that_all_learn(resume=True)  # a run of before goes on


def test_every_named_recipe_is_there():
    assert all(isinstance(getattr(views, name.upper()), views.ViewRecipe) for name in VIEW_RECIPES)

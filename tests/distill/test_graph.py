import pytest

from dogo_tf.distill import graph
from dogo_tf.distill.graph import Edge
from dogo_tf.errors import InputError
from dogo_tf.types import Embeddings, ViewEmbeddings

PEERS = ("small", "big", "third")


def settled(edges, peers=PEERS, teachers=("old",), weights=(0.6, 1.0, 2.0)):
    return graph.resolved(edges, peers, teachers, weights[: len(peers)], 100, "similarity_kl")


def test_each_of_two_peers_teaches_the_other_with_its_own_weight():
    edges = settled(graph.mutual(["small", "big"]), peers=("small", "big"))
    assert [(edge.teacher, edge.student, edge.weight) for edge in edges] == [
        ("big", "small", 0.6),
        ("small", "big", 1.0),
    ]


def test_a_student_shares_its_weight_among_its_teachers():
    edges = settled(graph.mutual(PEERS))
    assert len(edges) == 6
    for student, weight in zip(PEERS, (0.6, 1.0, 2.0), strict=True):
        own = [edge for edge in edges if edge.student == student]
        assert sorted(edge.teacher for edge in own) == sorted(set(PEERS) - {student})
        assert [edge.weight for edge in own] == [weight / 2] * 2


def test_one_peer_has_no_teacher():
    assert graph.mutual(["small"]) == []


def test_frozen_teachers_teach_everyone_and_learn_nothing():
    edges = graph.mutual(["small", "big"], ["old"])
    assert {(edge.teacher, edge.student) for edge in edges} == {
        ("big", "small"),
        ("small", "big"),
        ("old", "small"),
        ("old", "big"),
    }


def test_edges_are_read_with_their_settings():
    text = "big>small:weight=2:temperature=0.2:warmup_epochs=1.5:scheme=seed, small>big"
    assert graph.parse(text, PEERS, examples_per_epoch=1000) == [
        Edge("big", "small", weight=2.0, temperature=0.2, warmup=1500, scheme="seed"),
        Edge("small", "big"),
    ]
    assert graph.parse("all", PEERS) == graph.mutual(PEERS)


def test_what_an_edge_leaves_open_is_filled_in_and_what_it_says_stays():
    edges = settled([Edge("big", "small", weight=5.0, warmup=0, scheme="seed"), Edge("third", "small")])
    assert edges == [
        Edge("big", "small", 5.0, None, 0, "seed"),
        Edge("third", "small", 0.3, None, 100, "similarity_kl"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("big", "teach: expected all, or edges teacher>student separated by commas; got 'big'"),
        ("", "teach: expected all, or edges teacher>student separated by commas; got ''"),
        (">small", "got '>small'"),
        (
            "big>small:wait=2",
            "unknown setting of an edge in teach 'wait'; known: scheme, temperature, warmup_epochs, weight",
        ),
        ("big>small:weight=much", "teach: big>small: weight: expected a number, got 'much'"),
        ("big>small:warmup_epochs=inf", "teach: big>small: warmup_epochs: expected a number, got 'inf'"),
    ],
)
def test_a_graph_that_cannot_be_read_is_named(text, message):
    with pytest.raises(InputError, match=message):
        graph.parse(text, PEERS)


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([Edge("huge", "small")], "unknown peer in teach 'huge'; known: big, old, small, third"),
        ([Edge("big", "tiny")], "unknown peer in teach 'tiny'; known: big, small, third"),
        ([Edge("big", "old")], "teach: big>old: old is a frozen teacher, which learns from nobody"),
        ([Edge("big", "big")], "teach: big>big: a peer cannot teach itself"),
        ([Edge("big", "small")] * 2, "teach: big>small comes twice"),
        ([Edge("big", "small", weight=-1)], "teach: big>small: weight: expected a number >= 0, got -1"),
        ([Edge("big", "small", warmup=-1)], "teach: big>small: warmup: expected a number >= 0, got -1"),
        ([Edge("big", "small", temperature=0)], "teach: big>small: temperature: expected a number above 0, got 0"),
    ],
)
def test_edges_that_cannot_work_are_named(edges, message):
    with pytest.raises(InputError, match=message):
        settled(edges)


@pytest.mark.parametrize(("both_predict", "teacher_side"), [(True, "z"), (False, "p")])
def test_students_compare_p_with_the_teachers_z_only_if_both_predict(both_predict, teacher_side):
    def side(name):
        return ViewEmbeddings(*(Embeddings(f"{name} h{v}", f"{name} z{v}", f"{name} p{v}") for v in "ab"))

    compared = graph.compared(side("student"), side("teacher"), both_predict)
    assert compared == ("student pa", "student pb", f"teacher {teacher_side}a", f"teacher {teacher_side}b")

import pytest

from dogo_tf.distill import graph
from dogo_tf.errors import InputError
from dogo_tf.types import Embeddings, ViewEmbeddings


def test_each_of_two_peers_teaches_the_other_with_its_own_weight():
    assert graph.mutual(2, [0.5, 2.0]) == [graph.Edge(0, 1, 0.5), graph.Edge(1, 0, 2.0)]


def test_a_student_shares_its_weight_among_its_teachers():
    edges = graph.mutual(3, 0.6)
    assert len(edges) == 6
    for student in range(3):
        own = [edge for edge in edges if edge.student == student]
        assert sorted(edge.teacher for edge in own) == [k for k in range(3) if k != student]
        assert [edge.weight for edge in own] == [0.3, 0.3]


def test_one_peer_has_no_teacher():
    assert graph.mutual(1, 1.0) == []


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], -0.1])
def test_unusable_weights_are_named(weights):
    with pytest.raises(
        InputError, match=r"distill_weight: expected one number >= 0, or one for each of the 2 peers; got"
    ):
        graph.mutual(2, weights)


@pytest.mark.parametrize(("both_predict", "teacher_side"), [(True, "z"), (False, "p")])
def test_students_compare_p_with_the_teachers_z_only_if_both_predict(both_predict, teacher_side):
    def side(name):
        return ViewEmbeddings(*(Embeddings(f"{name} h{v}", f"{name} z{v}", f"{name} p{v}") for v in "ab"))

    compared = graph.compared(side("student"), side("teacher"), both_predict)
    assert compared == ("student pa", "student pb", f"teacher {teacher_side}a", f"teacher {teacher_side}b")

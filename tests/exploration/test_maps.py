"""Places on the map: what is alike lies together, whatever the method; few, equal and many images."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from dogo_tf.errors import InputError
from dogo_tf.exploration import maps
from dogo_tf.exploration.maps import place


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of t-SNE that wait for each other take minutes on a machine that is busy otherwise."""
    with threadpool_limits(1):
        yield


def groups(count, spread=0.05):
    """Features of three groups in 12 dimensions, and the number of each one's group."""
    rng, group = np.random.default_rng(0), np.arange(count) % 3
    return np.eye(12)[group] + rng.normal(0, spread, (count, 12)), group


def agreement(places, group):
    """The share of images whose nearest other image on the map is of their group."""
    distances = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(len(places), np.inf))
    return np.mean(group[distances.argmin(axis=1)] == group)


# UMAP compiles itself for half a minute.
@pytest.mark.parametrize("method", ["pca", "tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_groups_stay_together_and_the_seed_decides(method):
    features, group = groups(90)
    places = place(features, method)
    assert places.shape == (90, 2) and places.dtype == np.float32
    assert agreement(places, group) == 1
    np.testing.assert_array_equal(places, place(features, method))


def test_only_directions_count():
    features, _ = groups(30)
    np.testing.assert_allclose(place(3 * features, "pca"), place(features, "pca"), atol=1e-5)


def test_beyond_the_most_of_tsne_the_others_lie_by_their_nearest(monkeypatch):
    monkeypatch.setattr(maps, "MOST_TSNE", 60)
    features, group = groups(240)
    places = place(features)
    assert np.isfinite(places).all() and agreement(places, group) == 1


@pytest.mark.parametrize("method", ["tsne", pytest.param("umap", marks=pytest.mark.slow)])
@pytest.mark.parametrize("count", [1, 2, 3, 9, 10, 11])
def test_few_images_have_places(count, method):
    assert place(groups(count)[0], method).shape == (count, 2)


def test_images_that_are_all_alike_and_features_of_one_number_have_places():
    assert not place(np.ones((20, 5))).any()
    assert np.isfinite(place(np.linspace(-1, 1, 30)[:, None])).all()


def test_what_is_unknown_or_not_installed_is_named(monkeypatch):
    with pytest.raises(InputError, match="unknown map 'som'; known: pca, tsne, umap"):
        place(np.ones((3, 2)), "som")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(InputError, match=r"umap needs umap-learn \(pip install umap-learn\)"):
        maps.check_method("umap")


@pytest.mark.slow
def test_umap_brings_no_start_up_lines_of_tensorflow():
    code = "from dogo_tf.exploration import maps; maps.check_method('umap')"
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=kept)
    assert (done.returncode, done.stderr) == (0, "")

"""Features -> places in the plane: images that an encoder takes for alike lie side by side."""

from importlib.util import find_spec

import numpy as np

from dogo_tf.errors import InputError, unknown_name
from dogo_tf.evaluate.knn import nearest, unit_rows
from dogo_tf.platform.keras_compat import load_tensorflow

METHODS = ("pca", "tsne", "umap")
MOST_TSNE = 10_000  # images whose places t-SNE finds (half a minute on two cores); of more, so many at random
ANCHORS = 5  # of these, for the place of each other image
_UMAP_NEIGHBOURS = 15  # its default
_COMPONENTS = 50  # that t-SNE and UMAP see: their neighbours are those of all features, at a fraction of the time
_FEWEST = 10  # images; fewer have no neighbourhoods


def check_method(method: str) -> None:
    """InputError for an unknown method, or one whose library is not installed."""
    if method not in METHODS:
        raise unknown_name("map", method, METHODS)
    if method == "umap":
        _umap()


def place(features, method: str = "tsne", seed: int = 0) -> np.ndarray:
    """A map of the images, float32 [N, 2], by the cosines of their features.

    `pca` keeps the two widest directions. `tsne` (van der Maaten and Hinton, JMLR 2008; scikit-learn's, which starts from PCA)
    and `umap` (McInnes et al., 2018; the extra `umap`) keep neighbours together; distances between groups mean little. t-SNE
    places at most MOST_TSNE images itself. Each other one gets the mean place of the ANCHORS most similar of them, weighted by
    how near they are.

    Args:
        features: finite numbers [N, d], any scale.
        method: one of METHODS.
        seed: of all that is drawn.
    """
    check_method(method)
    rows = unit_rows(features)
    if not np.ptp(rows, axis=0).any():  # all alike, or one image
        return np.zeros((len(rows), 2), np.float32)
    if method == "pca" or len(rows) < _FEWEST:
        return _pca(rows, 2, seed)
    if method == "umap":
        umap = _umap().UMAP(min(_UMAP_NEIGHBOURS, len(rows) - 1), random_state=seed, n_jobs=1)
        return umap.fit_transform(_pca(rows, _COMPONENTS, seed)).astype(np.float32)
    return _tsne(rows, seed)


def _pca(rows: np.ndarray, components: int, seed: int) -> np.ndarray:
    """float32 [N, components], or fewer if there are no more, but at least 2."""
    from sklearn.decomposition import PCA  # slow to load

    found = PCA(min(components, *rows.shape), random_state=seed).fit_transform(rows).astype(np.float32)
    return found if found.shape[1] > 1 else np.pad(found, [(0, 0), (0, 1)])


def _tsne(rows: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:MOST_TSNE])
    reduced = _pca(rows[chosen], _COMPONENTS, seed)
    tsne = TSNE(perplexity=min(30.0, (len(chosen) - 1) / 3), init="pca", learning_rate="auto", random_state=seed)
    places = np.empty((len(rows), 2), np.float32)
    places[chosen] = tsne.fit_transform(reduced)
    others = np.setdiff1d(np.arange(len(rows)), chosen)
    if len(others):
        cosines, anchors = nearest(rows[others], rows[chosen], ANCHORS)
        weights = 1 / (1 - cosines.astype(np.float64) + 1e-3)[:, :, None]
        places[others] = (weights * places[chosen][anchors]).sum(axis=1) / weights.sum(axis=1)
    return places


def _umap():
    if find_spec("umap") is None:
        raise InputError("map: umap needs umap-learn (pip install umap-learn), or take tsne or pca")
    load_tensorflow()  # umap imports it, too, and its start-up lines would then be on the screen
    import umap

    return umap

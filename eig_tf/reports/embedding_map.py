"""The places of images on a map, on which images with similar features are near each other."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

# t-SNE of more images takes minutes.
MAX_LAID_OUT = 4000
_PERPLEXITY = 30.0
_COMPONENTS = 50
_NEIGHBOURS = 3


def lay_out(features: np.ndarray, seed: int = 0, most: int = MAX_LAID_OUT) -> np.ndarray:
    """Return the places of images on a map, by t-SNE of their features scaled to unit length.

    t-SNE (van der Maaten and Hinton 2008) places at most `most` random images; each of the others lies at the
    mean of its three nearest ones of these, weighted by the inverse distance.

    Args:
        features: float [N, F], N at least 1.
        seed: of the choice of images and of t-SNE.
        most: largest number of images that t-SNE places.

    Returns:
        float64 [N, 2] in [0, 1].
    """
    points = normalize(np.asarray(features, np.float32))
    components = min(_COMPONENTS, *points.shape)
    if len(points) > 1 and np.ptp(points, axis=0).any():
        points = PCA(components, random_state=seed).fit_transform(points)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(points))[:most])
    places = _place(points[chosen], seed)
    if len(chosen) < len(points):
        distances, found = NearestNeighbors(n_neighbors=min(_NEIGHBOURS, len(chosen))).fit(
            points[chosen]).kneighbors(points)
        weights = 1 / (distances + 1e-9)
        placed = np.einsum("nk,nkd->nd", weights / weights.sum(axis=1, keepdims=True), places[found])
        placed[chosen] = places
        places = placed
    span = np.ptp(places, axis=0).max()
    return 0.5 + (places - (places.min(axis=0) + places.max(axis=0)) / 2) / (span or 1.0)


def _place(points, seed):
    """t-SNE [n, 2]; the points themselves where there are too few for it or all are equal."""
    if len(points) < 5 or points.shape[1] < 2 or not np.ptp(points, axis=0).any():
        places = np.zeros([len(points), 2])
        width = min(2, points.shape[1])
        places[:, :width] = points[:, :width]
        return places
    layout = TSNE(perplexity=min(_PERPLEXITY, (len(points) - 1) / 3), init="pca", random_state=seed)
    # Its threads wait for each other thousands of times, which takes minutes where other programs run.
    with threadpool_limits(1):
        return layout.fit_transform(points).astype(np.float64)

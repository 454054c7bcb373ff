"""Nearest neighbours by an encoder's features, and 1-NN classification (supplement 3, table 4)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from eig_tf import progress
from eig_tf.data.holdout import per_class_split

NUM_NEIGHBOURS = 5
MAX_QUERIES = 40
_UNLABELLED_QUERIES = 10


def nearest_neighbours(features: np.ndarray, candidates: np.ndarray, queries: np.ndarray,
                       num: int) -> np.ndarray:
    """Return the images nearest to each query by cosine similarity, which the contrastive loss trains.

    Args:
        features: float [N, F].
        candidates: int [M], indices of the images that may be neighbours, M at least 1.
        queries: int [Q], indices of the images whose neighbours are sought, Q at least 1.
        num: number of neighbours, at most M.

    Returns:
        int [Q, num], indices into `features`, the nearest first.
    """
    # Among unit vectors the order by Euclidean distance is that by cosine similarity.
    directions = normalize(features)
    search = NearestNeighbors(n_neighbors=num, algorithm="brute").fit(directions[candidates])
    with progress.stage(f"finds the nearest neighbours of {len(queries):,} images"):
        found = search.kneighbors(directions[queries], return_distance=False)
    return np.asarray(candidates)[found]


def one_nn_accuracy(features: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, int, int]:
    """Classify a held-out fifth of every class by the nearest neighbour among the other images.

    Args:
        features: float [N, F].
        labels: int [N].
        seed: seed of the split.

    Returns:
        The share of the held-out images whose neighbour is of their class, the number of candidates for
        neighbours, and the number of held-out images.
    """
    train, test = per_class_split(labels, seed)
    nearest = nearest_neighbours(features, train, test, 1)[:, 0]
    return float(np.mean(labels[nearest] == labels[test])), len(train), len(test)


class Neighbours(NamedTuple):
    """Queries and their neighbours.

    Attributes:
        queries: int [Q], indices of the images that are shown as queries.
        found: int [Q, n], indices of their neighbours, the nearest first.
        share_right: share of the neighbours of all held-out images that are of their class, in [0, 1];
            None without labels.
        num_held_out: number of held-out images.
        all_classes: whether there is a query of every class with a held-out image.
    """

    queries: np.ndarray
    found: np.ndarray
    share_right: float | None = None
    num_held_out: int = 0
    all_classes: bool = True


def find_neighbours(features: np.ndarray, labels: np.ndarray | None, seed: int,
                    num: int = NUM_NEIGHBOURS) -> Neighbours | None:
    """Find the neighbours of one image of each class; without labels, of images at equal distances.

    Queries are held-out images of the split of the 1-NN metric, and their neighbours come from the other
    four fifths of each class. Without labels, neighbours come from all images that are not queries.

    Args:
        features: float [N, F].
        labels: int [N], or None.
        seed: seed of the split and of the choice of queries.
        num: neighbours of each query, fewer if there are not as many candidates.

    Returns:
        The neighbours, or None if no image can be a query or a neighbour.
    """
    if labels is None:
        num_queries = min(_UNLABELLED_QUERIES, len(features) // 2)
        if not num_queries:
            return None
        queries = np.arange(num_queries) * len(features) // num_queries
        candidates = np.setdiff1d(np.arange(len(features)), queries)
        found = nearest_neighbours(features, candidates, queries, min(num, len(candidates)))
        return Neighbours(queries, found)
    candidates, held_out = per_class_split(labels, seed)
    if not len(held_out):
        return None
    found = nearest_neighbours(features, candidates, held_out, min(num, len(candidates)))
    right = labels[found] == labels[held_out][:, np.newaxis]
    chosen, all_classes = _choose_queries(labels[held_out], seed)
    return Neighbours(held_out[chosen], found[chosen], float(right.mean()), len(held_out), all_classes)


def _choose_queries(labels, seed):
    """Return positions of one image of each class, up to `MAX_QUERIES`, and whether no class is left out."""
    generator = np.random.default_rng(seed)
    chosen = np.array([generator.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)])
    if len(chosen) <= MAX_QUERIES:
        return chosen, True
    return chosen[np.arange(MAX_QUERIES) * len(chosen) // MAX_QUERIES], False

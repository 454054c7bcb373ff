"""Nearest neighbours by an encoder's features, and 1-NN classification (supplement 3, table 4)."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from eig_tf.data.holdout import per_class_split


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

"""Nearest neighbours by Q's features, and classification by the nearest one (supplement 3, table 4)."""

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from eig_tf.data.holdout import per_class_split


def neighbours(features, candidates, queries, num):
    """The images nearest to each query, by cosine similarity, which the contrastive loss trains.

    Args:
        features: float [N, F].
        candidates: int [M], indices of the images that may be neighbours, 1 or more.
        queries: int [Q], indices of the images whose neighbours are sought, 1 or more.
        num: how many neighbours, at most M.

    Returns:
        int [Q, num], indices into `features`, the nearest first.
    """
    # Among directions the order by Euclidean distance is that by cosine.
    directions = normalize(features)
    search = NearestNeighbors(n_neighbors=num, algorithm="brute").fit(directions[candidates])
    found = search.kneighbors(directions[queries], return_distance=False)
    return np.asarray(candidates)[found]


def one_nn_accuracy(features, labels, seed):
    """Accuracy of the nearest neighbour's class on a held-out fifth of every class.

    Args:
        features: float [N, F].
        labels: int [N].
        seed: of the split.

    Returns:
        `accuracy`, `num_train` and `num_test` as a dict.
    """
    train, test = per_class_split(labels, seed)
    nearest = neighbours(features, train, test, 1)[:, 0]
    accuracy = np.mean(labels[nearest] == labels[test])
    return {"accuracy": float(accuracy), "num_train": len(train), "num_test": len(test)}

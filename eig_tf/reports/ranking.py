"""Which images a report shows: the surest, the doubtful, those between two categories and the outliers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

NEIGHBOURS = 10


class Shares(NamedTuple):
    """The distribution of N images over M categories.

    Attributes:
        counts: int64 [M], images whose most probable category it is.
        hard: float64 [M], their share of all images.
        low, high: float64 [M], the 95 % interval of Wilson around `hard`.
        soft: float64 [M], mean probability of the category over all images.
    """

    counts: np.ndarray
    hard: np.ndarray
    low: np.ndarray
    high: np.ndarray
    soft: np.ndarray


class Outliers(NamedTuple):
    """How little each of N images fits its category and the images around it.

    Attributes:
        distances: float64 [N], mean cosine distance to the nearest images in the embedding, in [0, 2].
        scores: float64 [N], mean of the rank of the distance and that of the confidence, each in [0, 1]; 1 is
            farthest and least confident.
    """

    distances: np.ndarray
    scores: np.ndarray


def measure_shares(probabilities: np.ndarray) -> Shares:
    """Return the distribution of images over categories, with its uncertainty.

    The interval treats the images as independent draws; it does not cover wrong categories.

    Args:
        probabilities: float [N, M], rows sum to one, N at least 1.
    """
    num_images, num_categories = probabilities.shape
    counts = np.bincount(probabilities.argmax(axis=1), minlength=num_categories)
    intervals = [stats.binomtest(int(count), num_images).proportion_ci(method="wilson") for count in counts]
    low, high = np.array(intervals).T
    return Shares(counts, counts / num_images, low, high, probabilities.mean(axis=0, dtype=np.float64))


def surest_images(probabilities: np.ndarray, category: int, num: int) -> np.ndarray:
    """Return the indices of at most `num` images of a category, the most probable first."""
    return _by_confidence(probabilities, category)[:num]


def doubtful_images(probabilities: np.ndarray, category: int, num: int) -> np.ndarray:
    """Return the indices of at most `num` images of a category, the least probable first."""
    return _by_confidence(probabilities, category)[::-1][:num]


def nearest_category(probabilities: np.ndarray, category: int) -> int | None:
    """Return the category that most often has the remaining probability; None if there is no other.

    It maximizes the sum of p_i(category) p_i(other) over the images i.

    Args:
        probabilities: float [N, M].
        category: in [0, M).
    """
    if probabilities.shape[1] < 2:
        return None
    shared = probabilities[:, category].astype(np.float64) @ probabilities
    shared[category] = -1.0
    return int(shared.argmax())


def images_between(probabilities: np.ndarray, category: int, other: int, num: int) -> np.ndarray:
    """Return the indices of at most `num` images of either category, in which both are most probable first.

    Images are ordered by the smaller of the two probabilities.
    """
    members = np.flatnonzero(np.isin(probabilities.argmax(axis=1), (category, other)))
    smaller = probabilities[members][:, [category, other]].min(axis=1)
    return members[np.argsort(-smaller, kind="stable")[:num]]


def rank_outliers(features: np.ndarray, confidence: np.ndarray) -> Outliers:
    """Return how little images fit, by their distance to their nearest neighbours and their confidence.

    Args:
        features: float [N, F], N at least 1; the embedding.
        confidence: float [N], the probability of the most probable category.
    """
    num = len(features)
    neighbours = min(NEIGHBOURS, num - 1)
    distances = np.zeros(num)
    if neighbours:
        search = NearestNeighbors(n_neighbors=neighbours, metric="cosine", algorithm="brute")
        # Without arguments, an image is not a neighbour of itself.
        distances = search.fit(normalize(features)).kneighbors()[0].mean(axis=1, dtype=np.float64)
    return Outliers(distances, (_rank(distances) + _rank(-np.asarray(confidence, np.float64))) / 2)


def _by_confidence(probabilities, category):
    members = np.flatnonzero(probabilities.argmax(axis=1) == category)
    return members[np.argsort(-probabilities[members, category], kind="stable")]


def _rank(values):
    """Ranks in [0, 1], the same for equal values; 0.5 if all are equal."""
    if len(values) == 1:
        return np.full(1, 0.5)
    return (stats.rankdata(values) - 1) / (len(values) - 1)

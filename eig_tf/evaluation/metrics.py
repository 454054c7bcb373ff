"""The mathematics of the metrics, as pure functions of counts, labels and distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

NMI_AVERAGING = "arithmetic"


def confusion_counts(codes: np.ndarray, classes: np.ndarray, num_codes: int, num_classes: int) -> np.ndarray:
    """Return the number of images of each code and class, int64 [K, C], from two int arrays [N].

    Images without a class, -1, do not count.
    """
    counts = np.zeros([num_codes, num_classes], dtype=np.int64)
    known = np.asarray(classes) >= 0
    np.add.at(counts, (np.asarray(codes)[known], np.asarray(classes)[known]), 1)
    return counts


def average_entropy(counts: np.ndarray) -> tuple[float, float, float]:
    """Return ENT (section 4), the mean entropy of the rows and columns of a confusion matrix.

    A row or column without images has no distribution; it counts with the largest entropy that it could
    have, the logarithm of its length.

    Args:
        counts: number of images of each code and class, [K, C].

    Returns:
        The mean over all K + C entropies, the mean over the K rows and the mean over the C columns, in
        nats; lower is better.
    """
    rows = [_entropy(row) for row in counts]
    columns = [_entropy(column) for column in np.transpose(counts)]
    return float(np.mean(rows + columns)), float(np.mean(rows)), float(np.mean(columns))


def _entropy(counts: np.ndarray) -> float:
    total = np.sum(counts)
    if total == 0:
        return float(np.log(len(counts)))
    shares = counts[counts > 0] / total
    return float(-np.sum(shares * np.log(shares)))


def normalized_mutual_information(counts: np.ndarray) -> float:
    """Return the NMI of code and class, normalized by the arithmetic mean of their entropies, in [0, 1].

    Args:
        counts: number of images of each code and class, [K, C].
    """
    codes, classes = np.nonzero(counts)
    repeats = counts[codes, classes]
    return float(normalized_mutual_info_score(
        np.repeat(codes, repeats), np.repeat(classes, repeats), average_method=NMI_AVERAGING))


def adjusted_rand_index(labels: np.ndarray, other_labels: np.ndarray) -> float:
    """Return the adjusted Rand index of two labellings [N]: at most 1, and 0 by chance."""
    return float(adjusted_rand_score(labels, other_labels))


def match_codes(counts: np.ndarray) -> list[int | None]:
    """Match codes to classes one to one so that the most images agree (Hungarian algorithm).

    Args:
        counts: number of images of each code and class, [K, C].

    Returns:
        The class of each of the K codes; None for the codes that are left over when K > C.
    """
    codes, classes = linear_sum_assignment(counts, maximize=True)
    matched = dict(zip(codes.tolist(), classes.tolist()))
    return [matched.get(code) for code in range(len(counts))]


def clustering_accuracy(counts: np.ndarray) -> float:
    """Return the share of images whose code is matched to their class, in [0, 1]; see `match_codes`."""
    agreeing = sum(counts[code, label] for code, label in enumerate(match_codes(counts))
                   if label is not None)
    return float(agreeing / np.sum(counts))


def match_prior(prior: np.ndarray, code_to_class: Sequence[int | None],
                num_classes: int) -> tuple[np.ndarray, float]:
    """Return the prior over the matched classes, and the probability of the codes without a class.

    Args:
        prior: p [K].
        code_to_class: see `match_codes`.
        num_classes: C.

    Returns:
        float64 [C] and a number; together they sum to one.
    """
    by_class = np.zeros(num_classes)
    unmatched = 0.0
    for probability, label in zip(prior, code_to_class):
        if label is None:
            unmatched += float(probability)
        else:
            by_class[label] = probability
    return by_class, unmatched


def generated_fractions(prior: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the class distribution of images whose codes are drawn from a prior.

    Unlike `match_prior` it counts every image, also where two codes share a class or a code holds two.

    Args:
        prior: p [K].
        counts: number of generated images of each code and class, [K, C], at least one for each code.

    Returns:
        float64 [C], summing to one.
    """
    return np.asarray(prior) @ (counts / np.sum(counts, axis=1, keepdims=True))


def total_variation(fractions: np.ndarray, by_class: np.ndarray, unmatched: float = 0.0) -> float:
    """Return half the L1 distance of the true fractions [C] and another distribution, in [0, 1].

    Args:
        fractions: true share of each class, [C].
        by_class: the other distribution, [C].
        unmatched: its probability outside the classes.
    """
    return float(0.5 * (np.sum(np.abs(fractions - by_class)) + unmatched))


def kl_divergence(fractions: np.ndarray, by_class: np.ndarray) -> float | None:
    """Return KL(true || other) in nats; None where it is infinite: a class has images but no probability."""
    present = fractions > 0
    if np.any(by_class[present] <= 0):
        return None
    return float(np.sum(fractions[present] * np.log(fractions[present] / by_class[present])))

"""The paper's metrics as pure functions of counts and labels."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

NMI_AVERAGING = "arithmetic"


def confusion_counts(codes, classes, num_codes, num_classes):
    """How often each code goes with each class: int64 [K, C] from two int arrays [N]."""
    counts = np.zeros([num_codes, num_classes], dtype=np.int64)
    np.add.at(counts, (codes, classes), 1)
    return counts


def average_entropy(counts):
    """ENT (section 4): mean entropy of the rows (codes) and columns (classes) of a [K, C] table.

    A row or column without any image has no distribution; it counts with the worst value it could
    have, the logarithm of its length.

    Args:
        counts: numbers of 0 or more [K, C].

    Returns:
        The mean over all K + C entropies, the mean over the K rows and the mean over the C columns, in
        nats; lower is better.
    """
    rows = [_entropy(row) for row in counts]
    columns = [_entropy(column) for column in np.transpose(counts)]
    return float(np.mean(rows + columns)), float(np.mean(rows)), float(np.mean(columns))


def _entropy(counts):
    total = np.sum(counts)
    if total == 0:
        return float(np.log(len(counts)))
    shares = counts[counts > 0] / total
    return float(-np.sum(shares * np.log(shares)))


def nmi(labels, other_labels):
    """Normalized mutual information of two labellings [N], arithmetic mean of entropies, in [0, 1]."""
    return float(normalized_mutual_info_score(labels, other_labels, average_method=NMI_AVERAGING))


def nmi_of_counts(counts):
    """NMI of the two labellings that a [K, C] table counts."""
    codes, classes = np.nonzero(counts)
    repeats = counts[codes, classes]
    return nmi(np.repeat(codes, repeats), np.repeat(classes, repeats))


def ari(labels, other_labels):
    """Adjusted Rand index of two labellings [N], at most 1; 0 by chance."""
    return float(adjusted_rand_score(labels, other_labels))


def match_codes(counts):
    """Matches codes to classes one to one so that most images agree (Hungarian algorithm).

    Args:
        counts: [K, C].

    Returns:
        The class of every code as a list of K; None for codes left over when K > C.
    """
    codes, classes = linear_sum_assignment(counts, maximize=True)
    matched = dict(zip(codes.tolist(), classes.tolist()))
    return [matched.get(code) for code in range(len(counts))]


def clustering_accuracy(counts):
    """Share of images whose code is matched to their class, in [0, 1]."""
    agreeing = sum(counts[code, label] for code, label in enumerate(match_codes(counts))
                   if label is not None)
    return float(agreeing / np.sum(counts))


def match_prior(prior, code_to_class, num_classes):
    """The learned distribution over classes, and the mass of codes that no class was matched to.

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


def generated_fractions(prior, counts):
    """The class distribution of images whose codes are drawn from the learned prior.

    Unlike `match_prior` it does justice to a class that two codes share, or a code that holds two.

    Args:
        prior: p [K].
        counts: images of every code by class [K, C], at least one a code.

    Returns:
        float64 [C], summing to one.
    """
    return np.asarray(prior) @ (counts / np.sum(counts, axis=1, keepdims=True))


def total_variation(fractions, by_class, unmatched=0.0):
    """Half the L1 distance of the true fractions [C] and a learned distribution, in [0, 1]."""
    return float(0.5 * (np.sum(np.abs(fractions - by_class)) + unmatched))


def kl_divergence(fractions, by_class):
    """KL(true || learned) in nats; None where it is infinite: a present class without learned mass."""
    present = fractions > 0
    if np.any(by_class[present] <= 0):
        return None
    return float(np.sum(fractions[present] * np.log(fractions[present] / by_class[present])))


def expected_false_negatives(fractions):
    """Return E(F.N.), the expected share of negative pairs that are of one class (equation 5).

    Args:
        fractions: share of each class, float [C], summing to one.

    Returns:
        The sum of the squared shares, in [1 / C, 1].
    """
    return float(np.sum(np.square(fractions)))

"""Class-imbalanced subsets: exact counts for every class, drawn with a seed."""

import functools
import importlib.resources
import json

import numpy as np

from eig_tf.errors import UserError


@functools.cache
def mnist_counts():
    """Images per digit in the paper's 50 MNIST splits, int64 [50, 10] (supplement 5.1)."""
    text = importlib.resources.files("eig_tf.data").joinpath("mnist_splits.json").read_text("utf-8")
    return np.array(json.loads(text)["counts"], dtype=np.int64)


def check_split(split):
    """Raises a `UserError` when there is no such split."""
    if not 0 <= split < len(mnist_counts()):
        raise UserError(f"--split is {split}; expected 0 to {len(mnist_counts()) - 1}")


def split_counts(dataset, split, available):
    """Images per class in a split.

    `mnist` has the paper's counts. `digits` has the same proportions, scaled up until the first class
    is used whole.

    Args:
        dataset: `mnist` or `digits`.
        split: 0 to 49.
        available: images per class in the whole set [classes].

    Returns:
        int64 [classes].

    Raises:
        UserError: the split is out of range, or a class has fewer images than it asks for.
    """
    check_split(split)
    counts = mnist_counts()
    if dataset == "digits":
        return scaled_counts(counts[split], available)
    short = np.flatnonzero(counts[split] > available)
    if short.size:
        label = short[0]
        raise UserError(f"--split={split} takes {counts[split][label]} images of class {label}; the "
                        f"data holds {available[label]}")
    return counts[split]


def scaled_counts(proportions, available):
    """The largest counts in the given proportions: the first class to run out is used whole.

    Args:
        proportions: positive numbers [classes].
        available: images per class [classes].

    Returns:
        int64 [classes], at least 1 each.
    """
    proportions = np.asarray(proportions, dtype=np.float64)
    scale = np.min(available / proportions)
    return np.maximum(1, np.floor(proportions * scale + 1e-6)).astype(np.int64)


def draw(labels, counts, seed):
    """Draws `counts[k]` images of every class k without replacement.

    Args:
        labels: int [N].
        counts: int [classes].
        seed: a number of 0 or more; the same seed draws the same images.

    Returns:
        Sorted indices, int64 [sum(counts)].
    """
    generator = np.random.default_rng(seed)
    chosen = [generator.choice(np.flatnonzero(labels == label), count, replace=False)
              for label, count in enumerate(counts)]
    return np.sort(np.concatenate(chosen))


def expected_false_negatives(fractions):
    """E(F.N.) = sum p_i^2, the expected share of false negative pairs in a batch (equation 5)."""
    return float(np.sum(np.square(fractions)))

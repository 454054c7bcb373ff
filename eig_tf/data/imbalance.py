"""Class-imbalanced subsets, the same for every data set: exact counts of every class, drawn with a seed."""

import functools
import importlib.resources
import json

import numpy as np

from eig_tf.errors import UserError

PAPER, NONE = "paper", "none"


@functools.cache
def paper_splits():
    """What the paper prints of its splits (supplement 5), by data set; `digits` borrows MNIST's."""
    text = importlib.resources.files("eig_tf.data").joinpath("paper_splits.json").read_text("utf-8")
    splits = json.loads(text)
    return {**splits, "digits": splits["mnist"]}


def mnist_counts():
    """Images per digit in the paper's 50 MNIST splits, int64 [50, 10] (supplement 5.1)."""
    return np.array(paper_splits()["mnist"]["counts"], dtype=np.int64)


def completed_fractions(printed, seed):
    """The rule by which five printed fractions of ten became the ten of `paper_splits.json`.

    The paper prints only the first five of the ten fractions of each cars and chairs split. The other
    five share what those leave of 1 in proportion to draws from U(0.25, 1), to three decimals.

    Args:
        printed: the five fractions that the paper prints.
        seed: number of the split, plus 100 for chairs.

    Returns:
        Ten fractions that sum to 1; the first five are `printed`.
    """
    # RandomState's stream is frozen, which that of numpy's newer generators is not.
    weights = np.random.RandomState(seed).uniform(0.25, 1.0, 5)
    rest = 1.0 - sum(printed)
    others = np.round(rest * weights / weights.sum(), 3)
    others[-1] = rest - others[:-1].sum()
    return [*printed, *(round(float(share), 3) for share in others)]


def notes(config):
    """What must be said of a split that is not wholly the paper's, sentences."""
    if config.data.imbalance != PAPER:
        return ()
    entry = paper_splits()[config.dataset]
    if "categories" in entry and config.data.categories != ",".join(entry["categories"]):
        return (f"the paper's fractions are those of {','.join(entry['categories'])} in this order; here "
                f"they go to {config.data.categories}",)
    if "printed" not in entry:
        return ()
    return (f"the paper prints the first five of the ten fractions of --split={config.split}; the other five "
            "are this project's, see docs/datasets.md",)


def check_split(config):
    """Raises a `UserError` when the data set has no such split or no such imbalance."""
    splits = _splits_of(config)
    if config.data.imbalance == PAPER and splits is None:
        raise UserError(f"--imbalance is {PAPER}, but the paper has no splits of --dataset={config.dataset}; "
                        f"expected {NONE} or fractions")
    if config.data.imbalance not in (PAPER, NONE):
        parse_fractions(config.data.imbalance)
    num_splits = len(splits) if config.data.imbalance == PAPER else 1
    if not 0 <= config.split < num_splits:
        expected = f"0 to {num_splits - 1}" if num_splits > 1 else "0, the only one"
        raise UserError(f"--split is {config.split}; expected {expected}")


def split_counts(config, available):
    """How many of each class a training set takes.

    Args:
        config: see `eig_tf.config`; `data.imbalance` is `paper`, `none` or the user's fractions.
        available: what there is of each class [classes]: images, or objects where the views of one
            object stay together (`ImageSet.groups`). Empty for images without labels.

    Returns:
        int64 [classes]. The paper's MNIST splits are counts; fractions are scaled up until the first
        class is used whole.

    Raises:
        UserError: the split or the fractions do not fit the classes, or a class has too few.
    """
    check_split(config)
    available = np.asarray(available, np.int64)
    if config.data.imbalance == NONE:
        return available
    if not available.size:
        raise UserError(f"--imbalance is {config.data.imbalance}, but the images have no labels; expected "
                        f"{NONE}, or one sub-folder a class")
    if config.data.imbalance == PAPER:
        proportions = np.array(_splits_of(config)[config.split])
    else:
        proportions = parse_fractions(config.data.imbalance)
    if len(proportions) != len(available):
        raise UserError(f"--imbalance={config.data.imbalance} has {len(proportions)} fractions; the data "
                        f"has {len(available)} classes; expected one for each")
    if config.dataset == "mnist" and config.data.imbalance == PAPER:
        return _exact_counts(proportions, available, config.split)
    return scaled_counts(proportions, available)


def parse_fractions(text):
    """The user's fractions, `"0.5,0.3,0.2"`, as float64 [classes].

    Raises:
        UserError: they are no numbers above 0 that sum to 1, within 0.01.
    """
    try:
        fractions = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise UserError(f"--imbalance is {text!r}; expected {PAPER}, {NONE} or one fraction a class, such "
                        "as 0.5,0.3,0.2") from None
    if not (np.all(fractions > 0) and abs(fractions.sum() - 1) <= 0.01):  # Written so that NaN fails too.
        raise UserError(f"--imbalance is {text!r}, which sums to {fractions.sum():g}; expected fractions "
                        "above 0 that sum to 1")
    return fractions


def scaled_counts(proportions, available):
    """The largest counts in the given proportions: the first class to run out is used whole.

    Args:
        proportions: positive numbers [classes].
        available: images (or objects) per class [classes].

    Returns:
        int64 [classes], at least 1 each.
    """
    proportions = np.asarray(proportions, dtype=np.float64)
    scale = np.min(available / proportions)
    return np.maximum(1, np.floor(proportions * scale + 1e-6)).astype(np.int64)


def draw(image_set, counts, seed):
    """Draws `counts[k]` images, or groups of images, of every class k without replacement.

    Args:
        image_set: an `ImageSet` with labels; a group has one label.
        counts: int [classes].
        seed: a number of 0 or more; the same seed draws the same images.

    Returns:
        Sorted indices of images, int64.
    """
    generator = np.random.default_rng(seed)
    labels, members = _units(image_set)
    chosen = [generator.choice(np.flatnonzero(labels == label), count, replace=False)
              for label, count in enumerate(counts)]
    return np.flatnonzero(np.isin(members, np.concatenate(chosen)))


def available_units(image_set):
    """What can be drawn of each class, int64 [classes]: images, or groups where there are any."""
    if image_set.labels is None:
        return np.zeros(0, np.int64)
    labels, _ = _units(image_set)
    return np.bincount(labels, minlength=len(image_set.class_names))


def expected_false_negatives(fractions):
    """E(F.N.) = sum p_i^2, the expected share of false negative pairs in a batch (equation 5)."""
    return float(np.sum(np.square(fractions)))


def _units(image_set):
    """Label of each unit in order, and the position of each image's unit [N]."""
    if image_set.groups is None:
        return image_set.labels, np.arange(len(image_set.labels))
    _, first, members = np.unique(image_set.groups, return_index=True, return_inverse=True)
    return image_set.labels[first], members


def _splits_of(config):
    entry = paper_splits().get(config.dataset, {})
    return entry.get("counts") or entry.get("fractions")


def _exact_counts(counts, available, split):
    short = np.flatnonzero(counts > available)
    if short.size:
        label = short[0]
        raise UserError(f"--split={split} takes {counts[label]} images of class {label}; the data holds "
                        f"{available[label]}")
    return counts.astype(np.int64)

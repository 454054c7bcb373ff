"""Class-imbalanced subsets: exact counts of every class, drawn with a seed."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ml_collections import config_dict

from eig_tf.errors import UserError

if TYPE_CHECKING:
    from eig_tf.data.image_set import ImageSet

PAPER, NONE = "paper", "none"


@functools.cache
def paper_splits() -> dict[str, Any]:
    """Return the paper's splits (supplement 5), by data set; `digits` has those of MNIST."""
    text = importlib.resources.files("eig_tf.data").joinpath("paper_splits.json").read_text("utf-8")
    splits = json.loads(text)
    return {**splits, "digits": splits["mnist"]}


def split_notes(config: config_dict.ConfigDict) -> tuple[str, ...]:
    """Return what users must know of a split that is not entirely the paper's, as sentences."""
    if config.data.imbalance != PAPER:
        return ()
    entry = paper_splits()[config.dataset]
    if "categories" in entry and config.data.categories != ",".join(entry["categories"]):
        return (f"the paper's fractions are those of {','.join(entry['categories'])} in this order; here "
                f"they are used for {config.data.categories}",)
    if "printed" not in entry:
        return ()
    return (f"the paper prints the first five of the ten fractions of --split={config.split}; the other five "
            "are this project's, see docs/datasets.md",)


def check_split(config: config_dict.ConfigDict) -> None:
    """Check that the data set has the split and the imbalance of a config.

    Raises:
        UserError: it has not, or the user's fractions are not valid.
    """
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


def split_counts(config: config_dict.ConfigDict, available: np.ndarray | Sequence[int]) -> np.ndarray:
    """Return how many units of each class a training set takes.

    Args:
        config: its `data.imbalance` is `paper`, `none` or the user's fractions.
        available: number of units of each class [classes], see `available_units`; empty unless all images
            have a label.

    Returns:
        int64 [classes]. The paper's MNIST splits are exact counts; fractions are scaled up until the first
        class is used completely.

    Raises:
        UserError: the split or the fractions do not fit the classes, or a class has too few images.
    """
    check_split(config)
    available = np.asarray(available, np.int64)
    if config.data.imbalance == NONE:
        return available
    if not available.size:
        raise UserError(f"--imbalance is {config.data.imbalance}, but the images have no labels, "
                        f"or some have none; expected {NONE}, or a label for every image")
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


def parse_fractions(text: str) -> np.ndarray:
    """Parse the user's fractions, such as `"0.5,0.3,0.2"`, to float64 [classes].

    Raises:
        UserError: they are not numbers above 0 whose sum is 1, within 0.01.
    """
    try:
        fractions = np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise UserError(f"--imbalance is {text!r}; expected {PAPER}, {NONE} or one fraction for each class, "
                        "such as 0.5,0.3,0.2") from None
    if not (np.all(fractions > 0) and abs(fractions.sum() - 1) <= 0.01):  # Written so that NaN fails too.
        raise UserError(f"--imbalance is {text!r}, which sums to {fractions.sum():g}; expected fractions "
                        "above 0 that sum to 1")
    return fractions


def scaled_counts(
        proportions: np.ndarray | Sequence[float], available: np.ndarray | Sequence[int]) -> np.ndarray:
    """Return the largest counts with the given proportions: at least one class is used completely.

    Args:
        proportions: positive numbers [classes].
        available: units of each class [classes].

    Returns:
        int64 [classes], at least 1 each.
    """
    proportions = np.asarray(proportions, dtype=np.float64)
    scale = np.min(available / proportions)
    return np.maximum(1, np.floor(proportions * scale + 1e-6)).astype(np.int64)


def draw_subset(image_set: ImageSet, counts: np.ndarray | Sequence[int], seed: int) -> np.ndarray:
    """Draw `counts[k]` units of every class k without replacement.

    Args:
        image_set: a set with labels. All images of a group have the same label.
        counts: int [classes].
        seed: 0 or more; the same seed draws the same images.

    Returns:
        Sorted indices of images, int64.
    """
    generator = np.random.default_rng(seed)
    labels, members = _units(image_set)
    chosen = [generator.choice(np.flatnonzero(labels == label), count, replace=False)
              for label, count in enumerate(counts)]
    return np.flatnonzero(np.isin(members, np.concatenate(chosen)))


def available_units(image_set: ImageSet) -> np.ndarray:
    """Return the number of units of each class, int64 [classes]: groups, or images without groups.

    There are no classes unless all images have a label.
    """
    if image_set.num_unlabelled:
        return np.zeros(0, np.int64)
    labels, _ = _units(image_set)
    return np.bincount(labels, minlength=len(image_set.class_names))


def expected_false_negatives(fractions: np.ndarray | Sequence[float]) -> float:
    """Return E(F.N.) = sum p_i^2, the expected share of false negative pairs in a batch (equation 5)."""
    return float(np.sum(np.square(fractions)))


def _units(image_set: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """Return the label of each unit, and the index of the unit of each image [N]."""
    labels = np.asarray(image_set.labels)
    if image_set.groups is None:
        return labels, np.arange(len(labels))
    _, first, members = np.unique(image_set.groups, return_index=True, return_inverse=True)
    return labels[first], members


def _splits_of(config: config_dict.ConfigDict) -> Any:
    entry = paper_splits().get(config.dataset, {})
    return entry.get("counts") or entry.get("fractions")


def _exact_counts(counts: np.ndarray, available: np.ndarray, split: int) -> np.ndarray:
    short = np.flatnonzero(counts > available)
    if short.size:
        label = short[0]
        raise UserError(f"--split={split} takes {counts[label]} images of class {label}; the data holds "
                        f"{available[label]}")
    return counts.astype(np.int64)

"""Evidence of how many categories there are, without labels, and the number that it suggests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize

from eig_tf import files, progress
from eig_tf.categories.partitions import NEIGHBOURS, SpectralGraph, nearest_neighbours

# The threshold of Tibshirani and Walther (2005), section 3.
STABLE = 0.8
# The largest stable number may be one of several: those from this share of it on are compared.
_COMPARED_SHARE = 0.8
_SPLITS = 10
_VOTES = 5
# What is looked at without candidates: more are too many to tell apart with 4,000 images.
_MOST_CATEGORIES, _IMAGES_PER_CATEGORY = 40, 10


class NumberEvidence(NamedTuple):
    """What speaks for a number of categories.

    Attributes:
        number: M.
        strength: how well a partition of one half of the images predicts that of the other, in [0, 1]; see
            `prediction_strength`.
        agreement: mean adjusted Rand index of partitions of all images by different rules, in [-1, 1].
        eigengap: the M-th largest eigenvalue of D^-1/2 A D^-1/2 minus the next one, 0 or more.
    """

    number: int
    strength: float
    agreement: float
    eigengap: float


def default_candidates(num_codes: int, num_images: int) -> range:
    """Return the numbers of categories to compare where none are given, from 2 on.

    Args:
        num_codes: K; a category needs a code, better three.
        num_images: number of images.
    """
    largest = min(2 * num_codes // 3, num_images // _IMAGES_PER_CATEGORY, _MOST_CATEGORIES)
    return range(2, max(largest, 2) + 1)


def most_categories(num_images: int) -> int:
    """Return the largest number of categories whose evidence so many images can give; below 2 for none."""
    # In each half of the images, groups have two images on average, or more.
    return num_images // 4


def measure_numbers(features: np.ndarray, candidates: Sequence[int], seed: int = 0) -> list[NumberEvidence]:
    """Measure the evidence for several numbers of categories.

    Partitions are k-means of the spectral embedding (Ng, Jordan and Weiss 2001), and for the agreement also
    three times as many clusters merged by their links, both in graphs of 8, 12 and 18 neighbours.

    Args:
        features: float [N, F]; their directions count, not their lengths.
        candidates: values of M, from 2 to `most_categories(N)`.
        seed: of k-means and of the halves.

    Returns:
        One `NumberEvidence` for each candidate, in ascending order.
    """
    features, numbers = normalize(features), sorted(set(candidates))
    largest, middle = max(numbers), NEIGHBOURS[len(NEIGHBOURS) // 2]
    generator = np.random.default_rng(seed)
    found = []
    with progress.stage(f"compares {len(numbers)} numbers of categories of {len(features):,} images",
                        len(numbers), "number") as advance:
        neighbours = nearest_neighbours(features, max(NEIGHBOURS))
        graphs = [SpectralGraph(neighbours[:, :num], largest + 1) for num in NEIGHBOURS]
        pairs = []
        for _ in range(_SPLITS):
            halves = np.array_split(generator.permutation(len(features)), 2)
            pairs.append([
                (features[half], SpectralGraph(nearest_neighbours(features[half], middle), largest))
                for half in halves])
        values = graphs[NEIGHBOURS.index(middle)].values
        for number in numbers:
            partitions = [groups for graph in graphs for groups in (
                graph.k_means(number, number, seed),
                graph.merge_clusters(number, 3 * number, number, seed))]
            found.append(NumberEvidence(
                number, float(np.mean([_strength_of_halves(halves, number, seed) for halves in pairs])),
                mean_agreement(partitions), float(values[number - 1] - values[number])))
            advance()
    return found


def prediction_strength(groups: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of pairs of one group that a prediction puts together too, in [0, 1].

    It is the prediction strength of Tibshirani and Walther (2005), equation 2, with the mean over the groups,
    weighted by their sizes, in the place of the minimum: with rare categories, a single small group would
    decide. Groups of one member have no pairs and do not count; without any pair the strength is 0.

    Args:
        groups: int [n], a partition of images.
        predicted: int [n], 0 or more, what another partition, of other images, predicts for them.
    """
    joint = np.zeros([groups.max() + 1, predicted.max() + 1])
    np.add.at(joint, (groups, predicted), 1)
    sizes = joint.sum(axis=1)
    several = sizes > 1
    if not several.any():
        return 0.0
    joint, sizes = joint[several], sizes[several]
    shares = (joint * (joint - 1)).sum(axis=1) / (sizes * (sizes - 1))
    return float((shares * sizes).sum() / sizes.sum())


def mean_agreement(partitions: Sequence[np.ndarray]) -> float:
    """Return the mean adjusted Rand index of all pairs of two or more partitions, int [N] each."""
    return float(np.mean([adjusted_rand_score(one, other) for position, one in enumerate(partitions)
                          for other in partitions[:position]]))


def suggest_number(evidence: Sequence[NumberEvidence]) -> int:
    """Return the number of categories that the evidence suggests.

    Of the numbers whose strength is at least 0.8, let L be the largest; the suggestion is the one from 0.8 L
    to L with the largest agreement. Without any, it is the number with the largest strength.
    The eigengap has no part in it: on digits and MNIST, on which the rule was chosen, it made it worse.

    Args:
        evidence: of one number or more.
    """
    stable = [found for found in evidence if found.strength >= STABLE]
    if not stable:
        return max(evidence, key=lambda found: found.strength).number
    largest = max(found.number for found in stable)
    compared = [found for found in stable if found.number >= _COMPARED_SHARE * largest]
    return max(compared, key=lambda found: found.agreement).number


def format_numbers(evidence: Sequence[NumberEvidence]) -> str:
    """Return a table of the evidence and the suggestion, as text."""
    lines = ["categories  strength  agreement  eigengap"]
    lines += [f"{found.number:>10}  {found.strength:>8.2f}  {found.agreement:>9.2f}  {found.eigengap:>8.4f}"
              f"{'  stable' if found.strength >= STABLE else ''}" for found in evidence]
    if not any(found.strength >= STABLE for found in evidence):
        lines.append(f"no number has a strength of {STABLE}: the images may have no distinct kinds, or the "
                     "training was too short")
    elif evidence[-1].strength >= STABLE:
        lines.append("the largest number is stable too: there may be more categories, or images that are "
                     "nearly the same, such as frames of one video")
    return "\n".join([*lines, f"suggested   {suggest_number(evidence)}"])


def save_numbers(evidence: Sequence[NumberEvidence], path: str | os.PathLike) -> None:
    """Write the evidence and the suggestion as JSON, atomically."""
    files.write_json({"suggested": suggest_number(evidence),
                      "candidates": [found._asdict() for found in evidence]}, path)


def _strength_of_halves(halves, number, seed):
    """The mean strength of both directions: each half is predicted from the other by its neighbours there."""
    partitions = [graph.k_means(number, number, seed) for _, graph in halves]
    strengths = []
    for train, test in ((0, 1), (1, 0)):
        classifier = KNeighborsClassifier(min(_VOTES, len(partitions[train])), algorithm="brute")
        classifier.fit(halves[train][0], partitions[train])
        strengths.append(prediction_strength(partitions[test], classifier.predict(halves[test][0])))
    return np.mean(strengths)

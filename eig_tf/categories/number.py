"""Evidence of how many categories there are, without labels, and the number that it suggests."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from eig_tf import files, progress
from eig_tf.categories.partitions import (
    SpectralGraph,
    fall_apart,
    nearest_neighbours,
    neighbours_in_other_clumps,
    numbers_of_neighbours,
)

# The threshold of Tibshirani and Walther (2005), section 3.
STABLE = 0.8
_SPLITS = 4
_VOTES = 5
# Bounds of the default candidates. Larger numbers cannot be distinguished with 4,000 images; small ones are
# stable, but their groups hold several kinds each.
_MOST_CATEGORIES, _IMAGES_PER_CATEGORY = 40, 10


class NumberEvidence(NamedTuple):
    """The evidence for a number of categories.

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
    """Return the default numbers of categories to compare, from a quarter of the largest to the largest.

    Args:
        num_codes: K; a category needs one code, preferably three. The largest number is 2 K / 3, at most 40.
        num_images: number of images, at least ten for each category.
    """
    largest = max(2, min(2 * num_codes // 3, num_images // _IMAGES_PER_CATEGORY, _MOST_CATEGORIES))
    return range(max(2, largest // 4), largest + 1)


def most_categories(num_images: int) -> int:
    """Return the largest number of categories that `num_images` images can tell apart; below 2 for none."""
    # In each half of the images, groups have two images on average, or more.
    return num_images // 4


# See `candidate_partitions`.
@threadpool_limits.wrap(limits=1)
def measure_numbers(features: np.ndarray, candidates: Sequence[int], seed: int = 0) -> list[NumberEvidence]:
    """Measure the evidence for several numbers of categories.

    Partitions are k-means of the spectral embedding (Ng, Jordan and Weiss 2001), and for the agreement also
    three times as many clusters merged by their links, both in three graphs, see
    `numbers_of_neighbours`, `fall_apart` and `neighbours_in_other_clumps`.

    Args:
        features: float [N, F]; their directions count, not their lengths.
        candidates: values of M, from 2 to `most_categories(N)`.
        seed: of k-means and of the halves.

    Returns:
        One `NumberEvidence` for each candidate, in ascending order.
    """
    features, numbers = normalize(features), sorted(set(candidates))
    generator = np.random.default_rng(seed)
    found = []
    with progress.stage(f"compares {len(numbers)} numbers of categories of {len(features):,} images",
                        len(numbers), "number") as advance:
        whole = _Graphs(features, numbers, seed)
        pairs = [[_Graphs(features[half], numbers, seed)
                  for half in np.array_split(generator.permutation(len(features)), 2)]
                 for _ in range(_SPLITS)]
        for number in numbers:
            graphs = whole.all(number)
            partitions = [groups for graph in graphs for groups in (
                graph.k_means(number, number, seed),
                graph.merge_clusters(number, 3 * number, number, seed))]
            values = whole.middle(number).values
            found.append(NumberEvidence(
                number, float(np.mean([_strength_of_halves(halves, number, seed) for halves in pairs])),
                mean_agreement(partitions), float(values[number - 1] - values[number])))
            advance()
    return found


class _Graphs:
    """The graphs of images for each number of groups; numbers with the same neighbours share them."""

    def __init__(self, features, numbers, seed):
        self.features = features
        self._numbers = numbers
        self._seed = seed
        self._nearest = nearest_neighbours(features, self._most())
        self._made = {}

    def all(self, number):
        return [self._graph(number, count) for count in numbers_of_neighbours(len(self.features), number)]

    def middle(self, number):
        counts = numbers_of_neighbours(len(self.features), number)
        return self._graph(number, counts[len(counts) // 2])

    def _most(self):
        return max(numbers_of_neighbours(len(self.features), min(self._numbers)))

    @functools.cached_property
    def _in_other_clumps(self):
        # The clumps are those of one number, in the middle: to find them for each takes minutes.
        number = self._numbers[len(self._numbers) // 2]
        return neighbours_in_other_clumps(self.features, self._most(), number, self._seed)

    def _graph(self, number, count):
        apart = fall_apart(self._nearest, number)
        if (apart, count) not in self._made:
            neighbours = self._in_other_clumps if apart else self._nearest
            self._made[apart, count] = SpectralGraph(neighbours[:, :count], max(self._numbers) + 1)
        return self._made[apart, count]


def prediction_strength(groups: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of pairs of one group that a prediction puts together too, in [0, 1].

    It is the prediction strength of Tibshirani and Walther (2005), equation 2, with the mean over the groups,
    weighted by their sizes, instead of the minimum: with rare categories, a single small group would
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

    It is the one with the largest agreement; ties are broken by strength. Strength and eigengap are not used
    otherwise, since both favour a few groups of several kinds each.

    Args:
        evidence: of one number or more.
    """
    return max(evidence, key=lambda found: (round(found.agreement, 9), found.strength)).number


def format_numbers(evidence: Sequence[NumberEvidence]) -> str:
    """Return a table of the evidence and the suggestion, as text."""
    lines = ["categories  strength  agreement  eigengap"]
    lines += [f"{found.number:>10}  {found.strength:>8.2f}  {found.agreement:>9.2f}  {found.eigengap:>8.4f}"
              f"{'  stable' if found.strength >= STABLE else ''}" for found in evidence]
    if not any(found.strength >= STABLE for found in evidence):
        lines.append(f"no number has a strength of {STABLE}: the images may have no distinct kinds, or the "
                     "training was too short")
    elif suggest_number(evidence) == evidence[-1].number:
        lines.append("the suggestion is the largest number: there may be more categories, or images that are "
                     "nearly the same, such as frames of one video")
    return "\n".join([*lines, f"suggested   {suggest_number(evidence)}"])


def save_numbers(evidence: Sequence[NumberEvidence], path: str | os.PathLike) -> None:
    """Write the evidence and the suggestion as JSON, atomically."""
    files.write_json({"suggested": suggest_number(evidence),
                      "candidates": [found._asdict() for found in evidence]}, path)


def _strength_of_halves(halves, number, seed):
    """The mean strength of both directions: each half is predicted from the other by its neighbours there."""
    partitions = [half.middle(number).k_means(number, number, seed) for half in halves]
    strengths = []
    for train, test in ((0, 1), (1, 0)):
        classifier = KNeighborsClassifier(min(_VOTES, len(partitions[train])), algorithm="brute")
        classifier.fit(halves[train].features, partitions[train])
        strengths.append(prediction_strength(
            partitions[test], classifier.predict(halves[test].features)))
    return np.mean(strengths)

"""The grouping of codes by the categories of their generated and of their real images."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize

from eig_tf import progress
from eig_tf.categories.grouping import CodeGrouping
from eig_tf.categories.partitions import average_linkage, pixel_projection

# Power of a code's fit to its category in p(code | category); see docs/categories.md.
_FIT_POWER = 8
# Real images that each generated one is compared with.
_NEAREST_REAL = 5
# Distance that keeps the codes of one category together in the hierarchy: no other distance exceeds it.
_APART = 1.0


def resembled_shares(generated: np.ndarray, real: np.ndarray, categories: np.ndarray, num_categories: int,
                     seed: int) -> np.ndarray:
    """Return the share of each category among the real images that the images of a code resemble.

    A generated image resembles the five real ones with the largest cosine similarity of the pixels, in 50
    principal components of the real images. A generator that a categorizer guides may satisfy it with images
    that do not look like the category; pixels are independent of that guidance.

    Args:
        generated: uint8 [K, n, H, W, C].
        real: uint8 [N, H, W, C].
        categories: int64 [N], those of the real images, in [0, M).
        num_categories: M.
        seed: of the principal components.

    Returns:
        float64 [K, M]; rows sum to one. No share is 0: each category is counted once more than it was seen.
    """
    num_codes = len(generated)
    with progress.stage(f"compares the pixels of {len(real):,} real images with those of {num_codes} codes",
                        num_codes, "code") as advance:
        components = pixel_projection(real, seed)
        search = NearestNeighbors(n_neighbors=min(_NEAREST_REAL, len(real)), algorithm="brute")
        search.fit(normalize(components(real)))
        counts = np.ones([num_codes, num_categories])
        for code in range(num_codes):
            nearest = search.kneighbors(normalize(components(generated[code])), return_distance=False)
            counts[code] += np.bincount(categories[nearest].ravel(), minlength=num_categories)
            advance()
    return counts / counts.sum(axis=1, keepdims=True)


def group_codes(generated: np.ndarray, resembled: np.ndarray, real: np.ndarray, prior: np.ndarray,
                fractions: np.ndarray, epochs: int, consensus: float) -> CodeGrouping:
    """Group codes by the categories of their generated images and of the real images that Q gives them.

    Args:
        generated: share of each code's generated images in each category [K, M]; rows sum to one.
        resembled: see `resembled_shares`.
        real: number of real images of each code and category [K, M].
        prior: p [K].
        fractions: share of the real images in each category [M].
        epochs: see `CodeGrouping`.
        consensus: see `CodeGrouping`.
    """
    counts = real.sum(axis=1, keepdims=True)
    of_real = np.divide(real, counts, out=np.zeros_like(generated), where=counts > 0)
    # Codes without real images are assigned by their generated images alone.
    evidence = np.where(counts > 0, (generated + of_real) / 2, generated)
    code_to_category = assign_codes(evidence)
    own = np.arange(len(generated)), code_to_category
    agreement = generated[own]
    return CodeGrouping(
        code_to_category, agreement,
        distribute_codes(code_to_category, agreement * resembled[own], prior, len(fractions)),
        np.bincount(code_to_category, weights=prior, minlength=len(fractions)), fractions,
        code_hierarchy(evidence, code_to_category), epochs, consensus)


def assign_codes(evidence: np.ndarray) -> np.ndarray:
    """Return the category of each code, int64 [K], such that no category is without a code.

    Each code goes to its most probable category. A category without codes then takes the code that fits it
    best among those whose own category has others.

    Args:
        evidence: probabilities of the categories for each code [K, M], K at least M.
    """
    num_codes, num_categories = evidence.shape
    if num_codes < num_categories:
        raise ValueError(f"there are {num_codes} codes for {num_categories} categories; expected as many or "
                         "more")
    categories = evidence.argmax(axis=1)
    for category in range(num_categories):
        sizes = np.bincount(categories, minlength=num_categories)
        if not sizes[category]:
            free = sizes[categories] > 1
            categories[np.argmax(np.where(free, evidence[:, category], -1.0))] = category
    return categories


def distribute_codes(code_to_category: np.ndarray, fit: np.ndarray, prior: np.ndarray,
                     num_categories: int) -> np.ndarray:
    """Return p(code | category), float64 [M, K], in proportion to p(code) times a power of the fit.

    A code whose images are of several categories, or look like those of another, would degrade the images of
    its category, so codes with a better fit are preferred.

    Args:
        code_to_category: int64 [K].
        fit: how well the images of each code fit its category [K], in [0, 1]; only ratios between codes of
            the same category matter.
        prior: p [K].
        num_categories: M; every category has a code.
    """
    members = np.eye(num_categories)[code_to_category].T
    best = (members * fit).max(axis=1)[code_to_category]
    relative = np.divide(fit, best, out=np.ones_like(best), where=best > 0)
    weights = members * (prior * (relative ** _FIT_POWER + 1e-12))
    return weights / weights.sum(axis=1, keepdims=True)


def code_hierarchy(evidence: np.ndarray, code_to_category: np.ndarray) -> np.ndarray:
    """Return the average linkage of the codes, float64 [K - 1, 4] in SciPy's format.

    The distance of two codes is the probability that an image of the one and an image of the other are of
    different categories, plus one when the codes are: codes of one category are joined first.

    Args:
        evidence: probabilities of the categories for each code [K, M].
        code_to_category: int64 [K].
    """
    distances = 1 - evidence @ evidence.T
    return average_linkage(distances + _APART * (code_to_category[:, np.newaxis] != code_to_category))

"""Near-duplicates: images that differ by their compression or size, found by a perceptual hash."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, sparse

HASHED_SIDE = 32
_BITS = 64
# Largest mean difference of two thumbnails, of 255: a hash does not see whether flat images differ in colour.
_MAX_DIFFERENCE = 8.0


def perceptual_hash(grey: np.ndarray) -> int:
    """Return 64 bits that say which low frequencies of an image exceed their median.

    This is the `phash` of the package `imagehash`, which would add PyWavelets as a requirement.

    Args:
        grey: numbers [32, 32].

    Returns:
        A non-negative integer below 2^64.
    """
    low = fft.dctn(grey.astype(np.float32))[:8, :8]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def find_near_duplicates(hashes: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Group images whose hashes differ in at most two bits and whose thumbnails are alike.

    Two hashes differ in at most two bits if and only if a hash exists that differs from each in at most one.
    So all hashes with up to one changed bit are sorted, and equal ones are neighbours: the time is that of
    sorting 65 N integers, whatever the images.

    Args:
        hashes: uint64 [N], see `perceptual_hash`.
        thumbnails: uint8 [N, ...], small versions of the images.

    Returns:
        int64 [N], the number of the group of each image; an image without near-duplicates has its own.
    """
    num = len(hashes)
    flips = np.concatenate([[0], 1 << np.arange(_BITS, dtype=np.uint64)]).astype(np.uint64)
    flat = thumbnails.reshape(num, math.prod(thumbnails.shape[1:]))
    # Among images of one hash, those that are alike are neighbours in a random projection.
    direction = np.random.default_rng(0).normal(size=flat.shape[1]).astype(np.float32)
    rows = np.argsort(flat @ direction, kind="stable")
    changed = (hashes[rows, np.newaxis] ^ flips).ravel()
    order = np.argsort(changed, kind="stable")
    equal = np.flatnonzero(changed[order[1:]] == changed[order[:-1]])
    pairs = rows[np.stack([order[equal], order[equal + 1]], axis=1) // len(flips)]
    # One number for each pair, since sorting rows is slow.
    keys = np.unique(pairs.min(axis=1) * num + pairs.max(axis=1))
    pairs = np.stack([keys // max(1, num), keys % max(1, num)], axis=1)
    # In parts, since differences take more memory than thumbnails.
    parts = np.array_split(pairs, len(pairs) // 10_000 + 1)
    alike = np.concatenate([_are_alike(flat, part) for part in parts])
    first, second = pairs[alike].T
    graph = sparse.coo_matrix((np.ones(len(first), bool), (first, second)), shape=(num, num))
    return sparse.csgraph.connected_components(graph, directed=False)[1].astype(np.int64)


def _are_alike(flat: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    difference = flat[pairs[:, 0]].astype(np.int16) - flat[pairs[:, 1]]
    return np.abs(difference).mean(axis=1) <= _MAX_DIFFERENCE

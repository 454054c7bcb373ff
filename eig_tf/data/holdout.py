"""The 80/20 split of labelled images that evaluation uses (section 4, footnote 2)."""

from __future__ import annotations

import numpy as np

TEST_SHARE = 0.2


def per_class_split(
        labels: np.ndarray, seed: int, test_share: float = TEST_SHARE) -> tuple[np.ndarray, np.ndarray]:
    """Split every class in the same ratio.

    Args:
        labels: int [N].
        seed: 0 or more.
        test_share: share of every class that is held out, rounded to whole images. At least one image of
            each class is kept for training.

    Returns:
        Training indices and held-out indices, each sorted.
    """
    generator = np.random.default_rng(seed)
    train, test = [], []
    for label in np.unique(labels):
        shuffled = generator.permutation(np.flatnonzero(labels == label))
        held_out = min(int(round(len(shuffled) * test_share)), len(shuffled) - 1)
        test.append(shuffled[:held_out])
        train.append(shuffled[held_out:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))

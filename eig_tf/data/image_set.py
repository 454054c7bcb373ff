"""A set of images in memory."""

from typing import NamedTuple, Tuple

import numpy as np


class ImageSet(NamedTuple):
    """Images with the labels that evaluation, never training, uses.

    Attributes:
        images: uint8 [N, H, W, C] in [0, 255].
        labels: int64 [N], indices into `class_names`.
        class_names: the names of the C classes.
        source: where the images came from, for people.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: Tuple[str, ...]
    source: str

    def subset(self, indices):
        """The images at `indices`, in that order."""
        return self._replace(images=self.images[indices], labels=self.labels[indices])

    def class_counts(self):
        """Images of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.class_names))

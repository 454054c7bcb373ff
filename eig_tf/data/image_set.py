"""Sets of images, in memory or memory-mapped from a file."""

from __future__ import annotations

import copy
import math
import mmap
import os
from typing import Any, NamedTuple

import numpy as np

from eig_tf.data.imbalance import expected_false_negatives
from eig_tf.data.names import printable


class StoredImages:
    """Images in a file without a header, which are read when they are indexed.

    Supports what this package needs of an array: `len`, `shape`, indexing by slices and integers,
    iteration and `np.asarray`. Resident memory does not grow with what is read: pages are released after
    each read, and stay in the operating system's file cache as long as there is room.

    Args:
        path: the file; uint8 in C order.
        shape: (N, H, W, C) of the whole file.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, path: str | os.PathLike, shape: tuple[int, ...]):
        self.path = path
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), math.prod(shape), access=mmap.ACCESS_READ)
        self._images = np.frombuffer(self._map, np.uint8).reshape(shape)
        # Batches are random draws, so that reading ahead would fetch images that are not needed.
        self._map.madvise(mmap.MADV_RANDOM)
        # The positions in the file of the selected images, in order.
        self._rows = np.arange(shape[0])

    @property
    def shape(self) -> tuple[int, ...]:
        """(M, H, W, C) of the selected images."""
        return (len(self._rows), *self._images.shape[1:])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, indices: Any) -> np.ndarray:
        """Copy images out of the file: [H, W, C] for an integer, else [n, H, W, C]."""
        # Unlike indexing, `take` copies exactly once, and for an integer too.
        images = np.take(self._images, self._rows[indices], axis=0)
        self._map.madvise(mmap.MADV_DONTNEED)
        return images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def select(self, indices: Any) -> StoredImages:
        """Return the images at `indices`, in that order, without reading them."""
        selected = copy.copy(self)
        selected._rows = self._rows[indices]
        return selected


class ImageSet(NamedTuple):
    """Images with labels, which evaluation uses and training never does.

    Attributes:
        images: uint8 [N, H, W, C] in [0, 255].
        labels: int64 [N], indices into `class_names`, -1 for an image without a label; None when there are
            no labels.
        class_names: names of the classes; empty for images without labels.
        source: where the images come from, as text.
        groups: int64 [N], equal for images that an imbalanced subset keeps together, such as the renders
            of one object; None when every image stands for itself.
        names: str [N], the file of each image; None when there are no files.
        notes: sentences that users should read, for example on files that were left out.
    """

    images: np.ndarray | StoredImages
    labels: np.ndarray | None
    class_names: tuple[str, ...]
    source: str
    groups: np.ndarray | None = None
    names: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    def subset(self, indices: Any) -> ImageSet:
        """Return the images at `indices`, in that order; images in a file stay there."""
        images = (self.images.select(indices) if isinstance(self.images, StoredImages)
                  else self.images[indices])
        labels, groups, names = (
            None if array is None else array[indices] for array in (self.labels, self.groups, self.names))
        return self._replace(images=images, labels=labels, groups=groups, names=names)

    @property
    def num_unlabelled(self) -> int:
        """The number of images without a label."""
        return len(self.images) if self.labels is None else int(np.sum(np.asarray(self.labels) < 0))

    def labelled(self) -> ImageSet:
        """Return the images that have a label; the set itself when all of them or none do."""
        if self.labels is None or not self.num_unlabelled:
            return self
        return self.subset(np.flatnonzero(np.asarray(self.labels) >= 0))

    def class_counts(self) -> np.ndarray:
        """Return the number of images of each class, int64 [classes]."""
        labels = np.asarray(self.labels)
        return np.bincount(labels[labels >= 0], minlength=len(self.class_names))

    def class_fractions(self) -> np.ndarray | None:
        """Return the share of each class in the labelled images, float64 [classes]; None without labels."""
        if self.labels is None:
            return None
        counts = self.class_counts()
        return counts / counts.sum()


def summary_lines(image_set: ImageSet) -> list[str]:
    """Return size, source, class counts, expected false negatives and notes, as printable lines."""
    shape = " x ".join(map(str, image_set.image_shape))
    lines = [f"{len(image_set.images)} images of {shape} from {image_set.source}"]
    fractions = image_set.class_fractions()
    if fractions is None:
        lines.append("no labels: classes and their distribution are unknown")
    else:
        lines.append("images per class: " + ", ".join(
            f"{name}: {count}" for name, count in zip(image_set.class_names, image_set.class_counts())))
        if image_set.num_unlabelled:
            lines.append(f"without a label: {image_set.num_unlabelled}")
        lines.append("expected share of false negatives in a batch (sum p^2): "
                     f"{expected_false_negatives(fractions):.3f}")
    lines += [f"note: {note}" for note in image_set.notes]
    return [printable(line) for line in lines]

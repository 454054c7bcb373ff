"""uint8 images in a file, memory-mapped: what is read does not stay in memory."""

import copy
import mmap

import numpy as np


class StoredImages:
    """Images in a file without a header, read when they are indexed.

    Behaves like an array where this package reads images: `len`, `shape`, indexing by a slice or by
    integers, iteration, `np.asarray`. Resident memory does not grow with what was read: the pages are
    given back after each read, and the operating system's file cache keeps them as long as it has room.

    Args:
        path: the file; uint8, C order.
        shape: (N, H, W, C) of the whole file.
    """

    def __init__(self, path, shape):
        self.path = path
        mapped = np.memmap(path, np.uint8, "r", shape=tuple(shape))
        self._map = mapped._mmap
        self._images = np.asarray(mapped)
        # Batches are random draws: reading ahead would fetch images that nobody asked for.
        self._map.madvise(mmap.MADV_RANDOM)
        # Which of the N images are seen, and in which order.
        self._rows = np.arange(shape[0])

    @property
    def shape(self):
        """(M, H, W, C)."""
        return (len(self._rows), *self._images.shape[1:])

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, indices):
        """Copies images out of the file: [H, W, C] for an integer, else [n, H, W, C]."""
        # Unlike indexing, this copies once, and for an integer too.
        images = np.take(self._images, self._rows[indices], axis=0)
        self._map.madvise(mmap.MADV_DONTNEED)
        return images

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)

    def select(self, indices):
        """The images at `indices`, in that order, still in the file."""
        selected = copy.copy(self)
        selected._rows = self._rows[indices]
        return selected

"""A set of images: in memory, or in a file of which only what is asked for is read."""

from typing import NamedTuple, Optional, Tuple, Union

import numpy as np

from eig_tf.data.stored_images import StoredImages


class ImageSet(NamedTuple):
    """Images with the labels that evaluation, never training, uses.

    Attributes:
        images: uint8 [N, H, W, C] in [0, 255].
        labels: int64 [N], indices into `class_names`; None for images without labels.
        class_names: the names of the classes, none for images without labels.
        source: where the images came from, for people.
        groups: int64 [N], equal for the images that an imbalanced subset takes or leaves together (the
            views of one object); None when each image stands for itself.
        names: str [N], the file that each image came from; None where there are no files.
        notes: what people should know of the set, such as files left out; sentences.
    """

    images: Union[np.ndarray, StoredImages]
    labels: Optional[np.ndarray]
    class_names: Tuple[str, ...]
    source: str
    groups: Optional[np.ndarray] = None
    names: Optional[np.ndarray] = None
    notes: Tuple[str, ...] = ()

    @property
    def image_shape(self):
        """(H, W, C)."""
        return tuple(self.images.shape[1:])

    def subset(self, indices):
        """The images at `indices`, in that order; images in a file stay there."""
        stored = isinstance(self.images, StoredImages)
        images = self.images.select(indices) if stored else self.images[indices]
        labels, groups, names = (
            None if array is None else array[indices] for array in (self.labels, self.groups, self.names))
        return self._replace(images=images, labels=labels, groups=groups, names=names)

    def class_counts(self):
        """Images of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.class_names))

    def class_fractions(self):
        """Share of each class, float64 [classes]; None for images without labels."""
        return None if self.labels is None else self.class_counts() / len(self.labels)

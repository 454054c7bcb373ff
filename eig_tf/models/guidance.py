"""Categories of real images that a generator follows and its discriminator is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf.data.augment import positive_view
from eig_tf.random_streams import BatchPart


class CategoryGuidance:
    """A fixed categorizer and the categories of the codes; docs/categories.md, step 7.

    It is not a Keras object, so that a model that holds it neither trains nor saves the categorizer.

    Args:
        categorizer: see `networks.categorizer.build_categorizer`.
        code_to_category: int [K], the category of each code.
        delta: arguments of `augment.positive_view` that keep the identity of an image. Powers of the
            intensities are left out, since their gradient is infinite at black, and changes of saturation and
            hue, which have none in TensorFlow.
    """

    def __init__(self, categorizer: keras.Model, code_to_category: np.ndarray,
                 delta: Mapping[str, Any]) -> None:
        self._categorizer = categorizer
        self._code_to_category = tf.constant(code_to_category, tf.int32)
        self._delta = {**delta, "gamma_min": 1.0, "gamma_max": 1.0, "saturation": 0.0, "hue": 0.0}

    def categories_of_images(self, images: tf.Tensor) -> tf.Tensor:
        """Return the most probable category of each image [N, H, W, C], int32 [N]."""
        return tf.argmax(self._logits(images), axis=1, output_type=tf.int32)

    def categories_of_codes(self, code: tf.Tensor) -> tf.Tensor:
        """Return the category of each code [N, K] on the simplex by its largest entry, int32 [N]."""
        return tf.gather(self._code_to_category, tf.argmax(code, axis=1))

    def losses(self, categories: tf.Tensor, images: tf.Tensor, seed: tf.Tensor,
               part: BatchPart) -> tf.Tensor:
        """Return the cross-entropy between categories [N] and transformed images, float32 [N].

        Args:
            categories: int32 [N].
            images: [N, H, W, C] in [-1, 1], of any float type.
            seed: stateless seed of the transformation.
            part: the place of the images in the global batch.
        """
        views = positive_view(tf.cast(images, tf.float32), seed, part=part, **self._delta)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(categories, self._logits(views))

    def _logits(self, images):
        """The categorizer's logits, float32 [N, M]."""
        _, logits = self._categorizer(tf.cast(images, tf.float32), training=False)
        return tf.cast(logits, tf.float32)

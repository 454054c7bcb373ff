"""The served functions that look at images."""

import tensorflow as tf

from eig_tf.serving import checks, decoding
from eig_tf.serving.signatures import signature


class ServedRecognizer:
    """Q of an `InfoGAN`, as functions from named tensors to named tensors.

    Bad input raises `tf.errors.InvalidArgumentError` with one sentence.

    Args:
        model: an `InfoGAN`. K codes, images [H, W, channels].
        image_shape: (H, W, channels).
        resize: how encoded images are made square, `crop` or `pad`; see `data.pictures.fit`.
    """

    def __init__(self, model, image_shape, resize):
        self._model = model
        self._image_shape = image_shape
        self._resize = resize
        self._max_rows = checks.max_rows(image_shape)

    def signatures(self):
        """The functions as `tf.function`s with input signatures, by name.

        The batch size N is free, from 1 to `checks.max_rows`.
        """
        images = tf.TensorSpec([None, *self._image_shape], tf.float32, name="images")
        image_bytes = tf.TensorSpec([None], tf.string, name="image_bytes")
        return {
            "categorize": signature(self.categorize, images),
            "categorize_bytes": signature(self.categorize_bytes, image_bytes),
            "embed": signature(self.embed, images),
        }

    def categorize(self, images):
        """Tells which code images belong to.

        Args:
            images: float32 [N, H, W, channels] in [0, 1].

        Returns:
            `probabilities` of the codes, float32 [N, K]; their arg max `code`, int32 [N]; the probability
            of that, `confidence`, float32 [N].
        """
        return self._categorize(self._checked(images))

    def categorize_bytes(self, image_bytes):
        """As `categorize`, from encoded images: PNG or JPEG of any size, string [N]."""
        image_bytes = checks.batch("image_bytes", image_bytes, self._max_rows)
        return self._categorize(decoding.decode(image_bytes, self._image_shape, self._resize))

    def embed(self, images):
        """The penultimate layer of Q, which the contrastive loss compares (section 3.2).

        Args:
            images: float32 [N, H, W, channels] in [0, 1].

        Returns:
            `feature`, float32 [N, 128].
        """
        return {"feature": self._recognize(self._checked(images))[0]}

    def _categorize(self, images):
        probabilities = tf.nn.softmax(self._recognize(images)[1])
        return {"probabilities": probabilities,
                "code": tf.argmax(probabilities, axis=-1, output_type=tf.int32),
                "confidence": tf.reduce_max(probabilities, axis=-1)}

    def _recognize(self, images):
        """Feature and logits of images in [0, 1]; the networks' own range is [-1, 1]."""
        return self._model.encode(images * 2.0 - 1.0)[:2]

    def _checked(self, images):
        return checks.in_range("images", checks.batch("images", images, self._max_rows), 0, 1)

"""The functions that a model server offers of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from eig_tf.categories.discovery import Discovery
from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.serving import checks, decoding
from eig_tf.serving.signatures import as_signature

# The noise of training is drawn from N(0, 1); far outside, products overflow and images become NaN.
_MAX_NOISE = 100.0
# Random streams of a seed of a request; latents have the first.
_CODE_STREAM = 1


class ServedModel:
    """A model in inference mode as functions from named tensors to named tensors.

    K is the number of codes, M that of categories, Z the size of the noise and C the number of continuous
    codes. Images are float32 [N, H, W, channels] in [0, 1]. Every random draw is a function of a seed in the
    request, so that the same request always gets the same answer. Invalid input raises
    `tf.errors.InvalidArgumentError` with one sentence.

    Args:
        model: the restored model.
        resize: how encoded images are made square, `crop` or `pad`; see `data.pictures.fit`.
        class_names: K names of the classes that the codes match, empty where a code matches none.
        categories: the categories of the model's codes and their network, which add signatures and outputs;
            None for a model of codes alone.
        stretch_contrast: whether encoded images are stretched; see `data.pictures.stretch_contrast`.
    """

    def __init__(self, model: GenerativeModel, resize: str, class_names: Sequence[str],
                 categories: Discovery | None = None, stretch_contrast: bool = False) -> None:
        self._model = model
        self._resize = resize
        self._stretch_contrast = stretch_contrast
        self._class_names = list(class_names)
        self._categories = categories
        self._max_rows = checks.max_rows(model.image_shape)

    def variables(self) -> dict[str, Sequence[tf.Variable]]:
        """Return the variables that the functions read, by network; networks of training are left out."""
        parts = {**self._model.inference_networks(), "prior": self._model.prior}
        if self._categories is not None:
            parts["categorizer"] = self._categories.categorizer
        return {name: part.variables for name, part in parts.items()}

    def signatures(self) -> dict[str, Callable[..., Any]]:
        """Return all functions as `tf.function`s with input signatures by name.

        The batch size N is free, from 1 to `checks.max_rows`. Inputs of size 0 are left out.
        `generate_continuous` exists when the model has continuous codes, `generate_category` and
        `generate_category_png` when it has categories. `serving_default` is `generate`.
        """
        model = self._model
        code, seed = tf.TensorSpec([None], tf.int32, "code"), tf.TensorSpec([None], tf.int64, "seed")
        images = tf.TensorSpec([None, *model.image_shape], tf.float32, "images")
        vectors, noise, continuous = (
            tf.TensorSpec([None, size], tf.float32, name) for name, size in (
                ("code", model.num_codes), ("noise", model.noise_dim), ("continuous", model.num_continuous)))
        latents = [spec for spec in (vectors, noise, continuous) if spec.shape[1]]
        signatures = {
            "generate": as_signature(self.generate, code, seed),
            "generate_png": as_signature(self.generate_png, code, seed),
            "generate_from_code": as_signature(self.generate_from_code, *latents),
            "sample": as_signature(
                self.sample, tf.TensorSpec([], tf.int32, "count"), tf.TensorSpec([], tf.int64, "seed")),
            "sample_each": as_signature(self.sample_each, seed),
            "prior": as_signature(self.prior),
            "categorize": as_signature(self.categorize, images),
            "categorize_bytes": as_signature(
                self.categorize_bytes, tf.TensorSpec([None], tf.string, "image_bytes")),
            "embed": as_signature(self.embed, images),
        }
        if model.num_continuous:
            signatures["generate_continuous"] = as_signature(self.generate_continuous, code, seed, continuous)
        if self._categories is not None:
            category = tf.TensorSpec([None], tf.int32, "category")
            signatures["generate_category"] = as_signature(self.generate_category, category, seed)
            signatures["generate_category_png"] = as_signature(self.generate_category_png, category, seed)
        return {"serving_default": signatures["generate"], **signatures}

    def generate(self, code: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate an image of each code.

        An image depends on its own row alone, whatever the batch. Rows with the same seed share noise and
        continuous codes, so that they show what the code changes.

        Args:
            code: indices from 0 to K - 1, int32 [N].
            seed: seeds of the noise and the continuous codes, int64 [N].

        Returns:
            `images`.
        """
        return {"images": self._images(self._draw_latents(code, seed))}

    def generate_png(self, code: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate as `generate` does, and return `image_bytes`: PNG files, string [N].

        TensorFlow Serving's REST API encodes outputs whose names end in `_bytes` as base64.
        """
        return {"image_bytes": _encode_png(self.generate(code, seed)["images"])}

    def generate_continuous(self, code: tf.Tensor, seed: tf.Tensor,
                            continuous: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate as `generate` does, with given continuous codes, float32 [N, C] in [-1, 1]."""
        latents = self._draw_latents(code, seed)
        continuous = self._checked_continuous(continuous, latents.code)
        return {"images": self._images(latents._replace(continuous=continuous))}

    def generate_from_code(self, code: tf.Tensor, noise: tf.Tensor | None = None,
                           continuous: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Generate from the generator's own input, for example for interpolation.

        Args:
            code: vectors on the simplex, float32 [N, K].
            noise: float32 [N, Z] in [-100, 100], drawn from N(0, 1) in training; None when Z is 0.
            continuous: float32 [N, C] in [-1, 1]; None when C is 0.

        Returns:
            `images`.
        """
        code = checks.require_simplex("code", checks.require_rows("code", code, self._max_rows))
        nothing = code[:, :0]
        if noise is not None:
            noise = checks.require_same_rows("noise", noise, "code", code)
            noise = checks.require_range("noise", noise, -_MAX_NOISE, _MAX_NOISE)
        if continuous is not None:
            continuous = self._checked_continuous(continuous, code)
        return {"images": self._images(Latents(
            nothing if noise is None else noise, code, nothing if continuous is None else continuous))}

    def generate_category(self, category: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate an image of each category, with a code drawn from p(code | category).

        Args:
            category: indices from 0 to M - 1, int32 [N].
            seed: seeds of all draws, int64 [N].

        Returns:
            `images`, and their `code`, int32 [N]. A row depends on its category and seed alone, and its image
            is the one that `generate` returns for that code and seed.
        """
        grouping = self._categories.grouping
        category = checks.require_range("category", checks.require_rows("category", category, self._max_rows),
                                        0, grouping.num_categories - 1)
        seed = checks.require_same_rows("seed", seed, "category", category)
        # The logarithm of 0 keeps codes of other categories from being drawn.
        with np.errstate(divide="ignore"):
            log_probabilities = tf.constant(np.log(grouping.code_distribution), tf.float32)

        def draw(row):
            row_category, row_seed = row
            return tf.random.stateless_categorical(
                log_probabilities[row_category][tf.newaxis], 1, _stateless_seed(row_seed, _CODE_STREAM),
                tf.int32)[0, 0]
        code = _map_rows(draw, (category, seed), tf.TensorSpec([], tf.int32))
        return {**self.generate(code, seed), "code": code}

    def generate_category_png(self, category: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate as `generate_category` does, and return `image_bytes`, as `generate_png`, and `code`."""
        generated = self.generate_category(category, seed)
        return {"image_bytes": _encode_png(generated["images"]), "code": generated["code"]}

    def sample(self, count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate images whose codes are drawn from the prior.

        Args:
            count: N, from 1 to `checks.max_rows`, int32 [].
            seed: the seed of all draws, int64 [].

        Returns:
            `images`, and their `code`, int32 [N]; with categories, the `category` of each code, int32 [N].
        """
        model = self._model
        count = checks.require(count, (count >= 1) & (count <= self._max_rows),
                               f"count is {{}}; expected 1 to {self._max_rows}", lambda: count)
        code_seed, latents_seed = tf.unstack(tf.random.experimental.stateless_split(_stateless_seed(seed), 2))
        code = model.prior.sample_indices(count, code_seed)
        latents = model.sample_latents(count, latents_seed, tf.one_hot(code, model.num_codes))
        return {"images": self._images(latents), "code": code, **self._category_of(code)}

    def sample_each(self, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Generate one image for each seed, int64 [N], with a code drawn from the prior.

        Unlike `sample`, it takes no scalars, so that a server can batch requests.

        Returns:
            `images`, `code` and `category` as `sample` does. A row depends on its seed alone, and its image
            is the one that `generate` returns for that code and seed.
        """
        seed = checks.require_rows("seed", seed, self._max_rows)

        def draw(row):
            return self._model.prior.sample_indices(1, _stateless_seed(row, _CODE_STREAM))[0]
        code = _map_rows(draw, seed, tf.TensorSpec([], tf.int32))
        return {**self.generate(code, seed), "code": code, **self._category_of(code)}

    def prior(self) -> dict[str, tf.Tensor]:
        """Return the prior of the codes, `probabilities` float32 [K], and their `class_name`, string [K].

        With categories, it returns their prior `category_probabilities`, float32 [M], too. TensorFlow
        Serving's gRPC API accepts a request without inputs, its REST API does not.
        """
        probabilities = tf.identity(self._model.prior.probabilities)
        found = {"probabilities": probabilities, "class_name": tf.constant(self._class_names)}
        if self._categories is not None:
            grouping = self._categories.grouping
            found["category_probabilities"] = tf.math.unsorted_segment_sum(
                probabilities, tf.constant(grouping.code_to_category), grouping.num_categories)
        return found

    def categorize(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Find the codes and, where there are any, the categories of images.

        Returns:
            `probabilities` of the codes, float32 [N, K], their arg max `code`, int32 [N], and the
            probability of that code, `confidence`, float32 [N], by the encoder. With categories,
            `category_probabilities`, float32 [N, M], `category` and `category_confidence` likewise by the
            categorizer; a `category` need not be that of the `code`.
        """
        return self._categorize(self._checked_images(images))

    def categorize_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Categorize PNG or JPEG files of any size, string [N]; see `categorize`."""
        image_bytes = checks.require_rows("image_bytes", image_bytes, self._max_rows)
        return self._categorize(decoding.decode_images(
            image_bytes, self._model.image_shape, self._resize, self._stretch_contrast))

    def embed(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return `feature` of images, float32 [N, F]: the encoder's penultimate layer (section 3.2)."""
        return {"feature": self._model.encode(self._checked_images(images) * 2.0 - 1.0).features}

    def _draw_latents(self, code, seed):
        """Draw the latents of each row from its own seed; the code is given."""
        model = self._model
        code = checks.require_range(
            "code", checks.require_rows("code", code, self._max_rows), 0, model.num_codes - 1)
        seed = checks.require_same_rows("seed", seed, "code", code)
        vectors = tf.one_hot(code, model.num_codes)

        def draw(row):
            row_code, row_seed = row
            latents = model.sample_latents(1, _stateless_seed(row_seed), row_code[tf.newaxis])
            return latents.noise[0], latents.continuous[0]
        noise, continuous = _map_rows(draw, (vectors, seed), tuple(
            tf.TensorSpec([size], tf.float32) for size in (model.noise_dim, model.num_continuous)))
        return Latents(noise, vectors, continuous)

    def _checked_continuous(self, continuous, code):
        continuous = checks.require_same_rows("continuous", continuous, "code", code)
        return checks.require_range("continuous", continuous, -1, 1)

    def _checked_images(self, images):
        return checks.require_range("images", checks.require_rows("images", images, self._max_rows), 0, 1)

    def _images(self, latents):
        """Return images in [0, 1]; the model's own range is [-1, 1]."""
        return (self._model.generate(latents) + 1.0) / 2.0

    def _categorize(self, images):
        images = images * 2.0 - 1.0
        probabilities, code, confidence = _most_probable(self._model.encode(images).code_logits)
        found = {"probabilities": probabilities, "code": code, "confidence": confidence}
        if self._categories is not None:
            _, logits = self._categories.categorizer(images, training=False)
            probabilities, category, confidence = _most_probable(logits)
            found.update(category_probabilities=probabilities, category=category,
                         category_confidence=confidence)
        return found

    def _category_of(self, code):
        """Return the output `category` of drawn codes [N]; none without categories."""
        if self._categories is None:
            return {}
        code_to_category = tf.constant(self._categories.grouping.code_to_category, tf.int32)
        return {"category": tf.gather(code_to_category, code)}


def _most_probable(logits):
    """Return probabilities [N, M], their arg max, int32 [N], and their maximum [N]."""
    probabilities = tf.nn.softmax(logits)
    return (probabilities, tf.argmax(probabilities, axis=-1, output_type=tf.int32),
            tf.reduce_max(probabilities, axis=-1))


def _encode_png(images):
    """Return PNG files, string [N], of images in [0, 1]."""
    return tf.io.encode_png(tf.cast(tf.round(images * 255.0), tf.uint8))


def _map_rows(draw, rows, spec):
    """Draw for each row separately; one draw for all rows would depend on the batch."""
    # A CPU starts many small kernels faster than a GPU, and sequential rows faster than parallel ones.
    with tf.device("/cpu:0"):
        return tf.map_fn(draw, rows, parallel_iterations=1, fn_output_signature=spec)


def _stateless_seed(seed, stream=0):
    """Return a stateless seed, int64 [2]: a seed of a request and the number of a random stream."""
    return tf.stack([seed, tf.constant(stream, tf.int64)])

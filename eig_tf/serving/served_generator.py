"""The served functions that generate images."""

import tensorflow as tf

from eig_tf.models.base import Latents
from eig_tf.serving import checks
from eig_tf.serving.signatures import signature

# Noise is drawn from N(0, 1). Far beyond it products overflow, and images would be NaN.
LARGEST_NOISE = 100.0


class ServedGenerator:
    """G and the learned prior of an `InfoGAN`, as functions from named tensors to named tensors.

    Every random draw comes from a seed in the request: the same seed gives the same images. Bad input
    raises `tf.errors.InvalidArgumentError` with one sentence.

    Args:
        model: an `InfoGAN`. K codes, C continuous codes, Z of noise, images [H, W, channels].
        image_shape: (H, W, channels).
        class_names: K names of the classes that the codes match, empty for those without.
    """

    def __init__(self, model, image_shape, class_names):
        self._model = model
        self._max_rows = checks.max_rows(image_shape)
        self._num_codes = model.num_codes
        self._class_names = class_names
        self._noise_spec = tf.TensorSpec([model.noise_dim], tf.float32)

    def signatures(self):
        """The functions as `tf.function`s with input signatures, by name.

        The batch size N is free, from 1 to `checks.max_rows`. The input `continuous` is there when the
        model has continuous codes.
        """
        model = self._model
        code = tf.TensorSpec([None], tf.int32, name="code")
        code_vector = tf.TensorSpec([None, self._num_codes], tf.float32, name="code")
        noise = tf.TensorSpec([None, model.noise_dim], tf.float32, name="noise")
        seed = tf.TensorSpec([None], tf.int64, name="seed")
        continuous = []
        if model.num_continuous:
            continuous = [tf.TensorSpec([None, model.num_continuous], tf.float32, name="continuous")]
        count_and_seed = [tf.TensorSpec([], tf.int32, name="count"), tf.TensorSpec([], tf.int64, name="seed")]
        return {
            "generate": signature(self.generate, code, seed, *continuous),
            "generate_png": signature(self.generate_png, code, seed, *continuous),
            "generate_from_code": signature(self.generate_from_code, code_vector, noise, *continuous),
            "sample": signature(self.sample, *count_and_seed),
            "sample_each": signature(self.sample_each, seed),
            "prior": signature(self.prior),
        }

    def generate(self, code, seed, continuous=None):
        """Generates an image of each code.

        A row's image depends on that row alone, whatever batch it is in. Rows of one seed share their
        noise, so that they show what the code changes.

        Args:
            code: indices from 0 to K - 1, int32 [N].
            seed: of the noise of each row, int64 [N].
            continuous: in [-1, 1], float32 [N, C].

        Returns:
            `images`, float32 [N, H, W, channels] in [0, 1].
        """
        return {"images": self._generate_rows(code, seed, continuous)}

    def generate_png(self, code, seed, continuous=None):
        """As `generate`, to encoded images: `image_bytes`, PNG, string [N].

        TF Serving's REST interface encodes outputs whose name ends so as base64.
        """
        images = tf.cast(tf.round(self._generate_rows(code, seed, continuous) * 255.0), tf.uint8)
        return {"image_bytes": tf.io.encode_png(images)}

    def generate_from_code(self, code, noise, continuous=None):
        """Generates from the generator's own input, for interpolation.

        Args:
            code: vectors on the simplex, float32 [N, K], rows that sum to 1.
            noise: drawn from N(0, 1) in training, float32 [N, Z] in [-100, 100].
            continuous: in [-1, 1], float32 [N, C].

        Returns:
            `images`, float32 [N, H, W, channels] in [0, 1].
        """
        code = checks.on_simplex("code", checks.batch("code", code, self._max_rows))
        noise = checks.same_rows("noise", noise, "code", code)
        noise = checks.in_range("noise", noise, -LARGEST_NOISE, LARGEST_NOISE)
        return {"images": self._images(noise, code, self._checked_continuous(continuous, code))}

    def sample(self, count, seed):
        """Generates images whose codes are drawn from the learned prior.

        Continuous codes are drawn from U(-1, 1), as in training.

        Args:
            count: N, from 1 to `checks.max_rows`, int32 [].
            seed: of all draws, int64 [].

        Returns:
            `images`, float32 [N, H, W, channels] in [0, 1], and their `code`, int32 [N].
        """
        model = self._model
        count = checks.checked(count, (count >= 1) & (count <= self._max_rows),
                               f"count is {{}}; expected 1 to {self._max_rows}", lambda: count)
        code_seed, latents_seed = tf.unstack(
            tf.random.experimental.stateless_split(_stateless(seed), 2))
        code = model.prior.sample_indices(count, code_seed)
        latents = model.sample_latents(count, latents_seed, tf.one_hot(code, self._num_codes))
        return {"images": self._images(*latents), "code": code}

    def sample_each(self, seed):
        """As `sample`, a row a seed: for servers that assemble batches, which take no scalars.

        Args:
            seed: of all draws of a row, int64 [N].

        Returns:
            `images` and `code` as `sample`. A row's image depends on its seed alone; without continuous
            codes it is the one that `generate` gives for that code and seed.
        """
        seed = checks.batch("seed", seed, self._max_rows)
        size = self._model.num_continuous

        def draw(number):
            return (self._row_noise(number),
                    self._model.prior.sample_indices(1, _stateless(number, 1))[0],
                    tf.random.stateless_uniform([size], _stateless(number, 2), -1.0, 1.0))
        noise, code, continuous = _by_row(draw, seed, (
            self._noise_spec, tf.TensorSpec([], tf.int32), tf.TensorSpec([size], tf.float32)))
        return {"images": self._images(noise, tf.one_hot(code, self._num_codes), continuous), "code": code}

    def prior(self):
        """The learned distribution of the code, and what the codes show.

        TF Serving's gRPC interface takes a request without inputs; its REST interface does not.

        Returns:
            `probabilities`, float32 [K], and `class_name`, string [K].
        """
        return {"probabilities": tf.identity(self._model.prior.probabilities),
                "class_name": tf.constant(self._class_names)}

    def _generate_rows(self, code, seed, continuous):
        code = checks.in_range("code", checks.batch("code", code, self._max_rows), 0, self._num_codes - 1)
        seed = checks.same_rows("seed", seed, "code", code)
        vectors = tf.one_hot(code, self._num_codes)
        noise = _by_row(self._row_noise, seed, self._noise_spec)
        return self._images(noise, vectors, self._checked_continuous(continuous, code))

    def _checked_continuous(self, continuous, code):
        if continuous is None:
            return tf.zeros([tf.shape(code)[0], 0])
        continuous = checks.same_rows("continuous", continuous, "code", code)
        return checks.in_range("continuous", continuous, -1, 1)

    def _row_noise(self, seed):
        """Noise [Z] for one seed."""
        return tf.random.stateless_normal(self._noise_spec.shape, _stateless(seed))

    def _images(self, noise, code, continuous):
        """Images in [0, 1]; the networks' own range is [-1, 1]."""
        return (self._model.generate(Latents(noise, code, continuous)) + 1.0) / 2.0


def _by_row(draw, seeds, spec):
    """One draw a row: a single draw for all would depend on the batch."""
    # Many small kernels: a CPU starts them faster than a GPU, and one after the other faster than at once.
    with tf.device("/cpu:0"):
        return tf.map_fn(draw, seeds, parallel_iterations=1, fn_output_signature=spec)


def _stateless(seed, purpose=0):
    """A stateless seed, int64 [2], from one number and what it is for."""
    return tf.stack([seed, tf.constant(purpose, tf.int64)])

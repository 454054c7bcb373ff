"""What an exported model serves: functions from named tensors to named tensors."""

import tensorflow as tf

from eig_tf.models.inference import Latents
from eig_tf.serving import checks

# Bounds the memory that one request can claim.
MAX_COUNT = 1024


class ServedModel:
    """An `InfoGAN` in inference mode.

    Every random draw comes from a seed in the request: the same seed gives the same images. Bad input
    raises `tf.errors.InvalidArgumentError` with one sentence.

    Args:
        model: an `InfoGAN`. K codes, C continuous codes, images [H, W, channels].
    """

    def __init__(self, model):
        self._model = model
        self._num_codes = model.prior.num_codes
        latents = Latents(*(tf.zeros([1, size]) for size in (
            model.noise_dim, self._num_codes, model.num_continuous)))
        self._image_shape = model(latents).shape[1:]

    def variables(self):
        """The variables that the functions read, by network; D's head is not among them."""
        model, last = self._model, self._model.discriminators[-1]
        parts = {"generator": model.inference_generator, "trunk": last.trunk,
                 "recognition_head": last.recognition_head, "prior": model.prior}
        return {name: part.variables for name, part in parts.items()}

    def signatures(self):
        """The functions as `tf.function`s with input signatures, by name.

        `serving_default` is `generate`. The batch size N is free. The input `continuous` is there when
        the model has continuous codes.
        """
        batch_of_codes = tf.TensorSpec([None], tf.int32, name="code")
        batch_of_vectors = tf.TensorSpec([None, self._num_codes], tf.float32, name="code")
        seeds = [tf.TensorSpec([None], tf.int64, name="seed")]
        if self._model.num_continuous:
            seeds.append(
                tf.TensorSpec([None, self._model.num_continuous], tf.float32, name="continuous"))
        number_and_seed = [tf.TensorSpec([], tf.int32, name="count"),
                           tf.TensorSpec([], tf.int64, name="seed")]
        images = tf.TensorSpec([None, *self._image_shape], tf.float32, name="images")
        generate = tf.function(self.generate, input_signature=[batch_of_codes, *seeds])
        return {
            "serving_default": generate,
            "generate": generate,
            "generate_from_code": tf.function(
                self.generate_from_code, input_signature=[batch_of_vectors, *seeds]),
            "sample": tf.function(self.sample, input_signature=number_and_seed),
            "categorize": tf.function(self.categorize, input_signature=[images]),
            "prior": tf.function(self.prior, input_signature=[]),
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
        code = checks.in_range("code", code, 0, self._num_codes - 1)
        return self._generate_rows(tf.one_hot(code, self._num_codes), seed, continuous)

    def generate_from_code(self, code, seed, continuous=None):
        """As `generate`, from vectors on the simplex: float32 [N, K], rows that sum to 1."""
        return self._generate_rows(checks.on_simplex("code", code), seed, continuous)

    def sample(self, count, seed):
        """Generates images whose codes are drawn from the learned prior.

        Continuous codes are drawn from U(-1, 1), as in training.

        Args:
            count: N, from 1 to `MAX_COUNT`, int32 [].
            seed: of all draws, int64 [].

        Returns:
            `images`, float32 [N, H, W, channels] in [0, 1], and their `code`, int32 [N].
        """
        model = self._model
        count = checks.checked(count, (count >= 1) & (count <= MAX_COUNT),
                               f"count is {{}}; expected 1 to {MAX_COUNT}", count)
        code_seed, latents_seed = tf.unstack(
            tf.random.experimental.stateless_split(_stateless(seed), 2))
        code = model.prior.sample_indices(count, code_seed)
        latents = model.sample_latents(count, latents_seed, tf.one_hot(code, self._num_codes))
        return {"images": self._images(latents), "code": code}

    def categorize(self, images):
        """What Q makes of images.

        Args:
            images: float32 [N, H, W, channels] in [0, 1], N of 1 or more.

        Returns:
            `probabilities` of the codes, float32 [N, K]; their arg max `code`, int32 [N]; `feature`, the
            penultimate layer that the contrastive loss compares, float32 [N, 128].
        """
        # A convolution of no images fails on a CPU, with a message about its filters.
        images = checks.in_range("images", checks.not_empty("images", images), 0, 1)
        feature, logits, _ = self._model.recognize(images * 2.0 - 1.0)
        return {"probabilities": tf.nn.softmax(logits),
                "code": tf.argmax(logits, axis=-1, output_type=tf.int32),
                "feature": feature}

    def prior(self):
        """The learned distribution of the code: `probabilities`, float32 [K].

        TF Serving's gRPC interface takes a request without inputs; its REST interface does not.
        """
        return {"probabilities": self._model.prior.probabilities}

    def _generate_rows(self, code, seed, continuous):
        """Images of code vectors [N, K]; the noise of each row comes from its seed."""
        seed = checks.same_rows("seed", seed, "code", code)
        if continuous is None:
            continuous = tf.zeros([tf.shape(code)[0], 0])
        else:
            continuous = checks.in_range("continuous", continuous, -1, 1)
            continuous = checks.same_rows("continuous", continuous, "code", code)
        return {"images": self._images(Latents(self._row_noise(seed), code, continuous))}

    def _row_noise(self, seed):
        """Noise [N, Z] for seeds [N]. One draw a row: a single draw would depend on the batch."""
        size = self._model.noise_dim
        return tf.map_fn(lambda number: tf.random.stateless_normal([size], _stateless(number)),
                         seed, fn_output_signature=tf.TensorSpec([size], tf.float32))

    def _images(self, latents):
        """Images in [0, 1]; the networks' own range is [-1, 1]."""
        return (self._model(latents) + 1.0) / 2.0


def _stateless(seed):
    """A stateless seed, int64 [2], from one number."""
    return tf.stack([seed, tf.zeros_like(seed)])

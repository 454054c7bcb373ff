"""The interface of every model: all that evaluation, figures, serving and runs know of it."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow import keras

from eig_tf.models.prior import CodePrior
from eig_tf.random_streams import BatchPart, Stream, stream_seed


class Latents(NamedTuple):
    """What a generator takes.

    Attributes:
        noise: float32 [N, Z].
        code: float32 [N, K], on the simplex.
        continuous: float32 [N, C], in [-1, 1].
    """

    noise: tf.Tensor
    code: tf.Tensor
    continuous: tf.Tensor


class Encoding(NamedTuple):
    """The outputs of an inference network for images.

    Attributes:
        features: float32 [N, F], the penultimate layer.
        code_logits: float32 [N, K].
        continuous: float32 [N, C], estimates of the continuous codes.
    """

    features: tf.Tensor
    code_logits: tf.Tensor
    continuous: tf.Tensor


class GenerativeModel(keras.Model):
    """Images from latents and latents from images, whatever the method.

    A subclass holds the networks, implements `inference_networks`, `generate_with`, `encode_with`,
    `optimizers` and `train_step`, and passes its loss names here.

    Args:
        prior: the distribution of the categorical code.
        noise_dim: Z, 0 or more.
        num_continuous: C, the number of continuous codes, 0 or more.
        image_shape: (H, W, channels).
        loss_names: names of the losses that a training step reports.
        seed: root of all randomness of training.
        name: of the Keras model.
    """

    def __init__(self, prior: CodePrior, noise_dim: int, num_continuous: int,
                 image_shape: tuple[int, int, int], loss_names: tuple[str, ...], seed: int,
                 name: str) -> None:
        super().__init__(name=name)
        self.prior = prior
        self.noise_dim = noise_dim
        self.num_continuous = num_continuous
        self.image_shape = tuple(image_shape)
        self.loss_names = tuple(loss_names)
        self.seed = seed
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        # Not a dict, which Keras would save: an epoch resets the means, and checkpoints of models with other
        # losses can be restored.
        self._trackers = types.MappingProxyType({loss: keras.metrics.Mean(name=loss) for loss in loss_names})

    @property
    def num_codes(self) -> int:
        """K, the number of codes."""
        return self.prior.num_codes

    def inference_networks(self) -> dict[str, keras.layers.Layer]:
        """Return the networks that generate and encode outside training, by name."""
        raise NotImplementedError

    @staticmethod
    def generate_with(networks: Mapping[str, Any], latents: Latents) -> tf.Tensor:
        """Return the images [N, H, W, channels] in [-1, 1] that networks generate from latents.

        Args:
            networks: see `inference_networks`; or functions that stand in for them.
            latents: what to generate from.
        """
        raise NotImplementedError

    @staticmethod
    def encode_with(networks: Mapping[str, Any], images: tf.Tensor) -> Encoding:
        """Return the `Encoding` that networks make of images [N, H, W, channels] in [-1, 1].

        Args:
            networks: see `inference_networks`; or functions that stand in for them.
            images: what to encode.
        """
        raise NotImplementedError

    def optimizers(self) -> dict[str, tuple[keras.optimizers.Optimizer, list[tf.Variable]]]:
        """Return, by name, the optimizers of a compiled model with the variables that each one trains."""
        raise NotImplementedError

    def generate(self, latents: Latents) -> tf.Tensor:
        """Return images [N, H, W, channels] in [-1, 1], in inference mode."""
        return self.generate_with(self.inference_networks(), latents)

    def encode(self, images: tf.Tensor) -> Encoding:
        """Return the `Encoding` of images [N, H, W, channels] in [-1, 1], in inference mode."""
        return self.encode_with(self.inference_networks(), images)

    def call(self, latents: Latents, training: bool | None = None) -> tf.Tensor:
        """Call `generate`; Keras's `training` changes nothing."""
        return self.generate(latents)

    def sample_latents(self, num: int | tf.Tensor, seed: tf.Tensor, code: tf.Tensor | None = None) -> Latents:
        """Draw latents as in training.

        Args:
            num: N.
            seed: a stateless seed, integers [2].
            code: codes to use instead of draws from the prior, float32 [N, K].
        """
        noise_seed, code_seed, continuous_seed = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
        return Latents(
            noise=tf.random.stateless_normal([num, self.noise_dim], noise_seed),
            code=self.prior.sample(num, code_seed) if code is None else code,
            continuous=self.sample_continuous(num, continuous_seed))

    def sample_part(self, num: int | tf.Tensor) -> Latents:
        """Draw the latents of this training step's global batch; return those of this replica.

        Args:
            num: the number of images that this replica has.
        """
        part = self.batch_part()
        latents = self.sample_latents(num * part.parts, self.step_seed(Stream.LATENTS))
        return Latents(*(part.rows(values) for values in latents))

    def sample_continuous(self, num: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draw continuous codes, float32 [num, C] in [-1, 1]; uniform unless a subclass says otherwise."""
        return tf.random.stateless_uniform([num, self.num_continuous], seed, minval=-1.0, maxval=1.0)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Return the running means of the losses, which `fit` resets at every epoch."""
        return list(self._trackers.values())

    @property
    def loss_sums(self) -> dict[str, list[float]]:
        """Return the sum and the number of values of every loss in this epoch so far, by name."""
        return {name: [float(tf.convert_to_tensor(part)) for part in (tracker.total, tracker.count)]
                for name, tracker in self._trackers.items()}

    @loss_sums.setter
    def loss_sums(self, sums: dict[str, list[float]]) -> None:
        """Continue the losses of an epoch from such sums."""
        for name, (total, count) in sums.items():
            self._trackers[name].total.assign(total)
            self._trackers[name].count.assign(count)

    def finish_step(self) -> dict[str, tf.Tensor]:
        """Count a training step; return the running mean of every loss by name."""
        self.step.assign_add(1)
        return {name: tracker.result() for name, tracker in self._trackers.items()}

    def global_mean(self, name: str, per_example: tf.Tensor) -> tf.Tensor:
        """Log per-example losses [n] of this replica; return their share of the global batch's mean."""
        self._trackers[name].update_state(per_example)
        return tf.nn.compute_average_loss(per_example)

    def step_seed(self, stream: Stream, *numbers: int) -> tf.Tensor:
        """Return the stateless seed of a stream for this step, the same on all replicas."""
        return stream_seed(self.seed, stream, self.step, 0, *numbers)

    @staticmethod
    def batch_part() -> BatchPart:
        """Return the place of this replica's images in the global batch."""
        context = tf.distribute.get_replica_context()
        return BatchPart(context.replica_id_in_sync_group, context.num_replicas_in_sync)

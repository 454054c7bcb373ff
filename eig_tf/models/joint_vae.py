"""JointVAE, the paper's baseline (vii): a VAE with one discrete and several continuous variables.

Dupont, "Learning Disentangled Joint Continuous and Discrete Representations", NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.models import losses
from eig_tf.models.base import Encoding, GenerativeModel, Latents
from eig_tf.models.optimizers import adam, build_optimizer, loss_scale, unscaled, with_loss_scale
from eig_tf.models.prior import CodePrior
from eig_tf.models.settings import VariableSetting
from eig_tf.networks import build_networks
from eig_tf.networks.joint_vae import VaeNetworks
from eig_tf.random_streams import Stream

# Standard deviations of a continuous variable, N(0, 1), to which the ends of a continuous code correspond.
CODE_RANGE = 3.0


class JointVAE(GenerativeModel):
    """A variational autoencoder whose latent code is categorical and continuous.

    The continuous codes of the interface, in [-1, 1], are the continuous variables in units of three
    standard deviations of their prior N(0, I). There is no other noise. The weights, capacities and the
    temperature may be assigned during training.

    Args:
        networks: built networks.
        prior: the distribution of the discrete code, fixed.
        beta_continuous: weight of the KL term of the continuous variables (gamma with a capacity).
        beta_discrete: weight of the KL term of the discrete code.
        capacity_continuous: C_z, in nats, the target of the KL of the continuous variables, which grows
            linearly from 0. 0 for the fixed weight of the paper (supplement 4.4).
        capacity_discrete: C_c, in nats, at most ln K; the same for the discrete code.
        capacity_steps: steps until the capacities have their largest values.
        gumbel_temperature: temperature of the relaxed discrete code in training.
        seed: root of all randomness of training.

    Raises:
        ValueError: an option is out of range, or the prior is learned.
    """

    beta_continuous = VariableSetting(low=0)
    beta_discrete = VariableSetting(low=0)
    capacity_continuous = VariableSetting(low=0)
    capacity_discrete = VariableSetting(low=0)
    gumbel_temperature = VariableSetting(above=0)

    def __init__(self, networks: VaeNetworks, prior: CodePrior, beta_continuous: float = 30.0,
                 beta_discrete: float = 30.0, capacity_continuous: float = 0.0,
                 capacity_discrete: float = 0.0, capacity_steps: int = 25_000,
                 gumbel_temperature: float = 0.67, seed: int = 0, name: str = "joint_vae") -> None:
        super().__init__(prior, 0, networks.num_continuous, networks.image_shape,
                         ("loss", "reconstruction_loss", "continuous_kl", "discrete_kl"), seed, name)
        if prior.learned:
            raise ValueError("the prior is learned; expected a fixed one")
        if capacity_steps < 1:
            raise ValueError(f"capacity_steps is {capacity_steps}; expected 1 or more")
        self.beta_continuous, self.beta_discrete = beta_continuous, beta_discrete
        self.capacity_continuous, self.capacity_discrete = capacity_continuous, capacity_discrete
        self.capacity_steps = capacity_steps
        self.gumbel_temperature = gumbel_temperature
        self.encoder = networks.encoder
        self.decoder = networks.decoder

    def inference_networks(self) -> dict[str, keras.layers.Layer]:
        """Return the encoder and the decoder."""
        return {"encoder": self.encoder, "decoder": self.decoder}

    @staticmethod
    def generate_with(networks: Mapping[str, Any], latents: Latents) -> tf.Tensor:
        """Return the mean images of the decoder; see `GenerativeModel.generate_with`."""
        logits = networks["decoder"]((latents.code, CODE_RANGE * latents.continuous), training=False)
        return tf.sigmoid(logits) * 2.0 - 1.0

    @staticmethod
    def encode_with(networks: Mapping[str, Any], images: tf.Tensor) -> Encoding:
        """Return the means of the posterior; see `GenerativeModel.encode_with`."""
        features, means, _, code_logits = networks["encoder"]((images + 1.0) / 2.0, training=False)
        return Encoding(features, code_logits, means / CODE_RANGE)

    def sample_continuous(self, num: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draw continuous codes [num, D]: N(0, 1/9), clipped to [-1, 1]."""
        variables = tf.random.stateless_normal([num, self.num_continuous], seed)
        return tf.clip_by_value(variables / CODE_RANGE, -1.0, 1.0)

    def compile(self, optimizer: keras.optimizers.Optimizer | None = None, **kwargs: Any) -> None:
        """Set the optimizer; the original's Adam (5e-4) when None. Further arguments are Keras's own."""
        super().compile(optimizer=with_loss_scale(optimizer or adam(5e-4, 0.9)), **kwargs)
        for each, variables in self.optimizers().values():
            build_optimizer(each, variables)

    def optimizers(self) -> dict[str, tuple[keras.optimizers.Optimizer, list[tf.Variable]]]:
        """Return the one optimizer and its variables."""
        return {"networks": (self.optimizer,
                             self.encoder.trainable_variables + self.decoder.trainable_variables)}

    def train_step(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Train encoder and decoder on the evidence lower bound.

        Args:
            images: real images [N, H, W, C] in [-1, 1].

        Returns:
            The running mean of every loss, by name: `loss` divided by the number of pixels, as the original
            divides it; the other terms in nats for each image.
        """
        targets = (images + 1.0) / 2.0
        with tf.GradientTape() as tape:
            _, means, log_variances, code_logits = self.encoder(targets, training=True)
            logits = self.decoder(self._sample_posterior(means, log_variances, code_logits), training=True)
            reconstruction = self.global_mean("reconstruction_loss",
                                              losses.reconstruction_loss(targets, logits))
            continuous_kl = self.global_mean("continuous_kl", losses.gaussian_kl(means, log_variances))
            discrete_kl = self.global_mean("discrete_kl", losses.uniform_categorical_kl(code_logits))
            num_pixels = self.image_shape[0] * self.image_shape[1]
            loss = (reconstruction + self._kl_penalty(continuous_kl, discrete_kl)) / num_pixels
        self._trackers["loss"].update_state(loss * tf.distribute.get_strategy().num_replicas_in_sync)
        (optimizer, variables), = self.optimizers().values()
        gradients = tape.gradient(loss, variables, output_gradients=loss_scale(optimizer))
        optimizer.apply_gradients(zip(unscaled(optimizer, gradients), variables))
        return self.finish_step()

    def _sample_posterior(self, means, log_variances, code_logits):
        """A relaxed code [N, K] and continuous variables [N, D], drawn for the global batch."""
        part = self.batch_part()
        num = tf.shape(means)[0]
        noise_seed, code_seed = tf.unstack(tf.random.experimental.stateless_split(
            self.step_seed(Stream.POSTERIOR), 2))
        noise = tf.random.stateless_normal([num * part.parts, self.num_continuous], noise_seed)
        rows_of_others = [[part.number * num, (part.parts - 1 - part.number) * num], [0, 0]]
        code = tfp.distributions.RelaxedOneHotCategorical(
            self.gumbel_temperature, logits=tf.pad(code_logits, rows_of_others)).sample(seed=code_seed)
        return part.rows(code), means + tf.exp(0.5 * log_variances) * part.rows(noise)

    def _kl_penalty(self, continuous_kl, discrete_kl):
        """The weighted distances of the KL terms from their capacities, which are 0 for a fixed beta."""
        progress = tf.minimum(tf.cast(self.step, tf.float32) / self.capacity_steps, 1.0)
        capacity = progress * self.capacity_continuous
        discrete_capacity = progress * tf.minimum(
            self.capacity_discrete, tf.math.log(float(self.num_codes)))
        return (self.beta_continuous * _share_of_distance(continuous_kl, capacity)
                + self.beta_discrete * _share_of_distance(discrete_kl, discrete_capacity))


def _share_of_distance(share, target):
    """A replica's share of |total - target|, where the total is the sum of the replicas' shares."""
    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, share)
    return tf.stop_gradient(tf.sign(total - target)) * (share - target / context.num_replicas_in_sync)


def build_from_config(config: config_dict.ConfigDict, class_fractions: np.ndarray | None) -> JointVAE:
    """Build the model of a config, not compiled; see `registry.build_model`."""
    sizes = config.networks
    networks = build_networks(
        config_lib.network_family(config), image_shape=config_lib.image_shape(config),
        num_codes=sizes.num_codes, num_continuous=sizes.num_continuous, width=sizes.width)
    return JointVAE(networks, CodePrior(sizes.num_codes, learned=False), seed=config.seed, **config.vae)


def make_optimizers(config: config_dict.ConfigDict, make_optimizer: Callable) -> dict[str, Any]:
    """Return what `JointVAE.compile` takes, by name."""
    return {"optimizer": make_optimizer(config.optimizer.learning_rate, config.optimizer.beta_1)}

"""The distribution of the categorical code: learned (equation 2) or fixed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from tensorflow import keras

from eig_tf.models.settings import VariableSetting


class CodePrior(keras.layers.Layer):
    """p(c) over K codes, with p = softmax(logits).

    A learned prior samples relaxed codes (Gumbel-Softmax) whose gradients reach the logits; a fixed one
    samples one-hot codes.

    Args:
        num_codes: K.
        learned: whether the logits are trained. They start uniform unless there is an `initial_stddev`;
            skewed starts do not recover (supplement 4.4).
        probabilities: the K probabilities of a fixed prior; uniform when None.
        temperature: tau of the relaxation, above 0 (0.1 in the paper); it may be assigned later.
        initial_stddev: standard deviation of the normal draws that the logits of a learned prior start with.
        seed: seed of those draws.

    Raises:
        ValueError: a learned prior was given probabilities, or they are not K positive numbers that
            sum to one.
    """

    temperature = VariableSetting(above=0)

    def __init__(self, num_codes: int, learned: bool = True,
                 probabilities: np.ndarray | Sequence[float] | None = None, temperature: float = 0.1,
                 initial_stddev: float = 0.0, seed: int = 0, name: str = "prior") -> None:
        super().__init__(trainable=learned, name=name, dtype="float32")
        if probabilities is None:
            draws = np.random.default_rng(seed).standard_normal(num_codes)
            logits = initial_stddev * draws if learned else np.zeros(num_codes)
        elif learned:
            raise ValueError("probabilities are given for a learned prior; expected a fixed one with them")
        else:
            logits = np.log(self._checked(probabilities, num_codes))
        self.num_codes = num_codes
        self.learned = learned
        self.temperature = temperature
        self.logits = self.add_weight(
            name="logits", shape=[num_codes], trainable=learned,
            initializer=keras.initializers.Constant(logits))

    @staticmethod
    def _checked(probabilities, num_codes):
        values = np.asarray(probabilities, dtype=np.float64)
        if values.shape != (num_codes,) or not (values > 0).all() or abs(values.sum() - 1) > 1e-4:
            raise ValueError(f"probabilities are {values.tolist()}; expected {num_codes} positive "
                             "numbers that sum to one")
        return values

    @property
    def probabilities(self) -> tf.Tensor:
        """Return p, float32 [K], which sums to one."""
        return tf.nn.softmax(self.logits)

    def sample(self, num: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draw codes for training.

        Args:
            num: how many.
            seed: a stateless seed, int32 [2].

        Returns:
            [num, K] on the simplex: relaxed when the prior is learned (equation 2), else one-hot.
        """
        if self.learned:
            distribution = tfp.distributions.RelaxedOneHotCategorical(
                self.temperature, logits=tf.nn.log_softmax(self.logits))
        else:
            distribution = tfp.distributions.OneHotCategorical(logits=self.logits, dtype=tf.float32)
        return distribution.sample(num, seed=seed)

    def sample_indices(self, num: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draw codes for generation: int32 [num] from a stateless seed, integers [2]."""
        log_probabilities = tf.nn.log_softmax(self.logits)[tf.newaxis]
        return tf.random.stateless_categorical(log_probabilities, num, seed, dtype=tf.int32)[0]

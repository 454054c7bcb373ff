"""The optimizer of the paper, the loss scale of float16, and how an optimizer's state is created."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
from tensorflow import keras


def adam(learning_rate: float = 2e-4, beta_1: float = 0.5) -> keras.optimizers.Optimizer:
    """Return the paper's Adam.

    It is Keras's legacy class: its update is one fused kernel, which on a CPU halves the memory traffic of
    the optimizer and with it a large part of the step.
    """
    return keras.optimizers.legacy.Adam(learning_rate, beta_1=beta_1, epsilon=1e-8)


def with_loss_scale(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return an optimizer as it trains under Keras's policy: with a dynamic loss scale for float16.

    A step whose gradients are not all finite is then skipped and halves the scale; 2,000 finite ones in a
    row double it.
    """
    scaling = keras.mixed_precision.LossScaleOptimizer
    if keras.mixed_precision.global_policy().name != "mixed_float16" or isinstance(optimizer, scaling):
        return optimizer
    optimizer = scaling(optimizer)
    # Keras would warn of a scale that it does not see in use: the prior's gradients have that of G's loss.
    optimizer.get_unscaled_gradients([optimizer.get_scaled_loss(tf.ones([]))])
    return optimizer


def loss_scale(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | None:
    """Return the loss scale of an optimizer; None without one."""
    return getattr(optimizer, "loss_scale", None)


def unscaled(optimizer: keras.optimizers.Optimizer,
             gradients: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """Return the gradients of a scaled loss divided by an optimizer's `loss_scale`."""
    if loss_scale(optimizer) is None:
        return list(gradients)
    return optimizer.get_unscaled_gradients(gradients)


def build_optimizer(optimizer: keras.optimizers.Optimizer, variables: list[tf.Variable]) -> None:
    """Create an optimizer's state for its variables; only Keras's newer classes have a public way."""
    if isinstance(optimizer, keras.optimizers.legacy.Optimizer):
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)

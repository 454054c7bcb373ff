"""The optimizer of the paper, and how an optimizer's state is created before its first step."""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras


def adam(learning_rate: float = 2e-4, beta_1: float = 0.5) -> keras.optimizers.Optimizer:
    """Return the paper's Adam.

    It is Keras's legacy class: its update is one fused kernel, which on a CPU halves the memory traffic of
    the optimizer and with it a large part of the step.
    """
    return keras.optimizers.legacy.Adam(learning_rate, beta_1=beta_1, epsilon=1e-8)


def build_optimizer(optimizer: keras.optimizers.Optimizer, variables: list[tf.Variable]) -> None:
    """Create an optimizer's state for its variables; only Keras's newer classes have a public way."""
    if isinstance(optimizer, keras.optimizers.legacy.Optimizer):
        optimizer._create_all_weights(variables)
    else:
        optimizer.build(variables)

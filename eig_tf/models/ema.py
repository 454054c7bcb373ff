"""The exponential moving average (EMA) of a network's weights."""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras


def update_ema(ema_network: keras.Model, network: keras.Model, decay: float | tf.Tensor) -> None:
    """Move the EMA of a network's weights towards its weights; call it on every replica after an update.

    Statistics of batch normalization are moving averages already and are copied.

    Args:
        ema_network: the network that holds the EMA.
        network: one of the same architecture.
        decay: share of the EMA that stays, in [0, 1).
    """
    def move(value, current):
        value.assign_sub((1.0 - decay) * (value - current))

    def copy(value, current):
        value.assign(current)

    def update_all(strategy):
        for rule, values, currents in (
                (move, ema_network.trainable_variables, network.trainable_variables),
                (copy, ema_network.non_trainable_variables, network.non_trainable_variables)):
            for value, current in zip(values, currents):
                strategy.extended.update(value, rule, args=(current,))
    tf.distribute.get_replica_context().merge_call(update_all)

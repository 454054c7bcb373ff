"""A running average of a network's weights."""

import tensorflow as tf


def update(average, network, decay):
    """Moves averaged weights towards a network's; to be called on every replica, after its update.

    Statistics of batch normalization are running averages already, and are copied.

    Args:
        average: the network that holds the average.
        network: one of the same shape.
        decay: share of the average that stays, in [0, 1).
    """
    def move(value, current):
        value.assign_sub((1.0 - decay) * (value - current))

    def copy(value, current):
        value.assign(current)

    def update_all(strategy):
        for rule, values, currents in (
                (move, average.trainable_variables, network.trainable_variables),
                (copy, average.non_trainable_variables, network.non_trainable_variables)):
            for value, current in zip(values, currents):
                strategy.extended.update(value, rule, args=(current,))
    tf.distribute.get_replica_context().merge_call(update_all)

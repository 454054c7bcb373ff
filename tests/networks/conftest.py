"""What tests of networks share."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras


@pytest.fixture
def bfloat16():
    """Keras's policy is mixed_bfloat16 for one test."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy(before)


@pytest.fixture(scope="session")
def count():
    """Counts a network's trainable weights, which is what published counts count."""
    return lambda network: sum(int(tf.size(variable)) for variable in network.trainable_variables)


@pytest.fixture(scope="session")
def check_groups():
    """Checks that one call of a trunk over two groups does what two calls of its twin do."""
    def check(trunk, twin, first, second):
        trunk(first), twin(first)
        twin.set_weights(trunk.get_weights())
        together = trunk(tf.concat([first, second], axis=0), training=True, groups=2)
        apart = tf.concat([twin(first, training=True), twin(second, training=True)], axis=0)
        np.testing.assert_allclose(together, apart, atol=1e-3)
        for found, expected in zip(trunk.get_weights(), twin.get_weights()):
            np.testing.assert_allclose(found, expected, atol=1e-5)
    return check

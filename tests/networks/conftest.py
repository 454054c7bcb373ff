"""What tests of networks share."""

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

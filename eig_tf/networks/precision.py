"""Keras's precision policy for a while."""

import contextlib

from tensorflow import keras


@contextlib.contextmanager
def policy(name):
    """Sets Keras's global policy for the duration of a block; layers keep the one they were made under."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)

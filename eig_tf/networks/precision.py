"""Keras's precision policy for the duration of a block."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tensorflow import keras


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Set Keras's global policy for a block; layers keep the policy under which they were made."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)

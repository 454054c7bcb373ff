"""Checks of served inputs as part of the graph, so that every server refuses what the model cannot take."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Callable

import tensorflow as tf

# Limits on the rows of a request and, for larger images, on its pixels; they bound the memory it needs.
_MAX_ROWS, _MAX_PIXELS = 1024, 2**20


def max_rows(image_shape: Sequence[int]) -> int:
    """Return the largest number of rows of a request for images (H, W, channels): 1024 for 28x28."""
    return max(1, min(_MAX_ROWS, _MAX_PIXELS // (image_shape[0] * image_shape[1])))


def require(tensor: tf.Tensor, condition: tf.Tensor, message: str,
            *values: Callable[[], tf.Tensor]) -> tf.Tensor:
    """Return a tensor that can only be read when a condition holds.

    Args:
        tensor: the tensor to guard.
        condition: bool, of any shape; every element must be true.
        message: one sentence with a `{}` for each of `values`.
        *values: functions that return the tensors shown in the message; they run only on failure.

    Returns:
        `tensor`. When the condition fails, reading it raises `tf.errors.InvalidArgumentError` with the
        message.
    """
    def refuse():
        sentence = tf.strings.format(message, [value() for value in values])
        with tf.control_dependencies([tf.debugging.Assert(False, [sentence])]):
            return tf.constant(False)

    with tf.control_dependencies([tf.cond(tf.reduce_all(condition), lambda: tf.constant(True), refuse)]):
        return tf.identity(tensor)


def require_range(name: str, tensor: tf.Tensor, smallest: float, largest: float) -> tf.Tensor:
    """Return `tensor`, guarded by the check that all values are in [smallest, largest]; NaN is not."""
    return require(
        tensor, (tensor >= smallest) & (tensor <= largest),
        f"{name} ranges from {{}} to {{}}; expected numbers from {smallest} to {largest}",
        lambda: tf.reduce_min(tensor), lambda: tf.reduce_max(tensor))


def require_simplex(name: str, tensor: tf.Tensor) -> tf.Tensor:
    """Return `tensor` [N, K], guarded by the check that every row holds probabilities that sum to 1."""
    smallest = functools.partial(tf.reduce_min, tensor)
    tensor = require(tensor, tensor >= 0, f"{name} goes down to {{}}; expected 0 or more", smallest)
    sums = tf.reduce_sum(tensor, axis=-1)
    # The tolerance admits probabilities that a client rounded to four digits.
    return require(
        tensor, tf.abs(sums - 1.0) <= 1e-3,
        f"{name} has rows whose sums range from {{}} to {{}}; expected 1",
        lambda: tf.reduce_min(sums), lambda: tf.reduce_max(sums))


def require_same_rows(name: str, tensor: tf.Tensor, other_name: str, other: tf.Tensor) -> tf.Tensor:
    """Return `tensor` [N, ...], guarded by the check that `other` has N rows too."""
    rows, others = tf.shape(tensor)[0], tf.shape(other)[0]
    return require(tensor, rows == others,
                   f"{name} has {{}} rows and {other_name} has {{}}; expected as many of both",
                   lambda: rows, lambda: others)


def require_rows(name: str, tensor: tf.Tensor, largest: int) -> tf.Tensor:
    """Return `tensor` [N, ...], guarded by the check that N is from 1 to `largest`."""
    rows = tf.shape(tensor)[0]
    return require(tensor, (rows >= 1) & (rows <= largest),
                   f"{name} has {{}} rows; expected 1 to {largest}", lambda: rows)


def require_shape(name: str, tensor: tf.Tensor, expected: tf.TensorShape) -> tf.Tensor:
    """Return `tensor`, guarded by the check of its shape; only the first size of `expected` may be None.

    Servers do not check shapes, and a convolution accepts images of any size.
    """
    shape = tf.shape(_without_static_shape(tensor))
    sizes = " ".join("N" if size is None else str(size) for size in expected)
    fits = tf.size(shape) == expected.rank
    if expected.rank:
        fits &= tf.reduce_all(shape[1:] == expected[1:].as_list())
    tensor = require(tensor, fits, f"{name} has shape {{}}; expected [{sizes}]", lambda: shape)
    # A second time, because TensorFlow infers shapes backwards too: from ops that need an input of some rank.
    tensor = _without_static_shape(tensor)
    tensor.set_shape(expected)
    return tensor


def _without_static_shape(tensor):
    """Return `tensor` without the shape of its signature, by which checks would be folded to "true"."""
    optional = tf.raw_ops.OptionalFromValue(components=[tensor])
    (hidden,) = tf.raw_ops.OptionalGetValue(
        optional=optional, output_types=[tensor.dtype], output_shapes=[tf.TensorShape(None)])
    return hidden

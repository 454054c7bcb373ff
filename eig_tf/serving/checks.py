"""Checks of served input: they are part of the graph, so a server refuses what the model cannot take."""

import functools

import tensorflow as tf

# A request's rows, and, for images that are larger, its pixels: they bound the memory that it claims.
_MAX_ROWS, _MAX_PIXELS = 1024, 2**20


def max_rows(image_shape):
    """How many rows a request may have, for images (H, W, channels): 1024 at 28x28, 256 at 64x64."""
    return max(1, min(_MAX_ROWS, _MAX_PIXELS // (image_shape[0] * image_shape[1])))


def checked(tensor, condition, message, *values):
    """Passes a tensor on when a condition holds.

    Args:
        tensor: what must not be read before the check.
        condition: bool, of any shape; every element must be true.
        message: one sentence with a `{}` for each of `values`.
        *values: functions that make the tensors which the sentence shows; a good request does not wait for
            them.

    Returns:
        `tensor`. When the condition fails, reading it raises `tf.errors.InvalidArgumentError` with the
        sentence.
    """
    def refuse():
        sentence = tf.strings.format(message, [value() for value in values])
        with tf.control_dependencies([tf.debugging.Assert(False, [sentence])]):
            return tf.constant(False)

    with tf.control_dependencies([tf.cond(tf.reduce_all(condition), lambda: tf.constant(True), refuse)]):
        return tf.identity(tensor)


def in_range(name, tensor, smallest, largest):
    """Passes `tensor` on when all its values are in [smallest, largest]; NaN is not."""
    return checked(
        tensor, (tensor >= smallest) & (tensor <= largest),
        f"{name} ranges from {{}} to {{}}; expected numbers from {smallest} to {largest}",
        lambda: tf.reduce_min(tensor), lambda: tf.reduce_max(tensor))


def on_simplex(name, tensor):
    """Passes `tensor` [N, K] on when every row holds probabilities: none below 0, their sum 1."""
    smallest = functools.partial(tf.reduce_min, tensor)
    tensor = checked(tensor, tensor >= 0, f"{name} goes down to {{}}; expected 0 or more", smallest)
    sums = tf.reduce_sum(tensor, axis=-1)
    # The tolerance is that of probabilities which a client rounded to four digits.
    return checked(
        tensor, tf.abs(sums - 1.0) <= 1e-3,
        f"{name} has rows whose sums range from {{}} to {{}}; expected 1",
        lambda: tf.reduce_min(sums), lambda: tf.reduce_max(sums))


def same_rows(name, tensor, other_name, other):
    """Passes `tensor` [N, ...] on when `other` has N rows too."""
    rows, others = tf.shape(tensor)[0], tf.shape(other)[0]
    return checked(tensor, rows == others,
                   f"{name} has {{}} rows and {other_name} has {{}}; expected as many of both",
                   lambda: rows, lambda: others)


def batch(name, tensor, largest):
    """Passes `tensor` [N, ...] on when N is from 1 to `largest`."""
    rows = tf.shape(tensor)[0]
    return checked(tensor, (rows >= 1) & (rows <= largest),
                   f"{name} has {{}} rows; expected 1 to {largest}", lambda: rows)


def of_shape(name, tensor, expected):
    """Passes `tensor` on when it has the shape `expected`, a `tf.TensorShape` with free first size or none.

    Servers do not check shapes, and a convolution takes images of any size.
    """
    # Hides the shape that the signature promises: by it the checks would be folded away as always true.
    tensor = tf.compat.v1.placeholder_with_default(tensor, shape=None)
    shape = tf.shape(tensor)
    tensor = checked(tensor, tf.rank(tensor) == expected.rank,
                     f"{name} has shape {{}}; expected {_describe(expected)}", lambda: shape)
    if expected.rank:
        tensor = checked(tensor, tf.shape(tensor)[1:] == expected[1:].as_list(),
                         f"{name} has shape {{}}; expected {_describe(expected)}", lambda: shape)
    tensor.set_shape(expected)
    return tensor


def _describe(shape):
    return f"[{' '.join('N' if size is None else str(size) for size in shape)}]"

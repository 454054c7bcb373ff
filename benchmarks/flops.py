"""How much arithmetic a step is, and how much the machine can do at best."""

import math

import tensorflow as tf

# Large enough that a matrix product runs at the machine's pace, small enough to take well under a second.
MATRIX_SIZE = 2048


def count(function):
    """Floating-point operations of one call of a `tf.function`, from the shapes in its graph.

    Only matrix products and convolutions count, forward and backward, which is where a network's
    arithmetic is: a multiplication and an addition for each weight that meets an input.
    - a product [m, k] x [k, n]: 2 m k n;
    - a convolution with a kernel [h, w, i, o]: 2 h w i o for each position of its output (of its
      input, when it is a transposed one), and the same again for each of its two gradients. What a
      kernel reads beyond the border of the image is counted too.
    Normalization, activations, losses, random numbers and the optimizer are left out; gradients that
    nothing uses (the trunk's weights in the generator's phase) never run, and are left out as well.

    Args:
        function: a `tf.function` without arguments, with static shapes inside.

    Returns:
        The count, an int.
    """
    graph = function.get_concrete_function().graph
    return sum(_operation(op) for op in _needed(graph))


def matrix_product(precision):
    """A large matrix product as a `tf.function`, and its count.

    Args:
        precision: `float32`, or `mixed_bfloat16` for a product of bfloat16 matrices.

    Returns:
        A function without arguments, and the floating-point operations of one call.
    """
    dtype = tf.float32 if precision == "float32" else tf.bfloat16
    left, right = (tf.Variable(tf.cast(
        tf.random.stateless_uniform([MATRIX_SIZE, MATRIX_SIZE], [0, seed]), dtype)) for seed in (0, 1))

    @tf.function
    def product():
        return tf.matmul(left, right)
    return product, 2 * MATRIX_SIZE**3


def _needed(graph):
    """The operations that an output or a side effect of a function's graph depends on."""
    waiting = [output.op for output in graph.outputs] + list(graph.control_outputs)
    needed = set()
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return needed


def _operation(op):
    if op.type == "MatMul":
        inner = op.inputs[0].shape[0 if op.get_attr("transpose_a") else 1]
        return 2 * math.prod(op.outputs[0].shape) * inner
    if op.type == "Conv2D":
        return 2 * math.prod(op.outputs[0].shape) * math.prod(op.inputs[1].shape[:3])
    if op.type == "Conv2DBackpropInput":
        return 2 * math.prod(op.inputs[2].shape) * math.prod(op.inputs[1].shape[:3])
    if op.type == "Conv2DBackpropFilter":
        return 2 * math.prod(op.inputs[2].shape) * math.prod(op.outputs[0].shape[:3])
    return 0

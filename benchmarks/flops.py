"""Floating-point operations of a step, and the rate of the machine at its best."""

from __future__ import annotations

import math
from typing import Any, Callable

import tensorflow as tf

# Large enough for the highest rate of a CPU, small enough to take well under a second.
MATRIX_SIZE = 2048


def count_flops(function: Any) -> int:
    """Count the floating-point operations of one call of a `tf.function` from the shapes in its graph.

    Matrix products and convolutions are counted, forward and backward, which do nearly all of a network's
    arithmetic: one multiplication and one addition for each product of a weight and an input.
    - A product [m, k] x [k, n] is 2 m k n operations.
    - A convolution with a kernel [h, w, i, o] is 2 h w i o for each position of its output (of its input
      when it is transposed), and as many for each of its two gradients. Padding counts as input.
    Normalization, activations, losses, random numbers and the optimizer are not counted. Gradients that
    nothing uses never run, and are not counted either.

    Args:
        function: a `tf.function` without arguments, with static shapes inside.
    """
    graph = function.get_concrete_function().graph
    return sum(_count_operation(op) for op in _needed_operations(graph))


def matrix_product(precision: str) -> tuple[Callable[[], Any], int]:
    """Return a large matrix product, a `tf.function`, and the floating-point operations of one call.

    Args:
        precision: `float32`, or `mixed_bfloat16` for a product of bfloat16 matrices.
    """
    dtype = tf.float32 if precision == "float32" else tf.bfloat16
    left, right = (tf.Variable(tf.cast(
        tf.random.stateless_uniform([MATRIX_SIZE, MATRIX_SIZE], [0, seed]), dtype)) for seed in (0, 1))

    @tf.function
    def product():
        return tf.matmul(left, right)
    return product, 2 * MATRIX_SIZE**3


def _needed_operations(graph):
    """Return the operations on which an output or a side effect of a function's graph depends."""
    waiting = [output.op for output in graph.outputs] + list(graph.control_outputs)
    needed = set()
    while waiting:
        op = waiting.pop()
        if op not in needed:
            needed.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return needed


def _count_operation(op):
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

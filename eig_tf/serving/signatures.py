"""Served functions: `tf.function`s of fixed input names and types whose graph checks the shapes."""

import tensorflow as tf

from eig_tf.serving import checks


def signature(function, *specs):
    """Makes a function a signature.

    Args:
        function: takes tensors in the order of `specs`, returns a dict of tensors.
        *specs: a `tf.TensorSpec` with a name for each; the first size may be free, no other.

    Returns:
        A `tf.function` that calls it, after a check of every shape.
    """
    def call(*tensors):
        return function(*(checks.of_shape(spec.name, tensor, spec.shape)
                          for spec, tensor in zip(specs, tensors)))
    return tf.function(call, input_signature=specs)

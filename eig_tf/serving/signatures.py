"""Served functions: `tf.function`s of fixed input names and types whose graph checks the shapes."""

from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

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


def read_signatures(version):
    """The `SignatureDef`s of a SavedModel, by name, without loading it.

    Args:
        version: its directory.
    """
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((Path(version) / "saved_model.pb").read_bytes())
    return {name: definition for name, definition in saved_model.meta_graphs[0].signature_def.items()
            if not name.startswith("__")}

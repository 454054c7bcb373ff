"""Signatures of a SavedModel: how they are made, read and described."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from eig_tf.serving import checks


def as_signature(function: Callable[..., dict[str, tf.Tensor]], *specs: tf.TensorSpec) -> Callable[..., Any]:
    """Return a `tf.function` with named inputs whose graph checks every shape.

    Args:
        function: takes tensors by the names of `specs`, returns a dict of tensors.
        *specs: named specs; only their first size may be None.
    """
    def call(*tensors):
        return function(**{spec.name: checks.require_shape(spec.name, tensor, spec.shape)
                           for spec, tensor in zip(specs, tensors)})
    return tf.function(call, input_signature=specs)


def read_signatures(version: str | os.PathLike) -> dict[str, meta_graph_pb2.SignatureDef]:
    """Return the signatures of the SavedModel in a directory by name, without loading the model."""
    saved_model = saved_model_pb2.SavedModel.FromString((Path(version) / "saved_model.pb").read_bytes())
    return {name: definition for name, definition in saved_model.meta_graphs[0].signature_def.items()
            if not name.startswith("__")}


def tensor_sizes(info: meta_graph_pb2.TensorInfo) -> list[int]:
    """Return the sizes of a tensor of a signature, -1 for a free one."""
    return [dimension.size for dimension in info.tensor_shape.dim]


def describe_signatures(version: str | os.PathLike) -> list[str]:
    """Return the signatures of a SavedModel as lines of text, sorted by name.

    Args:
        version: the directory of the SavedModel.

    Returns:
        Lines such as `prior  no input -> probabilities float32 [10]`; N stands for a free size.
    """
    signatures = read_signatures(version)
    width = max(map(len, signatures))
    return [f"{name:<{width}}  {_describe(signature.inputs)} -> {_describe(signature.outputs)}"
            for name, signature in sorted(signatures.items())]


def _describe(infos: Mapping[str, meta_graph_pb2.TensorInfo]) -> str:
    described = []
    for name, info in sorted(infos.items()):
        sizes = ["N" if size < 0 else str(size) for size in tensor_sizes(info)]
        described.append(f"{name} {tf.as_dtype(info.dtype).name} [{', '.join(sizes)}]")
    return ", ".join(described) or "no input"

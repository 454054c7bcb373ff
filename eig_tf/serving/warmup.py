"""Warm-up requests, which TensorFlow Serving sends through a version before it serves it.

TensorFlow Serving prepares a graph for each set of fed and fetched tensors when that set is first run. Every
signature has its own tensors, even `serving_default` beside `generate`, so each one has records. CPU and GPU
libraries choose their kernels by shape, so each one has several batch sizes.

A server with --enable_batching batches these requests too. It refuses requests whose inputs are scalars or
absent, and does not load a version when one request fails. Therefore `sample` and `prior` have no records and
are slow on their first request; in return, one file suits both kinds of server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.serving.signatures import read_signatures, tensor_sizes

# The place in a version's directory where TensorFlow Serving looks.
REQUESTS = Path("assets.extra") / "tf_serving_warmup_requests"
BATCH_SIZES = (1, 8, 64)


def available() -> bool:
    """Return whether tensorflow-serving-api, which defines the records, is installed."""
    try:
        _prediction_log()
    except UserError:
        return False
    return True


def write_requests(version: Path, name: str) -> None:
    """Write the warm-up requests of a SavedModel; equal signatures give equal files.

    Args:
        version: the directory of the SavedModel.
        name: the name under which the model is served.

    Raises:
        UserError: tensorflow-serving-api is not installed.
        OSError, tf.errors.OpError: the directory cannot be read or written.
    """
    prediction_log = _prediction_log()
    signatures = read_signatures(version)
    values = _valid_values(signatures)
    path = version / REQUESTS
    path.parent.mkdir(exist_ok=True)
    with files.replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for signature, definition in sorted(signatures.items()):
            for size in BATCH_SIZES if _can_be_batched(definition) else ():
                log = prediction_log.PredictionLog()
                _fill_request(log.predict_log.request, name, signature, definition, values, size)
                writer.write(log.SerializeToString(deterministic=True))


def read_requests(version: Path) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Return the warm-up requests of a SavedModel: names of signatures, each with its inputs by name.

    Raises:
        UserError: tensorflow-serving-api is not installed.
        tf.errors.OpError: the file is missing or damaged.
    """
    prediction_log = _prediction_log()
    records = tf.data.TFRecordDataset(str(version / REQUESTS)).as_numpy_iterator()
    requests = [prediction_log.PredictionLog.FromString(record).predict_log.request for record in records]
    return [(request.model_spec.signature_name,
             {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()})
            for request in requests]


def _prediction_log() -> Any:
    """Return the module of the records' type, which training does not need."""
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        raise UserError("the package tensorflow-serving-api is not installed; warm-up requests expect it: "
                        "pip install 'eig_tf[serving]'") from None
    return prediction_log_pb2


def _can_be_batched(definition):
    """Return whether every input has a first axis along which requests can be concatenated."""
    return min((len(tensor_sizes(info)) for info in definition.inputs.values()), default=0) > 0


def _valid_values(signatures):
    """Return valid inputs by name and rank, each as a function of the shape.

    The cost of a graph does not depend on the values. A scalar that stands for a whole shape keeps the file
    small: its proto holds one number, which the reader repeats.
    """
    prior = signatures["prior"].outputs
    num_codes = tensor_sizes(prior["probabilities"])[0]
    # Without categories no signature has such an input.
    num_categories = (tensor_sizes(prior["category_probabilities"])[0] if "category_probabilities" in prior
                      else 1)
    image = tf.fill(tensor_sizes(signatures["categorize"].inputs["images"])[1:], tf.constant(128, tf.uint8))
    png = tf.io.encode_png(image).numpy()
    return {
        ("code", 1): lambda shape: [row % num_codes for row in range(shape[0])],
        ("category", 1): lambda shape: [row % num_categories for row in range(shape[0])],
        ("code", 2): lambda shape: 1.0 / num_codes,
        ("noise", 2): lambda shape: 0.0,
        ("continuous", 2): lambda shape: 0.0,
        ("seed", 1): lambda shape: list(range(shape[0])),
        ("images", 4): lambda shape: 0.5,
        ("image_bytes", 1): lambda shape: png,
    }


def _fill_request(request, name, signature, definition, values, size):
    """Make `request` a request of `size` rows."""
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, info in definition.inputs.items():
        shape = [size if length < 0 else length for length in tensor_sizes(info)]
        value = values[key, len(shape)](shape)
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value, info.dtype, shape))

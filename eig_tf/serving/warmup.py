"""Warm-up requests: what TF Serving runs through a version before it serves it.

The session of TF Serving prepares a graph for each set of tensors that are fed and fetched, when it is
first run. Every signature has tensors of its own: `serving_default`, which computes what `generate` does,
is slow on its first request when only `generate` was warmed. So each signature has records. CPU and GPU
libraries choose their kernels by shape, so each has several batch sizes.

A server with --enable_batching runs the records through its batching, which refuses requests whose inputs are
scalars or none, and does not load a version when one fails. `sample` and `prior` therefore have no records:
their first request on a server is slow, which is the price of one file for both kinds of server.
"""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.serving.signatures import read_signatures

# Where TF Serving looks, in the directory of the version.
FILE = Path("assets.extra") / "tf_serving_warmup_requests"
BATCH_SIZES = (1, 8, 64)
# Bytes of a TFRecord beside its content: the length and two checksums.
RECORD_OVERHEAD = 16


def available():
    """Whether tensorflow-serving-api, which defines the records, is installed."""
    try:
        _prediction_log()
    except UserError:
        return False
    return True


def write(version_dir, name):
    """Writes the warm-up requests of a SavedModel, the same for the same signatures.

    Args:
        version_dir: the directory of the SavedModel.
        name: under which the model is served.

    Raises:
        UserError: tensorflow-serving-api is not installed.
        OSError, tf.errors.OpError: the directory cannot be read or written.
    """
    prediction_log = _prediction_log()
    signatures = read_signatures(version_dir)
    values = _values(signatures)
    path = Path(version_dir) / FILE
    path.parent.mkdir(exist_ok=True)
    with files.replacing(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for signature, definition in sorted(signatures.items()):
            for size in BATCH_SIZES if _has_rows(definition) else ():
                log = prediction_log.PredictionLog()
                _fill(log.predict_log.request, name, signature, definition, values, size)
                writer.write(log.SerializeToString(deterministic=True))


def read(version_dir):
    """Reads the warm-up requests of a SavedModel.

    Args:
        version_dir: the directory of the SavedModel.

    Returns:
        A list of signature names, each with its inputs: a dict of NumPy arrays by name.

    Raises:
        UserError: there are none, or they are damaged; tensorflow-serving-api is not installed.
    """
    prediction_log = _prediction_log()
    path = Path(version_dir) / FILE
    if not path.is_file():
        raise UserError(f"{path} is missing; expected the warm-up requests of an export")
    try:
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        # The reader takes a file that is cut within the length of a record for a whole one.
        if sum(map(len, records)) + RECORD_OVERHEAD * len(records) != path.stat().st_size:
            raise tf.errors.DataLossError(None, None, "truncated")
        logs = [prediction_log.PredictionLog.FromString(record) for record in records]
    except (tf.errors.DataLossError, DecodeError) as error:
        raise UserError(f"{path} is damaged ({' '.join(str(error).split())[:100]}); "
                        "expected a TFRecord file of PredictionLog") from None
    if not logs or not all(log.HasField("predict_log") for log in logs):
        raise UserError(f"{path} holds {len(logs)} records, not all of them predict requests; "
                        "expected one or more predict requests")
    requests = [log.predict_log.request for log in logs]
    return [(request.model_spec.signature_name,
             {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()})
            for request in requests]


def _prediction_log():
    """The module of the records' type; it is not among what training needs."""
    try:
        from tensorflow_serving.apis import prediction_log_pb2
    except ImportError:
        raise UserError("the package tensorflow-serving-api is not installed; warm-up requests expect it: "
                        "pip install 'eig_tf[serving]'") from None
    return prediction_log_pb2


def _has_rows(definition):
    """Whether requests of a signature can be put together along the first axis of each input."""
    return min((len(_sizes(info)) for info in definition.inputs.values()), default=0) > 0


def _values(signatures):
    """Valid values of inputs, by name and rank: each a function of the shape.

    What a graph costs does not depend on them. A scalar for a whole shape keeps the file small: its proto
    holds one number, which the reader repeats.
    """
    num_codes = _sizes(signatures["prior"].outputs["probabilities"])[0]
    image = tf.fill(_sizes(signatures["categorize"].inputs["images"])[1:], tf.constant(128, tf.uint8))
    png = tf.io.encode_png(image).numpy()
    return {
        ("code", 1): lambda shape: [row % num_codes for row in range(shape[0])],
        ("code", 2): lambda shape: 1.0 / num_codes,
        ("noise", 2): lambda shape: 0.0,
        ("continuous", 2): lambda shape: 0.0,
        ("seed", 1): lambda shape: list(range(shape[0])),
        ("images", 4): lambda shape: 0.5,
        ("image_bytes", 1): lambda shape: png,
    }


def _fill(request, name, signature, definition, values, size):
    """Makes `request` one of `size` rows."""
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, info in definition.inputs.items():
        shape = [size if length < 0 else length for length in _sizes(info)]
        value = values[key, len(shape)](shape)
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value, info.dtype, shape))


def _sizes(info):
    """The sizes of a tensor, -1 for one that is free."""
    return [dimension.size for dimension in info.tensor_shape.dim]

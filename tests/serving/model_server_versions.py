"""The versions of a model on a server: found on disk, loaded, called and dropped."""

import threading
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_status_pb2

_STATES = get_model_status_pb2.ModelVersionStatus
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class StatusError(Exception):
    """The gRPC status code and the message of a failed call."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Versions:
    """Keeps the largest version of a directory loaded.

    Args:
        name: the model's.
        base: the directory of the versions.
        wait: seconds between two polls of the directory.
        batcher: a `Batcher`, or None.
    """

    def __init__(self, name, base, wait, batcher):
        self._name, self._base, self._wait, self._batcher = name, Path(base), wait, batcher
        self._loaded, self._states = {}, {}
        self._ended = threading.Event()
        # Like the real server, which answers only after it has loaded the existing version.
        self._look()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self):
        """Stop polling."""
        self._ended.set()

    def find(self, spec):
        """Return the `Version` that a request names."""
        wanted = spec.version.value if spec.HasField("version") else max(self._loaded, default=None)
        found = self._loaded.get(wanted)
        if spec.name != self._name or found is None:
            which = (f"Specific({spec.name}, {spec.version.value})" if spec.HasField("version")
                     else f"Latest({spec.name})")
            raise StatusError(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {which}")
        return found

    def states(self, spec):
        """Return (number, (state, message)) of the versions that a request names."""
        found = dict(self._states) if spec.name == self._name else {}
        if spec.HasField("version"):
            number = spec.version.value
            if number not in found:
                raise StatusError(grpc.StatusCode.NOT_FOUND,
                                  f"Could not find version {number} of model {spec.name}")
            return [(number, found[number])]
        if not found:
            raise StatusError(grpc.StatusCode.NOT_FOUND,
                              f"Could not find any versions of model {spec.name}")
        return sorted(found.items(), reverse=True)

    def _watch(self):
        while not self._ended.wait(self._wait):
            self._look()

    def _look(self):
        numbers = [int(path.name) for path in self._base.iterdir() if path.name.isdecimal()]
        newest = max(numbers, default=None)
        if newest is None or newest in self._states:
            return
        self._states[newest] = (_STATES.LOADING, "")
        try:
            version = Version(newest, self._base / str(newest), self._batcher)
        except Exception as error:  # Whatever prevents loading becomes the state of the version.
            self._states[newest] = (_STATES.END, str(error))
            return
        self._loaded = {**self._loaded, newest: version}
        self._states[newest] = (_STATES.AVAILABLE, "")
        for number in [number for number in self._loaded if number != newest]:
            self._loaded = {newest: version}
            self._states[number] = (_STATES.END, "")


class Version:
    """One loaded SavedModel.

    Args:
        number: of the version.
        path: of the SavedModel.
        batcher: a `Batcher`, or None.
    """

    def __init__(self, number, path, batcher):
        self.number = number
        content = saved_model_pb2.SavedModel()
        content.ParseFromString((path / "saved_model.pb").read_bytes())
        self.signature_defs = content.meta_graphs[0].signature_def
        self._functions = tf.saved_model.load(str(path)).signatures
        self._batcher = batcher

    def predict(self, name, inputs):
        """Return the outputs of a signature, TensorProtos by name."""
        if name not in self.signature_defs:
            raise StatusError(grpc.StatusCode.FAILED_PRECONDITION,
                              f'Serving signature key "{name}" not found.')
        arrays = {key: tf.make_ndarray(tensor) for key, tensor in inputs.items()}
        infos = self.signature_defs[name].outputs
        batched = self._batcher is not None
        outputs = self._batcher(self, name, arrays) if batched else self.run(name, arrays)
        return {key: tf.make_tensor_proto(outputs[key], tf.as_dtype(infos[key].dtype), outputs[key].shape)
                for key in sorted(infos)}

    def run(self, name, arrays):
        """Run a signature on arrays, without batching."""
        dtypes = self.signature_defs[name].inputs
        tensors = {key: tf.constant(value, tf.as_dtype(dtypes[key].dtype), value.shape)
                   for key, value in arrays.items()}
        try:
            return {key: value.numpy() for key, value in self._functions[name](**tensors).items()}
        except tf.errors.OpError as error:
            raise StatusError(_CODES[error.error_code], _without_python(error.message)) from None
        except (ValueError, TypeError) as error:
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT, str(error)) from None


def _without_python(message):
    """Return the message of a session, without Python's notes on where the graph was made."""
    return message.rpartition("<stack traces unavailable>\n")[2].partition(" [Op:")[0]

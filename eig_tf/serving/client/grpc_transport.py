"""A model server over gRPC: its PredictionService and ModelService."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eig_tf.errors import UserError
from eig_tf.serving.client.protocol import ServingError, Signature, TensorInfo, VersionStatus

try:
    import grpc
    import tensorflow as tf
    from tensorflow.core.framework import types_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_service_pb2_grpc,
    )
except ImportError as missing:
    raise UserError(f"{missing.name} is not installed, which gRPC needs; expected pip install "
                    "'eig_tf[serving]', or an address that starts with http://") from None

# The server's own limit. The default of 4 MiB is 1,300 images of 28x28, or 20 of 128x128.
_LARGEST_MESSAGE = 2**31 - 1
_OPTIONS = [("grpc.max_send_message_length", _LARGEST_MESSAGE),
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            # Spreads calls over all addresses of the host, such as the pods of a headless Kubernetes service.
            ("grpc.lb_policy_name", "round_robin"),
            # gRPC would wait up to two minutes before it looks for a server again; `Retry` backs off itself.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000)]


class GrpcTransport:
    """One model of a server over gRPC. All methods take a timeout in seconds and raise a raw `ServingError`.

    Args:
        target: `host:port`.
        model: its name.
        version: its number; the server's latest when None.
    """

    def __init__(self, target: str, model: str, version: int | None) -> None:
        self.address = f"grpc://{target}"
        self._model, self._version = model, version
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def predict(self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray],
                timeout: float) -> dict[str, np.ndarray]:
        """Return the outputs of the signature `name` by name."""
        request = predict_pb2.PredictRequest()
        self._name_model(request.model_spec)
        request.model_spec.signature_name = name
        for key, value in inputs.items():
            dtype = tf.as_dtype(signature.inputs[key].dtype)
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value, dtype=dtype, shape=value.shape))
        answer = _call(self._predictions.Predict, request, timeout)
        return {key: tf.make_ndarray(tensor) for key, tensor in answer.outputs.items()}

    def metadata(self, timeout: float) -> dict[str, Signature]:
        """Return all signatures by name."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._name_model(request.model_spec)
        answer = _call(self._predictions.GetModelMetadata, request, timeout)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return {name: Signature(_read_infos(signature.inputs), _read_infos(signature.outputs))
                for name, signature in found.signature_def.items() if not name.startswith("__")}

    def status(self, timeout: float) -> list[VersionStatus]:
        """Return the status of every version that the server knows, whichever this client asks for."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._model
        answer = _call(self._models.GetModelStatus, request, timeout)
        states = get_model_status_pb2.ModelVersionStatus.State
        return [VersionStatus(found.version, states.Name(found.state), found.status.error_message)
                for found in answer.model_version_status]

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _name_model(self, spec):
        spec.name = self._model
        if self._version is not None:
            spec.version.value = self._version


def _call(method: Any, request: Any, timeout: float) -> Any:
    try:
        return method(request, timeout=timeout)
    except grpc.RpcError as error:
        raise ServingError(error.code().name, error.details() or "") from None


def _read_infos(infos):
    return {name: TensorInfo.read(types_pb2.DataType.Name(info.dtype), info.tensor_shape.unknown_rank,
                                  [dim.size for dim in info.tensor_shape.dim])
            for name, info in infos.items()}

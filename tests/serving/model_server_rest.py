"""TensorFlow Serving's REST API: predict, metadata and status, converted between JSON and gRPC messages."""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from model_server_versions import StatusError
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:(?:classify|regress|predict)", re.I)
_STATUS = re.compile(r"/v1/models(?:/([^/:]+))?(?:/versions/(\d+))?(/metadata)?", re.I)
_HTTP = {"INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 400, "OUT_OF_RANGE": 400, "NOT_FOUND": 404,
         "DEADLINE_EXCEEDED": 504, "RESOURCE_EXHAUSTED": 429, "UNIMPLEMENTED": 501, "UNAVAILABLE": 503}


class RestServer(ThreadingHTTPServer):
    """Serves the methods of `service` on gRPC messages: Predict, GetModelMetadata and GetModelStatus."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, service):
        super().__init__(address, _Handler)
        self.service = service

    def handle_error(self, request, client_address):
        """Print nothing: the tests have clients that stop waiting."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes, which Nagle's algorithm would send 40 ms apart.
    disable_nagle_algorithm = True

    def do_GET(self):
        self._answer("GET")

    def do_POST(self):
        self._answer("POST")

    def log_message(self, format, *args):
        """Print nothing."""

    def _answer(self, method):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.lower().startswith("/v1/"):
            return self._send(404, b"<html><head><title>404 Not Found</title></head></html>", "text/html")
        try:
            status, content = 200, self._process(method, body)
        except StatusError as error:
            status, content = _HTTP.get(error.code.name, 500), {"error": str(error)}
        return self._send(status, json.dumps(content).encode(), "application/json")

    def _send(self, status, content, content_type):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _process(self, method, body):
        service = self.server.service
        predict, status = _PREDICT.fullmatch(self.path), _STATUS.fullmatch(self.path)
        if method == "POST" and predict:
            return _predict(service, _spec(predict_pb2.PredictRequest(), predict), body)
        if method == "GET" and status and not status[1]:
            raise _bad("Missing model name in request.")
        if method == "GET" and status and status[3]:
            return _metadata(service, status)
        if method == "GET" and status:
            answer = service.GetModelStatus(_spec(get_model_status_pb2.GetModelStatusRequest(), status))
            return _to_dict(answer)
        raise _bad(f"Malformed request: {method} {self.path}")


def _spec(request, match):
    request.model_spec.name = match[1]
    if match[2]:
        request.model_spec.version.value = int(match[2])
    return request


def _metadata(service, match):
    request = _spec(get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"]), match)
    answer = service.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(signatures)
    return {"model_spec": _to_dict(answer.model_spec), "metadata": {"signature_def": _to_dict(signatures)}}


def _to_dict(message):
    return MessageToDict(message, including_default_value_fields=True, preserving_proto_field_name=True)


def _predict(service, request, body):
    try:
        content = json.loads(body)
    except ValueError as error:
        raise _bad(f"JSON Parse error: {error}") from None
    if not isinstance(content, dict):
        raise _bad(f"JSON Value: {content} Is not object")
    name = content.get("signature_name", "serving_default")
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.CopyFrom(request.model_spec)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    service.GetModelMetadata(metadata).metadata["signature_def"].Unpack(signatures)
    if name not in signatures.signature_def:
        raise _bad(f'Serving signature name: "{name}" not found in signature def')
    infos = signatures.signature_def[name].inputs
    if not infos:
        raise _bad(f"Failed to get input map for signature: {name}")
    by_row = "instances" in content
    if by_row == ("inputs" in content):
        raise _bad("Missing 'inputs' or 'instances' key" if not by_row else
                   "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist")
    columns = _columns(content["instances"], infos) if by_row else content["inputs"]
    if len(infos) == 1 and not (isinstance(columns, dict) and set(columns) != {"b64"}):
        columns = {next(iter(infos)): columns}
    request.model_spec.signature_name = name
    for key, info in infos.items():
        if not isinstance(columns, dict) or key not in columns:
            raise _bad(f"Missing named input: {key} in 'inputs' object.")
        request.inputs[key].CopyFrom(_tensor(columns[key], tf.as_dtype(info.dtype)))
    outputs = {key: _to_json(key, tf.make_ndarray(tensor))
               for key, tensor in service.Predict(request).outputs.items()}
    return {"predictions": _by_row(outputs)} if by_row else {"outputs": _unnamed(outputs)}


def _columns(instances, infos):
    """Convert the row format to the columnar format."""
    if not isinstance(instances, list) or not instances:
        raise _bad("Excepting 'instances' to be an list/array")
    named = [isinstance(row, dict) and set(row) != {"b64"} for row in instances]
    if not any(named) and len(infos) == 1:
        return instances
    if not all(named) or any(set(row) != set(infos) for row in instances):
        raise _bad(f"Failed to process element of 'instances' list. JSON object keys must be equal to: "
                   f"{','.join(sorted(infos))}")
    return {key: [row[key] for row in instances] for key in infos}


def _by_row(outputs):
    if any(not isinstance(value, list) for value in outputs.values()):
        raise _bad(f"Tensor name: {next(iter(outputs))} has no shape information ")
    if len({len(value) for value in outputs.values()}) > 1:
        raise _bad(f"Tensor name: {next(iter(outputs))} has inconsistent batch size")
    return [_unnamed(dict(zip(outputs, row))) for row in zip(*outputs.values())]


def _unnamed(outputs):
    return outputs if len(outputs) > 1 else next(iter(outputs.values()))


def _tensor(value, dtype):
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat = list(_flat(value, shape, dtype))
    return tf.make_tensor_proto(flat, dtype=dtype, shape=shape)


def _flat(value, shape, dtype):
    if not isinstance(value, list):
        if shape:
            raise _bad(f"JSON Value: {value} found at incorrect level in the JSON DOM")
        yield _scalar(value, dtype)
        return
    if not shape or len(value) != shape[0]:
        raise _bad(f"Encountered list at unexpected size: {len(value)} expected size: {shape[:1]}")
    for item in value:
        yield from _flat(item, shape[1:], dtype)


def _scalar(value, dtype):
    if dtype == tf.string and isinstance(value, dict) and set(value) == {"b64"}:
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (ValueError, TypeError):
            raise _bad("Unable to base64 decode") from None
    kinds = {tf.string: str, tf.float32: (int, float), tf.float64: (int, float), tf.bool: bool}
    if not isinstance(value, kinds.get(dtype, int)) or (isinstance(value, bool) and dtype != tf.bool):
        raise _bad(f"JSON Value: {json.dumps(value)} is not of expected type: {dtype.name}")
    if dtype.is_integer and not np.iinfo(dtype.as_numpy_dtype).min <= value <= dtype.max:
        raise _bad(f"JSON Value: {value} is not of expected type: {dtype.name}")
    return value


def _to_json(key, array):
    if array.dtype != object:
        return array.tolist()

    def encode(value):
        if isinstance(value, list):
            return [encode(item) for item in value]
        # TensorFlow Serving distinguishes bytes from text by the name.
        return {"b64": base64.b64encode(value).decode()} if key.endswith("_bytes") else value.decode()
    return encode(array.tolist())


def _bad(message):
    return StatusError(grpc.StatusCode.INVALID_ARGUMENT, message)

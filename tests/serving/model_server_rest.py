"""TensorFlow Serving's REST API: predict, metadata and status, converted between JSON and gRPC messages.

What is malformed is refused with the real server's status, in other words.
"""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from model_server_versions import StatusError
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

_PREDICT = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?:predict", re.I)
_STATUS = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+))?(/metadata)?", re.I)
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
        try:
            status, content = 200, self._process(method, body)
        except (KeyError, TypeError, ValueError) as error:
            status, content = 400, {"error": f"malformed: {error!r}"}
        except StatusError as error:
            status, content = _HTTP.get(error.code.name, 500), {"error": str(error)}
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _process(self, method, body):
        service = self.server.service
        predict, status = _PREDICT.fullmatch(self.path), _STATUS.fullmatch(self.path)
        if method == "POST" and predict:
            return _predict(service, _spec(predict_pb2.PredictRequest(), predict), body)
        if method == "GET" and status and status[3]:
            return _metadata(service, status)
        if method == "GET" and status:
            answer = service.GetModelStatus(_spec(get_model_status_pb2.GetModelStatusRequest(), status))
            return _to_dict(answer)
        raise ValueError(f"{method} {self.path}")


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
    content = json.loads(body)
    name = content.get("signature_name", "serving_default")
    metadata = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    metadata.model_spec.CopyFrom(request.model_spec)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    service.GetModelMetadata(metadata).metadata["signature_def"].Unpack(signatures)
    infos = signatures.signature_def[name].inputs
    by_row = "instances" in content
    columns = _columns(content["instances"], infos) if by_row else content["inputs"]
    if len(infos) == 1 and not (isinstance(columns, dict) and set(columns) != {"b64"}):
        columns = {next(iter(infos)): columns}
    request.model_spec.signature_name = name
    for key, info in infos.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(_decode(columns[key]), tf.as_dtype(info.dtype)))
    outputs = {key: _to_json(key, tf.make_ndarray(tensor))
               for key, tensor in service.Predict(request).outputs.items()}
    if by_row:
        return {"predictions": [_unnamed(dict(zip(outputs, row))) for row in zip(*outputs.values())]}
    return {"outputs": _unnamed(outputs)}


def _columns(instances, infos):
    """Convert the row format to the columnar format."""
    named = [isinstance(row, dict) and set(row) != {"b64"} for row in instances]
    if not any(named) and len(infos) == 1:
        return instances
    return {key: [row[key] for row in instances] for key in infos}


def _unnamed(outputs):
    return outputs if len(outputs) > 1 else next(iter(outputs.values()))


def _decode(value):
    if isinstance(value, list):
        return [_decode(item) for item in value]
    is_encoded = isinstance(value, dict) and set(value) == {"b64"}
    return base64.b64decode(value["b64"], validate=True) if is_encoded else value


def _to_json(key, array):
    if array.dtype != object:
        return array.tolist()

    def encode(value):
        if isinstance(value, list):
            return [encode(item) for item in value]
        # TensorFlow Serving distinguishes bytes from text by the name.
        return {"b64": base64.b64encode(value).decode()} if key.endswith("_bytes") else value.decode()
    return encode(array.tolist())

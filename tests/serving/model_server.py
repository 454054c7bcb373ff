"""A small model server with the protocols, error codes and flags of tensorflow_model_server.

    python tests/serving/model_server.py --model_name=mnist --model_base_path=DIRECTORY --port=0 \
        --rest_api_port=0

It listens on the loopback interface only; port 0 stands for any free port, and the lines that name the ports
are those of the real server. It watches the directory for new versions and loads a new one before it drops
the old one. Its answers follow TensorFlow Serving's public sources.
"""

import argparse
import functools
import threading
from concurrent import futures
from types import SimpleNamespace

import grpc
from model_server_batching import Batcher
from model_server_rest import RestServer
from model_server_versions import StatusError, Versions
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

HOST = "127.0.0.1"
# Without it, two servers could share a port; the tests need the second to wait for the end of the first.
_OPTIONS = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", 2**31 - 1),
            ("grpc.max_send_message_length", 2**31 - 1)]


def parse(arguments=None):
    """Parse the flags of the command line, or of a list."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8500)
    parser.add_argument("--rest_api_port", type=int, default=0)
    parser.add_argument("--model_name", default="default")
    parser.add_argument("--model_base_path", required=True)
    parser.add_argument("--file_system_poll_wait_seconds", type=float, default=1)
    parser.add_argument("--enable_batching", nargs="?", const="true", default="false")
    parser.add_argument("--batching_parameters_file")
    return parser.parse_args(arguments)


class ModelServer:
    """A server that runs from its construction until `stop`; several may run in one process.

    Args:
        options: see `parse`.
    """

    def __init__(self, options):
        batcher = Batcher(options.batching_parameters_file) if options.enable_batching == "true" else None
        self.batch_sizes = batcher.sizes if batcher else []
        self._versions = Versions(options.model_name, options.model_base_path,
                                  options.file_system_poll_wait_seconds, batcher)
        self._grpc = grpc.server(futures.ThreadPoolExecutor(16), options=_OPTIONS)
        service = _Service(self._versions)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, self._grpc)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(service, self._grpc)
        self.grpc_port = self._grpc.add_insecure_port(f"{HOST}:{options.port}")
        self._grpc.start()
        self._rest = RestServer((HOST, options.rest_api_port), service.as_functions())
        self.rest_port = self._rest.server_port
        threading.Thread(target=self._rest.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Stop the server; calls that wait for an answer fail."""
        self._grpc.stop(grace=None).wait()
        self._rest.shutdown()
        self._rest.server_close()
        self._versions.stop()


def _answers(method):
    """Return a method of a gRPC service whose `StatusError`s become the status of the call."""
    @functools.wraps(method)
    def answer(self, request, context):
        try:
            return method(self, request)
        except StatusError as error:
            context.abort(error.code, str(error))
    return answer


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer,
               model_service_pb2_grpc.ModelServiceServicer):

    def __init__(self, versions):
        self._versions = versions

    def as_functions(self):
        """Return the same methods without a gRPC context, for REST."""
        return SimpleNamespace(**{name: functools.partial(getattr(type(self), name).__wrapped__, self)
                                  for name in ("Predict", "GetModelMetadata", "GetModelStatus")})

    @_answers
    def Predict(self, request):
        version = self._versions.find(request.model_spec)
        name = request.model_spec.signature_name or "serving_default"
        answer = predict_pb2.PredictResponse()
        for key, tensor in version.predict(name, request.inputs).items():
            answer.outputs[key].CopyFrom(tensor)
        _name_model(answer.model_spec, request, version)
        answer.model_spec.signature_name = name
        return answer

    @_answers
    def GetModelMetadata(self, request):
        version = self._versions.find(request.model_spec)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=version.signature_defs)
        answer.metadata["signature_def"].Pack(signatures)
        _name_model(answer.model_spec, request, version)
        return answer

    @_answers
    def GetModelStatus(self, request):
        answer = get_model_status_pb2.GetModelStatusResponse()
        for number, (state, message) in self._versions.states(request.model_spec):
            status = answer.model_version_status.add(version=number, state=state)
            status.status.error_code = grpc.StatusCode.UNKNOWN.value[0] if message else 0
            status.status.error_message = message
        return answer


def _name_model(spec, request, version):
    spec.name = request.model_spec.name
    spec.version.value = version.number


def main():
    """Serve until the process ends."""
    server = ModelServer(parse())
    print(f"Running gRPC ModelServer at {HOST}:{server.grpc_port} ...", flush=True)
    print(f"Exporting HTTP/REST API at:{HOST}:{server.rest_port} ...", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

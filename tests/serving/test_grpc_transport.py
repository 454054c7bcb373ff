"""gRPC against a service that answers by a script."""

from concurrent import futures

import grpc
import pytest
from fakes import make_client
from tensorflow_serving.apis import prediction_service_pb2_grpc

from eig_tf.serving.grpc_transport import GrpcTransport
from eig_tf.serving.transport import ServingError


def test_grpc_is_tried_again_when_the_server_says_unavailable():
    failures = [grpc.StatusCode.UNAVAILABLE] * 2 + [grpc.StatusCode.INVALID_ARGUMENT]

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def GetModelMetadata(self, request, context):
            context.abort(failures.pop(0), "says so")

    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        client, sleeps = make_client(GrpcTransport(f"127.0.0.1:{port}", "m", None))
        with pytest.raises(ServingError, match=r"^says so$"):
            client.metadata()
        assert (failures, sleeps) == ([], [0.25, 0.5])
    finally:
        server.stop(None)

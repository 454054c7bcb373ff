"""gRPC against a service that answers by a script."""

from concurrent import futures

import grpc
import numpy as np
import pytest
from fakes import make_client
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from eig_tf.serving.client.grpc_transport import GrpcTransport
from eig_tf.serving.client.protocol import ServingError, Signature, TensorInfo


@pytest.fixture
def serve():
    """Starts a service and returns its address."""
    servers = []

    def start(service):
        server = grpc.server(futures.ThreadPoolExecutor(1), options=[
            ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"
    yield start
    for server in servers:
        server.stop(None)


def test_a_server_that_says_unavailable_is_asked_again(serve):
    failures = [grpc.StatusCode.UNAVAILABLE] * 2 + [grpc.StatusCode.INVALID_ARGUMENT]

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def GetModelMetadata(self, request, context):
            context.abort(failures.pop(0), "says so")

    client, sleeps = make_client(GrpcTransport(serve(Service()), "m", None))
    with pytest.raises(ServingError, match=r"^says so$"):
        client.metadata()
    assert (failures, sleeps) == ([], [0.25, 0.5])


def test_messages_may_be_larger_than_grpcs_default(serve):
    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            return predict_pb2.PredictResponse(outputs=request.inputs)

    x = np.arange(2_000_000, dtype=np.float32)  # 8 MB, where the default limit is 4 MiB
    signature = Signature({"x": TensorInfo("float32", (None,))}, {"x": TensorInfo("float32", (None,))})
    outputs = GrpcTransport(serve(Service()), "m", 3).predict("f", signature, {"x": x}, 30.0)
    np.testing.assert_array_equal(outputs["x"], x)


def test_calls_spread_over_the_addresses_of_a_host(serve):
    found = set()

    def service(number):
        class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
            def Predict(self, request, context):
                found.add(number)
                return predict_pb2.PredictResponse()
        return Service()

    transport = GrpcTransport(f"ipv4:{serve(service(0))},{serve(service(1))}", "m", None)
    # The first calls go to the only server whose connection stands by then.
    for _ in range(10_000):
        transport.predict("f", Signature({}, {}), {}, 30.0)
        if found == {0, 1}:
            return
    pytest.fail(f"all calls went to {found}")


def test_what_is_asked_for(serve):
    requests = []

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            requests.append(request)
            return predict_pb2.PredictResponse()

    signature = Signature({"image_bytes": TensorInfo("string", (None,))}, {})
    for version in (3, None):
        GrpcTransport(serve(Service()), "m", version).predict(
            "f", signature, {"image_bytes": np.array([b"ends in\0"], object)}, 30.0)
    assert [request.model_spec.name for request in requests] == ["m", "m"]
    assert [request.model_spec.signature_name for request in requests] == ["f", "f"]
    assert [request.model_spec.HasField("version") for request in requests] == [True, False]
    assert requests[0].model_spec.version.value == 3
    assert list(requests[0].inputs["image_bytes"].string_val) == [b"ends in\0"]

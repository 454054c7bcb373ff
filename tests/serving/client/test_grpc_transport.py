"""gRPC against a service that answers by a script."""

from concurrent import futures

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from eig_tf.serving.client.grpc_transport import GrpcTransport
from eig_tf.serving.client.protocol import Signature, TensorInfo


@pytest.fixture
def serve():
    """Starts a service whose Predict is a function of the request; returns its address."""
    servers = []

    def start(predict):
        service = prediction_service_pb2_grpc.PredictionServiceServicer()
        service.Predict = lambda request, context: predict(request)
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


def test_messages_may_be_larger_than_grpcs_default(serve):
    address = serve(lambda request: predict_pb2.PredictResponse(outputs=request.inputs))
    x = np.arange(2_000_000, dtype=np.float32)  # 8 MB, where the default limit is 4 MiB
    signature = Signature({"x": TensorInfo("float32", (None,))}, {"x": TensorInfo("float32", (None,))})
    outputs = GrpcTransport(address, "m", 3).predict("f", signature, {"x": x}, 30.0)
    np.testing.assert_array_equal(outputs["x"], x)


def test_calls_spread_over_the_addresses_of_a_host(serve):
    found = set()
    addresses = [serve(lambda _, number=number: found.add(number) or predict_pb2.PredictResponse())
                 for number in range(2)]
    transport = GrpcTransport(f"ipv4:{','.join(addresses)}", "m", None)
    # The first calls go to the only server whose connection stands by then.
    for _ in range(10_000):
        transport.predict("f", Signature({}, {}), {}, 30.0)
        if found == {0, 1}:
            return
    pytest.fail(f"all calls went to {found}")


def test_what_is_asked_for(serve):
    requests = []
    address = serve(lambda request: requests.append(request) or predict_pb2.PredictResponse())
    signature = Signature({"image_bytes": TensorInfo("string", (None,))}, {})
    for version in (3, None):
        GrpcTransport(address, "m", version).predict(
            "f", signature, {"image_bytes": np.array([b"ends in\0"], object)}, 30.0)
    specs = [request.model_spec for request in requests]
    assert [(spec.name, spec.signature_name) for spec in specs] == [("m", "f"), ("m", "f")]
    assert [spec.HasField("version") for spec in specs] == [True, False] and specs[0].version.value == 3
    assert list(requests[0].inputs["image_bytes"].string_val) == [b"ends in\0"]

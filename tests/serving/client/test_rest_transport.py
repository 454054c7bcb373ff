"""REST against an HTTP endpoint that answers by a script: JSON in and out, and failures."""

import base64
import contextlib
import json
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from fakes import make_client

from eig_tf.serving.client.model_client import connect
from eig_tf.serving.client.protocol import ServingError, Signature, TensorInfo, VersionStatus
from eig_tf.serving.client.rest_transport import RestTransport


class _Endpoint(HTTPServer):
    """Answers HTTP requests by a script of (status, body) and keeps what was asked; None breaks off."""

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script, self.asked = list(script), []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, body))
        answer = self.server.script.pop(0)
        if answer is None:  # breaks off
            return
        status, content = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(content) + (status == 299)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, format, *args):
        """Says nothing."""


@pytest.fixture
def endpoint():
    """Starts an `_Endpoint` of a script."""
    started = []

    def start(*script):
        server = _Endpoint(script)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        started.append(server)
        return server
    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def _predict(endpoint, signature, **inputs):
    transport = RestTransport(endpoint.url, "m", 3)
    arrays = {name: np.asarray(value) for name, value in inputs.items()}
    return transport.predict("f", signature, arrays, 5.0)


def _string(*values):
    return np.array(values, object)


def test_what_rest_sends(endpoint):
    server = endpoint((200, b'{"outputs": [1.0]}'))
    signature = Signature({}, {"y": TensorInfo("float32", (None,))})
    _predict(server, signature, x=np.float32([[0.5, np.nan]]), seed=np.int64([2**63 - 1, -2**63]),
             image_bytes=_string(b"\x89PNG\0"), none=_string().reshape(0, 2))
    (method, path, body), = server.asked
    assert (method, path) == ("POST", "/v1/models/m/versions/3:predict")
    content = json.loads(body, parse_constant=lambda name: f"<{name}>")
    assert content == {"signature_name": "f", "inputs": {
        "x": [[0.5, "<NaN>"]], "seed": [2**63 - 1, -2**63],
        "image_bytes": [{"b64": base64.b64encode(b"\x89PNG\0").decode()}], "none": []}}


def test_what_rest_receives(endpoint):
    signature = Signature({}, {
        "y": TensorInfo("float32", (None, 2)), "seed": TensorInfo("int64", (None,)),
        "image_bytes": TensorInfo("string", (None,)), "class_name": TensorInfo("string", (None,)),
        "scalar": TensorInfo("bool", ())})
    server = endpoint((200, json.dumps({"outputs": {
        "y": [[1, float("nan")], [float("-inf"), 0.1]], "seed": [2**63 - 1], "scalar": True,
        "image_bytes": [{"b64": "iVAA"}], "class_name": ["ö", ""]}}).encode()))
    outputs = _predict(server, signature, x=1)
    np.testing.assert_array_equal(outputs["y"], np.float32([[1, np.nan], [-np.inf, 0.1]]))
    assert outputs["y"].dtype == np.float32
    assert outputs["seed"].tolist() == [2**63 - 1]
    assert outputs["image_bytes"].tolist() == [b"\x89P\0"]
    assert outputs["class_name"].tolist() == ["ö".encode(), b""]
    assert outputs["scalar"].dtype == bool and outputs["scalar"].shape == ()


def test_rest_tells_metadata_and_status(endpoint):
    shape = {"dim": [{"size": "-1", "name": ""}, {"size": "28", "name": ""}], "unknown_rank": False}
    info = {"dtype": "DT_FLOAT", "tensor_shape": shape, "name": "x:0"}
    unknown = {"dtype": "DT_INVALID", "tensor_shape": {"dim": [], "unknown_rank": True}, "name": "NoOp"}
    signatures = {"f": {"inputs": {"x": info}, "outputs": {"y": {**info, "dtype": "DT_INT64"}}},
                  "__saved_model_init_op": {"inputs": {}, "outputs": {"op": unknown}}}
    server = endpoint(
        (200, json.dumps({"metadata": {"signature_def": {"signature_def": signatures}}}).encode()),
        (200, json.dumps({"model_version_status": [{"version": "4", "state": "AVAILABLE", "status": {
            "error_code": "OK", "error_message": ""}}]}).encode()))
    with connect(server.url, "m/x", version=4) as client:
        assert client.metadata() == {"f": Signature({"x": TensorInfo("float32", (None, 28))},
                                                    {"y": TensorInfo("int64", (None, 28))})}
        assert client.status() == [VersionStatus(4, "AVAILABLE", "")]
    assert [path for _, path, _ in server.asked] == ["/v1/models/m%2Fx/versions/4/metadata",
                                                     "/v1/models/m%2Fx"]


class _Slow(socketserver.StreamRequestHandler):
    """Sends a header, then as many bytes as the server's `size` says every 10 ms, or nothing for 0."""

    def handle(self):
        self.rfile.readline()
        self.server.asked += 1
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        with contextlib.suppress(OSError):
            while not self.server.stopped.wait(0.01):
                self.wfile.write(b" " * self.server.size)


@pytest.mark.parametrize("size", [0, 5000])
def test_an_answer_that_never_ends_is_waited_for_no_longer(size):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Slow) as server:
        server.size, server.asked, server.stopped, server.daemon_threads = size, 0, threading.Event(), True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            client = connect(f"http://127.0.0.1:{server.server_address[1]}", "m", timeout=0.3)
            start = time.monotonic()
            with pytest.raises(ServingError, match=r"did not answer within 0\.3 s; expected"):
                client.status()
            # Far below the 200 s that the answer would take; silence is noticed after 0.3 s more.
            assert 0.3 <= time.monotonic() - start < 5
            assert server.asked == 1
        finally:
            server.stopped.set()
            server.shutdown()


STATUS = b'{"model_version_status": []}'


@pytest.mark.parametrize("failure", [(503, b'{"error": "busy"}'), None, (299, b"{")])
def test_rest_is_tried_again_after_503_and_broken_connections(endpoint, failure):
    # 299 stands for an answer that ends too early.
    server = endpoint(failure, failure, (200, STATUS))
    client, sleeps = make_client(RestTransport(server.url, "m", None))
    assert client.status() == []
    assert (len(server.asked), sleeps) == (3, [0.25, 0.5])


@pytest.mark.parametrize(("answer", "code", "sentence"), [
    ((400, b'{"error": "assertion failed: [count is 0]\\n\\t [[{{node a}}]]"}'), "INVALID_ARGUMENT",
     "count is 0"),
    ((400, b'{ "error": "it\\\'s no JSON" }'), "INVALID_ARGUMENT", "{ \"error\": \"it\\'s no JSON\" }"),
    ((500, b"<html>\n</html>"), "INTERNAL", "{url} failed with INTERNAL: <html>"),
    ((504, b"{}"), "DEADLINE_EXCEEDED", "{url} did not answer within 30 s; expected an answer in that time, "
                                        "or a longer timeout"),
    ((403, b'{"error": "no"}'), "HTTP 403", "{url} failed with HTTP 403: no"),
    ((200, b"[]"), "UNKNOWN", "{url} failed with UNKNOWN: the answer is '[]'; expected JSON as TensorFlow "
                              "Serving writes it"),
])
def test_rest_failures_are_sentences(endpoint, answer, code, sentence):
    server = endpoint(answer)
    client, _ = make_client(RestTransport(server.url, "m", None))
    with pytest.raises(ServingError) as raised:
        client.status()
    assert (str(raised.value), raised.value.code) == (sentence.replace("{url}", server.url), code)
    assert len(server.asked) == 1


@pytest.mark.parametrize("host", ["a" * 64, ".a", "a:99999", "[x]:1"])
def test_hosts_that_cannot_be(host):
    with pytest.raises(ServingError) as raised:
        connect(f"http://{host}", "m", timeout=1.0, retries=0).status()
    assert raised.value.code == "INVALID_ARGUMENT"


def test_a_model_that_rest_does_not_know(endpoint):
    server = endpoint(*[(404, b'{"error": "Could not find any versions of model m"}')] * 2)
    client, _ = make_client(RestTransport(server.url, "m", None))
    with pytest.raises(ServingError, match=r"^the model 'm' is not served at http://"):
        client.status()


def test_rest_has_no_signatures_without_inputs():
    with pytest.raises(ServingError, match=r"^the signature 'prior' takes no input, and REST serves no such"):
        RestTransport("http://127.0.0.1:1", "m", None).predict("prior", None, {}, 1.0)


def test_rest_needs_no_tensorflow(without_tensorflow):
    script = ("from eig_tf.serving.client import connect\n"
              "try:\n    connect('http://127.0.0.1:1', 'm', retries=0).generate([1], 2)\n"
              "except ValueError as error:\n    print(error)\n")
    finished = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True,
                              env={"PYTHONPATH": without_tensorflow}, timeout=60)
    assert finished.stdout.startswith("http://127.0.0.1:1 is not available: ")

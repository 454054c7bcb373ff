"""Exports behind model servers, by gRPC and REST over loopback: what they answer and what they refuse.

The same tests run against the small server of these tests and, where it is, tensorflow_model_server.
"""

import json
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from encoded_pictures import encode
from PIL import Image
from running_servers import KINDS, TRANSPORTS, start

from eig_tf.serving.client.protocol import ServingError

pytestmark = pytest.mark.slow

SIGNATURES = ["serving_default", "generate", "generate_png", "generate_from_code", "sample", "sample_each",
              "categorize", "categorize_bytes", "embed", "prior"]
BATCHING = "max_batch_size { value: 64 } batch_timeout_micros { value: 100000 }"


@pytest.fixture(scope="module", params=KINDS)
def server(request, exported):
    """A server of the export."""
    running = start(request.param, exported.parent.name, exported.parent)
    yield running
    running.stop()


@pytest.fixture(scope="module", params=KINDS)
def batching_server(request, exported, tmp_path_factory):
    """A server of the export that assembles requests for 0.1 s."""
    parameters = tmp_path_factory.mktemp("batching") / "parameters.txt"
    parameters.write_text(BATCHING)
    running = start(request.param, exported.parent.name, exported.parent, "--enable_batching=true",
                    f"--batching_parameters_file={parameters}")
    yield running
    running.stop()


@pytest.fixture(scope="module", params=TRANSPORTS)
def client(request, server):
    with server.client(request.param) as connected:
        yield connected


def _png(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, [20 + seed, 30], dtype=np.uint8)
    return encode(Image.fromarray(pixels))


def _inputs(signature, rows, first=0):
    """Good inputs for a signature; a row depends on its number alone, counted from `first`."""
    numbers = range(first, first + rows)
    normal = [np.random.default_rng(number) for number in numbers]
    values = {
        "code": np.int32([number % 10 for number in numbers]),
        "seed": np.int64([2**40 * number - 7 for number in numbers]),
        "noise": np.float32([rng.normal(size=62) for rng in normal]),
        "images": np.float32([rng.uniform(size=[28, 28, 1]) for rng in normal]),
        "image_bytes": [_png(number % 9) for number in numbers],
    }
    if signature == "prior":
        return {}
    if signature == "sample":
        return {"count": np.int32(rows), "seed": np.int64(first)}
    names = {"generate_from_code": ["code", "noise"], "sample_each": ["seed"], "categorize": ["images"],
             "embed": ["images"], "categorize_bytes": ["image_bytes"]}.get(signature, ["code", "seed"])
    if signature == "generate_from_code":
        values["code"] = np.float32(np.eye(10)[values["code"]] * 0.9 + 0.01)
    return {name: values[name] for name in names}


def _check_equal(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape), name
        if value.dtype.kind == "f":
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-5, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_the_signatures_are_those_of_the_export(client):
    found = client.metadata()
    assert sorted(found) == sorted(SIGNATURES)
    assert {name: str(info) for name, info in found["categorize"].inputs.items()} == {
        "images": "float32 [N, 28, 28, 1]"}
    assert {name: str(info) for name, info in found["sample"].inputs.items()} == {
        "count": "int32 []", "seed": "int64 []"}
    assert {name: str(info) for name, info in found["prior"].outputs.items()} == {
        "probabilities": "float32 [10]", "class_name": "string [10]"}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_every_signature_equals_the_saved_model(server, served, signature):
    inputs = _inputs(signature, rows=3)
    expected = served(signature, **inputs)
    for transport in TRANSPORTS:
        with server.client(transport) as client:
            if inputs or transport == "grpc":
                _check_equal(client.predict(signature, inputs), expected)
                # The client has a method for each signature; one output is returned without its name.
                method = getattr(client, signature.replace("serving_default", "generate"))
                found = method(**inputs)
                if not isinstance(found, dict):
                    found = {name: np.asarray(found, value.dtype) for name, value in expected.items()}
                _check_equal(found, expected)
            else:
                with pytest.raises(ServingError, match="takes no input, and REST serves no such one"):
                    client.predict(signature, inputs)


def test_rest_as_any_program_speaks_it(server, served):
    """Without the client: rows of instances, and images that go back as they came."""
    def predict(**content):
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.ports['http']}/v1/models/{server.model}:predict",
            json.dumps(content).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    rows = [{"code": 3, "seed": 7}, {"code": 1, "seed": 2**40}]
    images = predict(signature_name="generate", instances=rows)["predictions"]
    expected = served("generate", code=[3, 1], seed=[7, 2**40])["images"]
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)
    assert predict(instances=rows) == {"predictions": images}
    png = predict(signature_name="generate_png", inputs={"code": [3, 1], "seed": [7, 2**40]})["outputs"]
    found = predict(signature_name="categorize_bytes", instances=png)["predictions"]
    # 8 bits a pixel.
    np.testing.assert_allclose([row["probabilities"] for row in found],
                               served("categorize", images=expected)["probabilities"], atol=0.01)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_rows_than_a_batch_takes(batching_server, served, transport):
    seeds = np.arange(150)
    with batching_server.client(transport) as client:
        codes = client.sample_each(seeds)["code"]
    np.testing.assert_array_equal(codes, served("sample_each", seed=seeds)["code"])
    with batching_server.client(transport, batch_size=65) as client, \
            pytest.raises(ServingError, match="65 is larger than maximum input batch size 64"):
        client.sample_each(seeds)


def _together(server, served, signatures, clients=8, rounds=3):
    """Several clients at once, each with rows of its own and its numbers of rows."""
    barrier = threading.Barrier(clients)

    def call(number):
        with server.client(TRANSPORTS[number % 2]) as client:
            client.metadata()
            answers = []
            for step in range(rounds):
                signature = signatures[(number + step) % len(signatures)]
                inputs = _inputs(signature, 1 + number % 3, first=10 * number + step)
                barrier.wait()
                answers.append((signature, inputs, client.predict(signature, inputs)))
        return answers

    with ThreadPoolExecutor(clients) as pool:
        for answers in pool.map(call, range(clients)):
            for signature, inputs, found in answers:
                _check_equal(found, served(signature, **inputs))


def test_clients_at_the_same_time(server, served):
    _together(server, served, ["generate", "categorize_bytes", "sample", "generate_png", "embed"])


@pytest.mark.parametrize("signature", ["generate", "categorize_bytes", "sample_each"])
def test_a_row_gets_the_same_in_a_batch_of_several_requests(batching_server, served, signature):
    _together(batching_server, served, [signature], rounds=1)
    if batching_server.batch_sizes is not None:
        assert max(map(len, batching_server.batch_sizes)) > 1
        batching_server.batch_sizes.clear()


BAD_INPUTS = [
    ("generate", {"code": [0, 10], "seed": [1, 2]}, r"^code .*0 to 10.*0 to 9$"),
    ("generate", {"code": [1, 2], "seed": [1]}, r"^seed has 1 rows and code has 2; expected as many"),
    ("generate", {"code": [], "seed": []}, r"^code has 0 rows; expected 1 to 1024$"),
    ("sample", {"count": [1], "seed": 1}, r"^count has shape \[1\]; expected \[\]$"),
    ("categorize", {"images": np.full([2, 28, 28, 1], np.nan)}, r"^images .*nan.*from 0 to 1$"),
    ("categorize_bytes", {"image_bytes": [_png(0), b"no image"]}, r"^image_bytes .*neither PNG nor JPEG"),
]


@pytest.mark.parametrize(("signature", "inputs", "sentence"), BAD_INPUTS)
def test_bad_input_is_refused_in_a_sentence_and_the_next_request_served(client, signature, inputs, sentence):
    with pytest.raises(ServingError, match=sentence) as raised:
        client.predict(signature, inputs)
    assert raised.value.code == "INVALID_ARGUMENT"
    assert "node" not in str(raised.value) and "\n" not in str(raised.value)
    assert client.generate([1], [2]).shape == (1, 28, 28, 1)


def test_what_is_not_there_is_named(server):
    for transport in TRANSPORTS:
        with pytest.raises(ServingError, match=r"^the model 'nist' is not served at .*; expected one"):
            server.client(transport, model="nist").generate([1], [2])
        with pytest.raises(ServingError, match=r"^the version 7 of the model '\w+' is not served at .*; "
                                               r"expected one of 1 \(AVAILABLE\)$"):
            server.client(transport, version=7).generate([1], [2])
        with pytest.raises(ServingError, match=r"^the signature 'paint' is not served; expected one of "):
            server.client(transport).predict("paint", {})
        with pytest.raises(ServingError, match=r"^images has shape \[1 32 32 1\]; expected \[N 28 28 1\]$"):
            server.client(transport).embed(np.zeros([1, 32, 32, 1]))
        assert server.client(transport, version=1).status()[0][:2] == (1, "AVAILABLE")
        assert server.client(transport, version=1).generate([1], [2]).shape == (1, 28, 28, 1)

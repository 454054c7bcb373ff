"""REST as any program speaks it, without the client: a server's JSON and status codes.

The same tests run against the small server of these tests and, where it is, tensorflow_model_server.
"""

import json
import urllib.error
import urllib.request

import arithmetic_model
import pytest
from running_servers import KINDS, start

pytestmark = pytest.mark.slow

# The codes 3 and 1, grey of 3/4 and 1/4.
IMAGES = [[[[grey], [grey]], [[grey], [grey]]] for grey in (0.75, 0.25)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The directory of a model that is worked out by hand."""
    path = tmp_path_factory.mktemp("arithmetic")
    arithmetic_model.save(path / "1")
    return path


@pytest.fixture(scope="module", params=KINDS)
def server(request, base):
    running = start(request.param, "m", base)
    yield running
    running.stop()


def _http(server, path, body=None):
    """What curl would get: the status and the JSON of the answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.ports['http']}/v1/models/{server.model}{path}",
                                     data=None if body is None else body.encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_inputs_and_instances(server):
    assert _http(server, ":predict", '{"inputs": {"code": [3, 1], "seed": [7, 7]}}') == (
        200, {"outputs": IMAGES})
    assert _http(server, "/versions/1:predict", '{"signature_name": "generate", "instances": '
                 '[{"code": 3, "seed": 7}, {"code": 1, "seed": 7}]}') == (200, {"predictions": IMAGES})


def test_images_go_back_as_they_came(server):
    status, answer = _http(server, ":predict", '{"signature_name": "generate_png", "inputs": {"code": [3], '
                           '"seed": [7]}}')
    assert status == 200
    png, = answer["outputs"]
    status, answer = _http(server, ":predict", json.dumps({"signature_name": "categorize_bytes",
                                                           "instances": [png]}))
    found, = answer["predictions"]
    assert (status, found["code"]) == (200, 3)
    # 0.7 + 0.3 / 4 for the code, 0.3 / 4 for the others.
    assert found["confidence"] == pytest.approx(0.775)
    assert found["probabilities"] == pytest.approx([0.075, 0.075, 0.075, 0.775])


def test_status_and_metadata(server):
    status, answer = _http(server, "")
    assert (status, answer["model_version_status"][0]["state"]) == (200, "AVAILABLE")
    status, answer = _http(server, "/metadata")
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert (status, signatures["generate"]["inputs"]["seed"]["dtype"]) == (200, "DT_INT64")


@pytest.mark.parametrize(("path", "body", "status", "words"), [
    (":predict", "{", 400, "JSON Parse error"), (":predict", "[]", 400, "Is not object"),
    (":predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
    (":predict", '{"inputs": {"code": [1]}}', 400, "Missing named input: seed"),
    (":predict", '{"inputs": {"code": [1.5], "seed": [1]}}', 400, "is not of expected type: int32"),
    (":predict", '{"inputs": {"code": [4], "seed": [1]}}', 400, "expected numbers from 0 to 3"),
    (":predict", '{"signature_name": "prior", "inputs": {}}', 400, "Failed to get input map for signature"),
    (":predict", '{"signature_name": "paint", "inputs": {}}', 400, '"paint" not found in signature def'),
    ("/versions/7:predict", '{"inputs": {"code": [1], "seed": [1]}}', 404, "Servable not found for request"),
    ("x", None, 404, "Could not find any versions of model"),
    ("/versions/7", None, 404, "Could not find version"),
    (":predict", None, 400, "Malformed request: GET /v1/models/"),
])
def test_rest_refuses_with_status_codes(server, path, body, status, words):
    found, answer = _http(server, path, body)
    assert found == status
    assert words in answer["error"]

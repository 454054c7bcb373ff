"""The client without a model: what it sends, when it tries again, and what it says when something fails."""

import socket
import sys

import numpy as np
import pytest
from fakes import ROWS, FakeTransport, make_client, make_rows

from eig_tf.errors import UserError
from eig_tf.serving.client.model_client import connect
from eig_tf.serving.client.protocol import (
    Retry,
    ServingError,
    Signature,
    TensorInfo,
    VersionStatus,
)


@pytest.mark.parametrize(("rows", "options", "sizes"), [
    (64, {}, [64]), (65, {}, [64, 1]), (150, {}, [64, 64, 22]),
    (1, {"batch_size": 1}, [1]), (5, {"batch_size": 2}, [2, 2, 1])])
def test_large_batches_are_split_and_joined(rows, options, sizes):
    transport = FakeTransport()
    client, _ = make_client(transport, **options)
    outputs = client.predict("double", make_rows(rows))
    assert [len(sent["x"]) for sent in transport.sent] == sizes
    assert [len(sent["seed"]) for sent in transport.sent] == sizes
    np.testing.assert_array_equal(outputs["y"], 2 * make_rows(rows)["x"])
    np.testing.assert_array_equal(outputs["seed"], np.arange(rows))


def test_what_is_not_independent_by_rows_is_sent_whole():
    transport = FakeTransport()
    client, _ = make_client(transport, batch_size=2)
    assert client.predict("total", {"x": np.ones([5, 2])})["y"] == 10
    client.predict("count", {"n": 5})
    client.predict("any", {"x": np.ones([5])})
    # The server says in its own words what is wrong with these.
    client.predict("double", {"x": np.ones([5, 2]), "seed": [1]})
    client.predict("double", {"x": np.ones([]), "seed": 1})
    client.predict("double", {"x": np.zeros([0, 2]), "seed": []})
    assert [next(iter(sent.values())).shape for sent in transport.sent] == [
        (5, 2), (), (5,), (5, 2), (), (0, 2)]


def test_one_seed_stands_for_all_rows_and_continuous_codes_have_a_signature_of_their_own():
    inputs = {"code": TensorInfo("int32", (None,)), "seed": TensorInfo("int64", (None,))}
    outputs = {"images": TensorInfo("float32", (None, 2, 2, 1))}
    transport = FakeTransport(signatures={"generate": Signature(inputs, outputs)})
    client, _ = make_client(transport)
    client.generate([1, 2], 7)
    with pytest.raises(ServingError, match=r"^the signature 'generate_continuous' is not served; expected"):
        client.generate([1, 2], 7, [[0.5], [0.5]])
    with_continuous = Signature({**inputs, "continuous": TensorInfo("float32", (None, 1))}, outputs)
    transport.signatures["generate_continuous"] = with_continuous
    client.generate([1, 2], 7, [[0.5], [-0.5]])
    assert [{name: array.tolist() for name, array in sent.items()} for sent in transport.sent] == [
        {"code": [1, 2], "seed": [7, 7]},
        {"code": [1, 2], "seed": [7, 7], "continuous": [[0.5], [-0.5]]}]


def test_generate_from_code_sends_the_inputs_that_are_given():
    outputs = {"images": TensorInfo("float32", (None, 2, 2, 1))}
    transport = FakeTransport(signatures={"generate_from_code": Signature(
        {"code": TensorInfo("float32", (None, 2)), "continuous": TensorInfo("float32", (None, 1))}, outputs)})
    client, _ = make_client(transport)
    client.generate_from_code([[0, 1]], continuous=[[0.5]])
    assert set(transport.sent[-1]) == {"code", "continuous"}
    with pytest.raises(ServingError, match=r"is given the inputs code, noise; expected code, continuous$"):
        client.generate_from_code([[0, 1]], [[0.5]])


@pytest.mark.parametrize(("draw", "expected"), [(1.0, [0.25, 0.5, 1.0]), (0.0, [0.125, 0.25, 0.5])])
def test_a_server_that_is_not_available_is_asked_again(draw, expected):
    transport = FakeTransport([("UNAVAILABLE", "refused")] * 3)
    client, sleeps = make_client(transport, draw=draw)
    np.testing.assert_array_equal(client.predict("double", make_rows(2))["y"], 2 * make_rows(2)["x"])
    assert sleeps == expected
    # The deadline is that of all tries together.
    assert transport.timeouts == [30.0 - sum(expected[:number]) for number in range(4)]


def test_waiting_grows_up_to_five_seconds():
    # From the 1,025th try on, a power of the tries' number would be no float.
    transport = FakeTransport([("UNAVAILABLE", "refused")] * 1100)
    client, sleeps = make_client(transport, timeout=1e6, retries=1100)
    client.predict("double", make_rows(1))
    assert sleeps == [0.25, 0.5, 1.0, 2.0, 4.0, *[5.0] * 1095]


def test_a_try_after_a_wait_that_took_too_long_has_a_moment():
    timeouts, now = [], [0.0]

    def attempt(timeout):
        timeouts.append(timeout)
        raise ServingError("UNAVAILABLE", "refused")

    def oversleep(_):
        now[0] += 60.0

    with pytest.raises(ServingError):
        Retry(30.0, 5, clock=lambda: now[0], sleep=oversleep, draw=lambda: 1.0)(attempt)
    assert timeouts == [30.0, 0.001]


@pytest.mark.parametrize(("options", "tries"), [
    ({"retries": 0}, 1), ({"retries": 2}, 3), ({"timeout": 1.75}, 3), ({"timeout": 1.76}, 4)])
def test_trying_ends(options, tries):
    transport = FakeTransport([("UNAVAILABLE", "refused")] * 100)
    client, _ = make_client(transport, **options)
    with pytest.raises(ServingError, match=r"^grpc://fake:1 is not available: refused; expected the address "
                                           r"of a model server$") as raised:
        client.predict("double", make_rows(1))
    assert raised.value.code == "UNAVAILABLE"
    assert isinstance(raised.value, UserError)
    assert len(transport.sent) == tries


@pytest.mark.parametrize(("code", "sentence"), [
    ("INVALID_ARGUMENT", "no"), ("FAILED_PRECONDITION", "no"),
    ("DEADLINE_EXCEEDED", "grpc://fake:1 did not answer within 30 s; expected an answer in that time, or a "
                          "longer timeout"),
    ("INTERNAL", "grpc://fake:1 failed with INTERNAL: no"),
    ("RESOURCE_EXHAUSTED", "grpc://fake:1 failed with RESOURCE_EXHAUSTED: no"),
    ("NOT_FOUND", "the model 'm' is not served at grpc://fake:1; expected one that is")])
def test_nothing_else_is_tried_again(code, sentence):
    transport = FakeTransport([(code, "no")] * 2)
    client, sleeps = make_client(transport)
    with pytest.raises(ServingError) as raised:
        client.predict("double", make_rows(1))
    assert (str(raised.value), raised.value.code) == (sentence, code)
    assert (len(transport.sent), sleeps) == (1, [])


@pytest.mark.parametrize(("version", "start"), [
    (7, "the version 7 of the model 'm' is not served"), (None, "a version of the model 'm' is not served")])
def test_the_versions_that_exist_are_named(version, start):
    transport = FakeTransport([("NOT_FOUND", "Servable not found")], versions=[
        VersionStatus(3, "LOADING", ""), VersionStatus(2, "END", "no space left")])
    with pytest.raises(ServingError) as raised:
        make_client(transport, version=version)[0].predict("double", make_rows(1))
    assert str(raised.value) == (
        f"{start} at grpc://fake:1; expected one of 2 (END no space left), 3 (LOADING)")


@pytest.mark.parametrize(("message", "sentence"), [
    ("assertion failed: [code ranges from 0 to 10; expected numbers from 0 to 9]\n\t [[{{function_node "
     "__inference_generate_7}}{{node check/Assert}}]]",
     "code ranges from 0 to 10; expected numbers from 0 to 9"),
    ("{{function_node __inference_f_1}} {{node map/DecodePng}} Invalid PNG data, size 5\n\t [[map]]",
     "Invalid PNG data, size 5"),
    ("2 root error(s) found.\n  (0) INVALID_ARGUMENT: assertion failed: [code has [] rows] [[{{node a}}]]\n"
     "  (1) INVALID_ARGUMENT: assertion failed: [other]", "code has [] rows"),
    ("images has the shape [[2]]; expected [N, 28, 28, 1]",
     "images has the shape [[2]]; expected [N, 28, 28, 1]"),
])
def test_a_servers_sentence_stands_alone(message, sentence):
    with pytest.raises(ServingError) as raised:
        make_client(FakeTransport([("INVALID_ARGUMENT", message)]))[0].predict("double", make_rows(1))
    assert str(raised.value) == sentence


def test_a_new_version_may_have_other_signatures():
    transport = FakeTransport(signatures={"f": Signature({"old": ROWS}, {"y": ROWS})})
    client, _ = make_client(transport)
    client.predict("f", {"old": [[1, 2]]})
    transport.signatures = {"f": Signature({"new": ROWS}, {"y": ROWS})}
    np.testing.assert_array_equal(client.predict("f", {"new": [[1, 2]]})["y"], [[1, 2]])


@pytest.mark.parametrize(("arguments", "sentence"), [
    (("", "m"), "the address is ''; expected grpc://HOST:PORT, HOST:PORT or dns:///HOST:PORT for the "
                "same, or http://HOST:PORT"),
    (("host", "m"), "the address is 'host'; expected"), (("grpc://host", "m"), "the address is 'grpc://host'"),
    (("host:1/path", "m"), "the address is 'host:1/path'; expected"),
    (("dns:///host:1/path", "m"), "the address is 'dns:///host:1/path'; expected"),
    (("http://h\udc80", "m"), r"the address is 'http://h\udc80'; expected"),
    (("host:1", ""), "the model's name is ''; expected its name on the server"),
    (("host:1", "m\udc80"), r"the model's name is 'm\udc80'; expected its"),
    (("host:1", "m", -1), "version is -1; expected a whole number from 0 to 9223372036854775807"),
    (("host:1", "m", 2**63), "version is 9223372036854775808; expected a whole number from 0 to"),
    (("host:1", "m", "1"), "version is '1'; expected a whole number from 0 to"),
    (("host:1", "m", None, float("nan")), "timeout is nan; expected a number from 0.001 to 1000000.0"),
    (("host:1", "m", None, 1e10), "timeout is 10000000000.0; expected a number from 0.001 to 1000000.0"),
    (("host:1", "m", None, "1"), "timeout is '1'; expected a number from 0.001 to 1000000.0"),
    (("host:1", "m", None, 1.0, -1), "retries is -1; expected a whole number from 0"),
    (("host:1", "m", None, 1.0, 1, 0), "batch_size is 0; expected a whole number from 1"),
])
def test_bad_arguments_of_connect_are_refused(arguments, sentence):
    with pytest.raises(UserError) as raised:
        connect(*arguments)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(("address", "resolved"), [
    ("host:8500", "grpc://host:8500"), ("dns:///host:8500", "grpc://host:8500"),
    ("grpc://[::1]:8500", "grpc://[::1]:8500"),
    ("http://host:8501/", "http://host:8501"), ("https://host/prefix", "https://host/prefix")])
def test_addresses(address, resolved):
    with connect(address, "m") as client:
        assert client._transport.address == resolved


@pytest.mark.parametrize("scheme", ["grpc", "http"])
@pytest.mark.parametrize(("listens", "timeout", "sentence"), [
    (False, 1e6, "is not available: .*[Cc]onnection refused"),
    (True, 0.3, r"did not answer within 0\.3 s; expected")])
def test_a_refused_and_a_silent_address(scheme, listens, timeout, sentence):
    """With the largest version, which every message must hold."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()
        address = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServingError, match=f"^{address} {sentence}"):
            connect(address, "m", version=2**63 - 1, timeout=timeout, retries=np.int64(0)).metadata()


@pytest.mark.parametrize(("missing", "module", "address", "sentence"), [
    ("tensorflow_serving", "grpc_transport", "host:1", "tensorflow_serving.apis is not installed, which"),
    ("requests", "rest_transport", "http://host:1", "requests is not installed, which http:// needs")])
def test_a_missing_package_is_named(monkeypatch, missing, module, address, sentence):
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"eig_tf.serving.client.{module}", raising=False)
    with pytest.raises(UserError) as raised:
        connect(address, "m")
    assert str(raised.value).startswith(sentence)
    assert "pip install 'eig_tf[serving]'" in str(raised.value)

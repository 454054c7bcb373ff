"""What the client makes of inputs, and which it refuses before they are sent."""

import numpy as np
import pytest
from fakes import FakeTransport, make_client

from eig_tf.serving.client import ServingError
from eig_tf.serving.client.protocol import Signature, TensorInfo


@pytest.mark.parametrize(("signature", "inputs", "sentence"), [
    ("triple", {}, "the signature 'triple' is not served; expected one of any, count, double, length, total"),
    ("total", {}, "the signature 'total' is given the inputs none; expected x"),
    ("total", {"x": [[1, 2]], "z": 1}, "the signature 'total' is given the inputs x, z; expected x"),
    ("total", {"x": [["a", "b"]]}, "the input 'x' cannot be converted: it is text; expected float32 [N, 2]"),
    ("total", {"x": [[1j, 2]]},
     "the input 'x' cannot be converted: it is complex128; expected float32 [N, 2]"),
    ("count", {"n": 1.0}, "the input 'n' cannot be converted: it is float64; expected int32 []"),
    ("count", {"n": 2**31}, "the input 'n' cannot be converted: it ranges from 2147483648 to 2147483648; "
     "expected int32 []"),
    ("length", {"image_bytes": [b"a", 1]},
     "the input 'image_bytes' cannot be converted: it holds int; expected string [N]"),
    ("length", {"image_bytes": ["a", "\udcff"]},
     "the input 'image_bytes' cannot be converted: 'utf-8' codec can't encode character '\\udcff' in "
     "position 0: surrogates not allowed; expected string [N]"),
])
def test_bad_inputs_are_refused_before_they_are_sent(signature, inputs, sentence):
    transport = FakeTransport()
    with pytest.raises(ServingError) as raised:
        make_client(transport)[0].predict(signature, inputs)
    assert str(raised.value) == sentence
    assert transport.sent == []


def test_one_seed_serves_all_categories():
    inputs = {"category": TensorInfo("int32", (None,)), "seed": TensorInfo("int64", (None,))}
    transport = FakeTransport(signatures={name: Signature(inputs, {"code": TensorInfo("int32", (None,))})
                                          for name in ("generate_category", "generate_category_png")})
    client, _ = make_client(transport)
    assert client.generate_category([2, 0], 7)["code"].tolist() == [2, 0]
    client.generate_category_png(1, [5])
    assert [(sent["category"].tolist(), sent["seed"].tolist()) for sent in transport.sent] == [
        ([2, 0], [7, 7]), ([1], [5])]


def test_ragged_lists_are_refused():
    with pytest.raises(ServingError, match=r"^the input 'x' cannot be converted: .*; expected float32"):
        make_client(FakeTransport())[0].predict("total", {"x": [[1.0, 2.0], [3.0]]})


def test_inputs_are_converted_where_only_precision_is_lost():
    transport = FakeTransport()
    client, _ = make_client(transport)
    client.predict("double", {"x": [[1, 2]], "seed": np.uint8([3])})
    client.predict("length", {"image_bytes": ["ö", b"ends in\0\0"]})
    assert {key: array.dtype for key, array in transport.sent[0].items()} == {"x": np.float32,
                                                                              "seed": np.int64}
    assert transport.sent[1]["image_bytes"].tolist() == [b"\xc3\xb6", b"ends in\0\0"]

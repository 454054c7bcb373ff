"""A transport that answers in this process, and clients whose time passes only as they wait."""

import numpy as np

from eig_tf.serving.client.model_client import Client
from eig_tf.serving.client.protocol import Retry, ServingError, Signature, TensorInfo

ROWS = TensorInfo("float32", (None, 2))
SIGNATURES = {
    "double": Signature({"x": ROWS, "seed": TensorInfo("int64", (None,))},
                        {"y": ROWS, "seed": TensorInfo("int64", (None,))}),
    "total": Signature({"x": ROWS}, {"y": TensorInfo("float32", ())}),
    "count": Signature({"n": TensorInfo("int32", ())}, {"y": TensorInfo("int32", (None,))}),
    "length": Signature({"image_bytes": TensorInfo("string", (None,))}, {"y": TensorInfo("int32", (None,))}),
    "any": Signature({"x": TensorInfo("float32", None)}, {"y": TensorInfo("float32", None)}),
}


class FakeTransport:
    """Answers in this process; fails as often as `failures` says first."""

    address = "grpc://fake:1"

    def __init__(self, failures=(), signatures=None, versions=()):
        self.failures, self.sent, self.timeouts = list(failures), [], []
        self.signatures, self.versions = signatures or dict(SIGNATURES), list(versions)

    def metadata(self, timeout):
        return dict(self.signatures)

    def status(self, timeout):
        if not self.versions:
            raise ServingError("NOT_FOUND", "Could not find any versions of model m")
        return self.versions

    def predict(self, name, signature, inputs, timeout):
        self.sent.append(inputs)
        self.timeouts.append(timeout)
        if self.failures:
            raise ServingError(*self.failures.pop(0))
        if name == "double":
            return {"y": 2 * inputs["x"], "seed": inputs["seed"]}
        if name == "total":
            return {"y": np.float32(inputs["x"].sum())}
        return {key: next(iter(inputs.values())) for key in signature.outputs}


def make_client(transport, timeout=30.0, retries=5, draw=1.0, version=None, **options):
    """A client whose clock is moved by its sleeps alone, and the list of those."""
    sleeps = []
    retry = Retry(timeout, retries, clock=lambda: 100.0 + sum(sleeps), sleep=sleeps.append,
                  draw=lambda: draw)
    return Client(transport, "m", version, retry, **options), sleeps


def make_rows(number):
    return {"x": np.arange(2 * number, dtype=np.float32).reshape(number, 2),
            "seed": np.arange(number, dtype=np.int64)}

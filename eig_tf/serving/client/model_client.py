"""A client of model servers that speak TensorFlow Serving's protocols, gRPC or REST."""

import re

import numpy as np
from eig_tf.serving.client.model_client.transport import Retry, ServingError

from eig_tf.serving.client.model_client import arguments, request_inputs

# Servers that batch refuse requests of more rows than their largest batch, 64 in deploy/batching.config, and
# models those of more than their image size allows: 1024 rows of 28x28, 256 of 64x64, 64 of 128x128.
_BATCH_SIZE = 64
# Seconds to find out what the server has instead of what was asked for.
_EXPLAIN_TIMEOUT = 5.0


def connect(address, model, version=None, timeout=30.0, retries=5, batch_size=_BATCH_SIZE):
    """Makes a client of one model of a server; nothing is sent before its first call.

    Args:
        address: `grpc://host:8500`, `host:8500` or `dns:///host:8500` for gRPC, which needs
            tensorflow-serving-api; `http://host:8501` for REST, which needs no TensorFlow. Where the host
            has several addresses, as a headless Kubernetes service has, gRPC spreads calls over them.
        model: the name that the server was given for the model.
        version: its number; the latest when None.
        timeout: seconds for each request, further tries included, above 0 to 1e6. By REST, an answer that
            stops halfway is waited for up to twice as long.
        retries: further tries of a request while the server is not available.
        batch_size: rows that are sent in one request, from 1; larger batches are split.

    Returns:
        A `Client`.

    Raises:
        UserError: the address, the model's name or a number is none, or a package is missing.
    """
    rest, target = arguments.read_address(address)
    arguments.check_model(model)
    version = None if version is None else arguments.read_whole("version", version, 0)
    retry = Retry(arguments.read_timeout(timeout), arguments.read_whole("retries", retries, 0))
    batch_size = arguments.read_whole("batch_size", batch_size, 1)
    if rest:
        from eig_tf.serving.client.model_client.rest_transport import RestTransport
        transport = RestTransport(target, model, version)
    else:
        from eig_tf.serving.client.model_client.grpc_transport import GrpcTransport
        transport = GrpcTransport(target, model, version)
    return Client(transport, model, version, retry, batch_size)


class Client:
    """Calls the signatures of one model; made by `connect`. Several threads may share it.

    Every method raises a `ServingError` with one sentence, which is a `UserError`: when the server is not
    available or too slow, does not have what was asked for, or refuses an input. Only a server that is not
    available is asked again.

    Args:
        transport: a `GrpcTransport` or `RestTransport`.
        model, version, batch_size: see `connect`.
        retry: a `Retry`.
    """

    def __init__(self, transport, model, version, retry, batch_size=_BATCH_SIZE):
        self._transport, self._retry = transport, retry
        self._model, self._version, self._batch_size = model, version, batch_size
        self._known = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connection."""
        self._transport.close()

    def metadata(self):
        """The served `Signature`s by name: names, types and shapes of inputs and outputs."""
        self._known = self._call(self._transport.metadata)
        return self._known

    def signature(self, name):
        """The `Signature` of that name, as the server told it first."""
        known = self._known or self.metadata()
        if name not in known:
            raise ServingError("NOT_FOUND", f"the signature {name!r} is not served; expected one of "
                               f"{', '.join(sorted(known))}")
        return known[name]

    def status(self):
        """`VersionStatus` of every version that the server knows."""
        return self._call(self._transport.status)

    def predict(self, signature, inputs):
        """Calls any signature.

        Inputs are checked against the server's metadata before they are sent. Where rows are independent,
        more of them than a request takes are sent in several requests, each with its own timeout.

        Args:
            signature: its name.
            inputs: arrays, or lists of numbers or bytes, by name.

        Returns:
            The outputs, NumPy arrays by name; strings as arrays of bytes objects.
        """
        found, arrays = self._checked(signature, inputs)
        rows = request_inputs.independent_rows(found, arrays) or 0
        parts = [{key: array[start:start + self._batch_size] for key, array in arrays.items()}
                 for start in range(0, rows, self._batch_size)] if rows > self._batch_size else [arrays]
        outputs = [self._call(lambda timeout, part=part: self._transport.predict(
            signature, found, part, timeout)) for part in parts]
        return {key: np.concatenate([part[key] for part in outputs]) if len(outputs) > 1 else value
                for key, value in outputs[0].items()}

    def generate(self, code, seed, continuous=None):
        """Images of codes, float32 [N, H, W, channels] in [0, 1].

        Args:
            code: indices from 0 to K - 1, [N].
            seed: of each row's noise, [N], or one for all.
            continuous: in [-1, 1], [N, C], for a model with continuous codes.
        """
        return self.predict("generate", _codes_and_seeds(code, seed, continuous))["images"]

    def generate_png(self, code, seed, continuous=None):
        """As `generate`, to a list of N encoded images, PNG as bytes."""
        return self.predict("generate_png", _codes_and_seeds(code, seed, continuous))["image_bytes"].tolist()

    def generate_from_code(self, code, noise, continuous=None):
        """As `generate`, from the generator's own input.

        Args:
            code: vectors on the simplex, [N, K].
            noise: from -100 to 100, N(0, 1) in training, [N, Z].
            continuous: see `generate`.
        """
        inputs = {"code": code, "noise": noise, **_optional(continuous)}
        return self.predict("generate_from_code", inputs)["images"]

    def sample(self, count, seed):
        """`images` of `count` codes that are drawn from the learned prior, and their `code`, int32 [count].

        A server that batches requests has `sample_each` only.
        """
        return self.predict("sample", {"count": count, "seed": seed})

    def sample_each(self, seed):
        """As `sample`, with one image a seed, [N]."""
        return self.predict("sample_each", {"seed": seed})

    def categorize(self, images):
        """What Q makes of images, [N, H, W, channels] in [0, 1].

        Returns:
            `probabilities` of the codes, float32 [N, K]; the largest, `confidence`, float32 [N]; and its
            `code`, int32 [N].
        """
        return self.predict("categorize", {"images": images})

    def categorize_bytes(self, image_bytes):
        """As `categorize`, from PNG or JPEG files of any size, a list of N bytes."""
        return self.predict("categorize_bytes", {"image_bytes": image_bytes})

    def embed(self, images):
        """Q's penultimate layer for images, see `categorize`: float32 [N, 128]."""
        return self.predict("embed", {"images": images})["feature"]

    def prior(self):
        """The learned `probabilities` of the codes, float32 [K], and their `class_name`, bytes [K].

        By gRPC only: TensorFlow Serving's REST interface serves no signature without inputs.
        """
        return self.predict("prior", {})

    def _checked(self, name, inputs):
        """The `Signature` of that name, and its inputs as arrays."""
        cached = self._known is not None
        try:
            signature = self.signature(name)
            return signature, request_inputs.prepare(name, signature, inputs)
        except ServingError:
            if not cached:
                raise
        # The server may have gone over to a version with other signatures.
        self._known = None
        return self._checked(name, inputs)

    def _call(self, attempt):
        try:
            return self._retry(attempt)
        except ServingError as error:
            raise ServingError(error.code, self._explained(error.code, _sentence(str(error)))) from None

    def _explained(self, code, sentence):
        address = self._transport.address
        if code == "UNAVAILABLE":
            return f"{address} is not available: {sentence}; expected the address of a model server"
        if code == "DEADLINE_EXCEEDED":
            return (f"{address} did not answer within {self._retry.timeout:g} s; expected an answer in that "
                    "time, or a longer timeout")
        if code == "NOT_FOUND":
            return self._whats_there(sentence)
        if code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
            return sentence
        return f"{address} failed with {code}: {sentence}"

    def _whats_there(self, sentence):
        address = self._transport.address
        try:
            versions = self._transport.status(_EXPLAIN_TIMEOUT)
        except ServingError as error:
            if error.code == "NOT_FOUND":
                return f"the model {self._model!r} is not served at {address}; expected one that is"
            return f"{address} failed with NOT_FOUND: {sentence}"
        states = ", ".join(f"{found.version} ({' '.join([found.state, found.error]).strip()})"
                           for found in sorted(versions))
        wanted = "a version" if self._version is None else f"the version {self._version}"
        return f"{wanted} of the model {self._model!r} is not served at {address}; expected one of {states}"


def _codes_and_seeds(code, seed, continuous):
    code = np.atleast_1d(code)
    seed = np.broadcast_to(seed, code.shape) if np.ndim(seed) == 0 else seed
    return {"code": code, "seed": seed, **_optional(continuous)}


def _optional(continuous):
    return {} if continuous is None else {"continuous": continuous}


def _sentence(message):
    """A server's message without what TensorFlow adds: the nodes of the graph that it comes from."""
    message = re.sub(r"^\d+ root error\(s\) found\.\s*\(0\)\s*\w+: ", "", message.strip())
    message = re.split(r"\s*\n|\s*\[\[\{\{|\s*\[Op:", message, maxsplit=1)[0]
    message = re.sub(r"\{\{(function_)?node [^}]*\}\}\s*", "", message)
    assertion = re.fullmatch(r"assertion failed: \[(.*)\]", message)
    return " ".join((assertion[1] if assertion else message).split())[:500]

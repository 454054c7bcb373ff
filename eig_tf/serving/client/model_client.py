"""A client of one model of a server that speaks TensorFlow Serving's protocols, gRPC or REST."""

from __future__ import annotations

import functools
import numbers
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import numpy as np
from numpy.typing import ArrayLike

from eig_tf.errors import UserError
from eig_tf.serving.client.protocol import Retry, ServingError, Signature, TensorInfo, VersionStatus

# Servers with batching refuse more rows than their largest batch, 64 in deploy/batching.config; models
# themselves take 64 rows or more of every image size.
_BATCH_SIZE = 64
_ADDRESSES = "grpc://HOST:PORT, HOST:PORT or dns:///HOST:PORT for the same, or http://HOST:PORT"
# Seconds for asking the server which versions it has, after it did not find the requested one.
_EXPLAIN_TIMEOUT = 5.0


def connect(address: str, model: str, version: int | None = None, timeout: float = 30.0, retries: int = 5,
            batch_size: int = _BATCH_SIZE) -> Client:
    """Return a client of one model of a server; nothing is sent before its first call.

    Args:
        address: `grpc://host:8500`, `host:8500` or `dns:///host:8500` for gRPC, which needs
            tensorflow-serving-api; `http://host:8501` for REST, which needs no TensorFlow. When the host
            has several addresses, as a headless Kubernetes service has, gRPC spreads calls over them.
        model: the name of the model on the server.
        version: the number of the version; the latest when None.
        timeout: seconds for each request including retries, 0.001 to 1e6. Over REST, an answer that stops
            halfway is waited for up to twice as long.
        retries: further attempts of a request while the server is unavailable, 0 or more.
        batch_size: rows that are sent in one request, 1 or more; larger batches are split.

    Raises:
        UserError: an argument is invalid, or a package is missing.
    """
    # Strings that are not printable cannot be sent, such as those of a command line in another encoding.
    found = re.fullmatch(r"(?:(grpc|https?)://|dns:///)?([^/\s]+?)(:\d+)?(/\S*)?", address)
    scheme, host, port, path = found.groups() if found and address.isprintable() else (None,) * 4
    rest = scheme in ("http", "https")
    if not host or not (rest or (port and not path)):
        raise UserError(f"the address is {address!r}; expected {_ADDRESSES}")
    if not isinstance(model, str) or not model or not model.isprintable():
        raise UserError(f"the model's name is {model!r}; expected its name on the server")
    largest = 2**63 - 1
    if version is not None:
        version = int(_checked_number("version", version, numbers.Integral, 0, largest))
    retry = Retry(float(_checked_number("timeout", timeout, numbers.Real, 0.001, 1e6)),
                  int(_checked_number("retries", retries, numbers.Integral, 0, largest)))
    batch_size = int(_checked_number("batch_size", batch_size, numbers.Integral, 1, largest))
    if rest:
        from eig_tf.serving.client.rest_transport import RestTransport
        return Client(RestTransport(address.rstrip("/"), model, version), model, version, retry, batch_size)
    from eig_tf.serving.client.grpc_transport import GrpcTransport
    return Client(GrpcTransport(f"{host}{port}", model, version), model, version, retry, batch_size)


class Client:
    """Calls the signatures of one model; made by `connect`. Threads may share a client.

    Every method raises a `ServingError`, which is a `UserError`, with one sentence: when the server is
    unavailable or too slow, lacks what was asked for, or refuses an input.

    Args:
        transport: a `GrpcTransport` or `RestTransport`.
        model, version, batch_size: see `connect`.
        retry: the rule for retries.
    """

    def __init__(self, transport: Any, model: str, version: int | None, retry: Retry,
                 batch_size: int = _BATCH_SIZE) -> None:
        self._transport, self._retry = transport, retry
        self._model, self._version, self._batch_size = model, version, batch_size
        self._known: dict[str, Signature] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def metadata(self) -> dict[str, Signature]:
        """Return the served signatures by name: names, dtypes and shapes of inputs and outputs."""
        self._known = self._call(self._transport.metadata)
        return self._known

    def signature(self, name: str) -> Signature:
        """Return a signature, as the server described it first."""
        known = self._known or self.metadata()
        if name not in known:
            raise ServingError("NOT_FOUND", f"the signature {name!r} is not served; expected one of "
                               f"{', '.join(sorted(known))}")
        return known[name]

    def status(self) -> list[VersionStatus]:
        """Return the status of every version that the server knows."""
        return self._call(self._transport.status)

    def predict(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Call any signature.

        Inputs are converted to the dtypes of the signature; their values and shapes are checked by the
        server. When rows are independent, large batches are sent in several requests, each with its own
        timeout.

        Args:
            signature: its name.
            inputs: arrays, or lists of numbers or bytes, by name.

        Returns:
            The outputs, NumPy arrays by name; strings as arrays of bytes objects.
        """
        found, arrays = self._prepare(signature, inputs)
        sizes = {len(array) if array.ndim else 0 for array in arrays.values()}
        rows = sizes.pop() if found.has_independent_rows() and len(sizes) == 1 else 0
        # No rows at all, or unequal numbers of them, are for the server to refuse.
        parts = [{key: array[start:start + self._batch_size] for key, array in arrays.items()}
                 for start in range(0, rows, self._batch_size)] or [arrays]
        outputs = [self._call(functools.partial(self._transport.predict, signature, found, part))
                   for part in parts]
        return {key: np.concatenate([part[key] for part in outputs]) if len(outputs) > 1 else value
                for key, value in outputs[0].items()}

    def generate(self, code: ArrayLike, seed: ArrayLike, continuous: ArrayLike | None = None) -> np.ndarray:
        """Generate images of codes, float32 [N, H, W, channels] in [0, 1].

        Args:
            code: indices from 0 to K - 1, [N].
            seed: seeds of noise and continuous codes, [N], or one for all rows.
            continuous: continuous codes in [-1, 1], [N, C], for a model that has them; drawn when None.
        """
        inputs = _with_seeds("code", code, seed)
        if continuous is None:
            return self.predict("generate", inputs)["images"]
        return self.predict("generate_continuous", {**inputs, "continuous": continuous})["images"]

    def generate_png(self, code: ArrayLike, seed: ArrayLike) -> list[bytes]:
        """Generate as `generate` does, and return N PNG files."""
        return self.predict("generate_png", _with_seeds("code", code, seed))["image_bytes"].tolist()

    def generate_category(self, category: ArrayLike, seed: ArrayLike) -> dict[str, np.ndarray]:
        """Generate images of categories, for a model that has them.

        Args:
            category: indices from 0 to M - 1, [N].
            seed: seeds of all draws, [N], or one for all rows.

        Returns:
            `images`, float32 [N, H, W, channels] in [0, 1], and the `code` drawn for each, int32 [N].
        """
        return self.predict("generate_category", _with_seeds("category", category, seed))

    def generate_category_png(self, category: ArrayLike, seed: ArrayLike) -> dict[str, np.ndarray]:
        """Generate as `generate_category` does; return PNG files as `image_bytes`, bytes [N], and `code`."""
        return self.predict("generate_category_png", _with_seeds("category", category, seed))

    def generate_from_code(self, code: ArrayLike, noise: ArrayLike | None = None,
                           continuous: ArrayLike | None = None) -> np.ndarray:
        """Generate images from the generator's own input, float32 [N, H, W, channels] in [0, 1].

        Args:
            code: vectors on the simplex, [N, K].
            noise: N(0, 1) in training, from -100 to 100, [N, Z]; None for a model without noise.
            continuous: in [-1, 1], [N, C]; None for a model without continuous codes.
        """
        inputs = {"code": code, "noise": noise, "continuous": continuous}
        return self.predict("generate_from_code", {
            name: value for name, value in inputs.items() if value is not None})["images"]

    def sample(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """Generate `images` of `count` codes drawn from the prior; return the `code`s, int32 [count], too.

        With categories, it returns the `category` of each code, int32 [count], as well. A server with
        batching offers `sample_each` only.
        """
        return self.predict("sample", {"count": count, "seed": seed})

    def sample_each(self, seed: ArrayLike) -> dict[str, np.ndarray]:
        """Generate as `sample` does, one image for each seed, [N]."""
        return self.predict("sample_each", {"seed": seed})

    def categorize(self, images: ArrayLike) -> dict[str, np.ndarray]:
        """Find the codes, and the categories if there are any, of images, [N, H, W, channels] in [0, 1].

        Returns:
            `probabilities` of the codes, float32 [N, K], the largest as `confidence`, float32 [N], and its
            `code`, int32 [N]. With categories, `category_probabilities`, float32 [N, M],
            `category_confidence` and `category` likewise.
        """
        return self.predict("categorize", {"images": images})

    def categorize_bytes(self, image_bytes: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Categorize PNG or JPEG files of any size; see `categorize`."""
        return self.predict("categorize_bytes", {"image_bytes": image_bytes})

    def embed(self, images: ArrayLike) -> np.ndarray:
        """Return the encoder's features of images, see `categorize`: float32 [N, F]."""
        return self.predict("embed", {"images": images})["feature"]

    def prior(self) -> dict[str, np.ndarray]:
        """Return the `probabilities` of the codes, float32 [K], and their `class_name`, bytes [K].

        With categories, it returns their `category_probabilities`, float32 [M], as well. It works over gRPC
        only: TensorFlow Serving's REST API serves no signature without inputs.
        """
        return self.predict("prior", {})

    def _prepare(self, name: str, inputs: Mapping[str, Any]) -> tuple[Signature, dict[str, np.ndarray]]:
        """Return a signature and its inputs as arrays."""
        cached = bool(self._known)
        try:
            signature = self.signature(name)
            if set(inputs) != set(signature.inputs):
                raise _invalid(f"the signature {name!r} is given the inputs {_join(inputs)}; expected "
                               f"{_join(signature.inputs)}")
            return signature, {key: _to_array(key, inputs[key], info)
                               for key, info in signature.inputs.items()}
        except ServingError:
            if not cached:
                raise
        # The server may have moved on to a version with other signatures.
        self._known = {}
        return self._prepare(name, inputs)

    def _call(self, attempt: Callable[[float], Any]) -> Any:
        try:
            return self._retry(attempt)
        except ServingError as error:
            raise ServingError(error.code, self._explain(error.code, _own_sentence(str(error)))) from None

    def _explain(self, code, sentence):
        address = self._transport.address
        if code == "UNAVAILABLE":
            return f"{address} is not available: {sentence}; expected the address of a model server"
        if code == "DEADLINE_EXCEEDED":
            return (f"{address} did not answer within {self._retry.timeout:g} s; expected an answer in that "
                    "time, or a longer timeout")
        if code == "NOT_FOUND":
            return self._explain_not_found(sentence)
        if code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION"):
            return sentence
        return f"{address} failed with {code}: {sentence}"

    def _explain_not_found(self, sentence):
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


def _checked_number(name, value, kind, smallest, largest):
    # NaN fails the comparison.
    if not isinstance(value, kind) or not smallest <= value <= largest:
        noun = "a whole number" if kind is numbers.Integral else "a number"
        raise UserError(f"{name} is {value!r}; expected {noun} from {smallest} to {largest}")
    return value


def _with_seeds(name, indices, seed):
    """Return the inputs of codes or categories [N] and of their seeds, one for all or [N]."""
    indices = np.atleast_1d(indices)
    return {name: indices, "seed": np.broadcast_to(seed, indices.shape) if np.ndim(seed) == 0 else seed}


def _to_array(key: str, value: Any, info: TensorInfo) -> np.ndarray:
    """Convert an input where only precision can be lost; strings become an array of bytes objects."""
    is_string = info.dtype == "string"
    try:
        # NumPy's own strings would lose zeros at the end of bytes.
        array = np.array(value, dtype=object) if is_string else np.asarray(value)
        if is_string:
            for index, text in np.ndenumerate(array):
                if not isinstance(text, (bytes, str)):
                    raise TypeError(f"it holds {type(text).__name__}")
                array[index] = text.encode() if isinstance(text, str) else text
            return array
        # An empty list is an array of floats.
        if array.size and not np.can_cast(array.dtype, info.dtype, "same_kind"):
            raise TypeError(f"it is {'text' if array.dtype.kind in 'US' else array.dtype.name}")
        with np.errstate(over="ignore"):
            converted = array.astype(info.dtype)
        if array.dtype.kind in "iu" and converted.dtype.kind in "iu" and not np.array_equal(array, converted):
            raise ValueError(f"it ranges from {array.min()} to {array.max()}")
        return converted
    except (ValueError, TypeError) as error:
        raise _invalid(f"the input {key!r} cannot be converted: {error}; expected {info}") from None


def _join(names):
    return ", ".join(map(str, sorted(names))) or "none"


def _invalid(message):
    return ServingError("INVALID_ARGUMENT", message)


def _own_sentence(message):
    """Return a server's message without what TensorFlow adds about the nodes of the graph."""
    message = re.sub(r"^\d+ root error\(s\) found\.\s*\(0\)\s*\w+: ", "", message.strip())
    message = re.split(r"\s*\n|\s*\[\[\{\{|\s*\[Op:", message, maxsplit=1)[0]
    message = re.sub(r"\{\{(function_)?node [^}]*\}\}\s*", "", message)
    assertion = re.fullmatch(r"assertion failed: \[(.*)\]", message)
    return " ".join((assertion[1] if assertion else message).split())[:500]

"""A model server over REST: JSON over HTTP, without TensorFlow."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable
from urllib.parse import quote

import numpy as np

from eig_tf.errors import UserError
from eig_tf.serving.client.protocol import ServingError, Signature, TensorInfo, VersionStatus

try:
    import requests
    from urllib3.exceptions import LocationParseError
    from urllib3.util import Timeout
except ImportError:
    raise UserError("requests is not installed, which http:// needs; expected pip install "
                    "'eig_tf[serving]'") from None

_CODES = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL",
          501: "UNIMPLEMENTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
# Bytes of an answer between two looks at the clock.
_CHUNK = 4096


class RestTransport:
    """One model of a server over REST. All methods take a timeout in seconds and raise a raw `ServingError`.

    The timeout covers connecting, sending and receiving together; only an answer that stops halfway is waited
    for up to twice as long.

    Args:
        url: the URL of the server, such as `http://host:8501`.
        model: its name.
        version: its number; the server's latest when None.
    """

    def __init__(self, url: str, model: str, version: int | None) -> None:
        self.address = url
        self._model = f"{url}/v1/models/{quote(model, safe='')}"
        self._versioned = self._model if version is None else f"{self._model}/versions/{version}"
        # Sessions are not safe to share among threads.
        self._local = threading.local()

    def predict(self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray],
                timeout: float) -> dict[str, np.ndarray]:
        """Return the outputs of the signature `name` by name."""
        if not inputs:
            raise ServingError("INVALID_ARGUMENT", f"the signature {name!r} takes no input, and REST "
                               "serves no such one; expected an address that starts with grpc://")

        def read(answer):
            outputs = answer["outputs"]
            # The server names outputs only when there are several.
            if len(signature.outputs) == 1:
                outputs = dict.fromkeys(signature.outputs, outputs)
            return {key: _from_json(outputs[key], info) for key, info in signature.outputs.items()}

        body = {"signature_name": name, "inputs": {key: _to_json(value) for key, value in inputs.items()}}
        return self._call(read, "POST", f"{self._versioned}:predict", timeout, json.dumps(body))

    def metadata(self, timeout: float) -> dict[str, Signature]:
        """Return all signatures by name."""
        def read(answer):
            found = answer["metadata"]["signature_def"]["signature_def"]
            return {name: Signature(_read_infos(signature["inputs"]), _read_infos(signature["outputs"]))
                    for name, signature in found.items() if not name.startswith("__")}

        return self._call(read, "GET", f"{self._versioned}/metadata", timeout)

    def status(self, timeout: float) -> list[VersionStatus]:
        """Return the status of every version that the server knows, whichever this client asks for."""
        def read(answer):
            return [VersionStatus(int(found["version"]), found["state"], found["status"]["error_message"])
                    for found in answer["model_version_status"]]

        return self._call(read, "GET", self._model, timeout)

    def close(self) -> None:
        """Close this thread's connection."""
        self._session().close()

    def _session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        return self._local.session

    def _call(self, read: Callable[[Any], Any], method: str, url: str, timeout: float,
              body: str | None = None) -> Any:
        deadline = time.monotonic() + timeout
        try:
            status, content = self._exchange(method, url, body, timeout, deadline)
        except requests.Timeout as error:
            raise ServingError("DEADLINE_EXCEEDED", str(error)) from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            # requests reports an answer that stops halfway as a broken connection.
            late = time.monotonic() >= deadline
            raise ServingError("DEADLINE_EXCEEDED" if late else "UNAVAILABLE", _reason(error)) from None
        except (requests.RequestException, LocationParseError) as error:
            raise ServingError("INVALID_ARGUMENT", str(error)) from None
        text = content.decode("utf-8", "replace")
        if status != 200:
            raise ServingError(_CODES.get(status, f"HTTP {status}"), _error_sentence(text))
        try:
            return read(json.loads(text))
        except (ValueError, TypeError, LookupError, AttributeError):
            raise ServingError("UNKNOWN", f"the answer is {text[:100]!r}; expected JSON as "
                               "TensorFlow Serving writes it") from None

    def _exchange(self, method, url, body, timeout, deadline):
        """Return the status and the content of the answer."""
        # requests would apply a plain number to connecting and to every read separately.
        with self._session().request(method, url, data=body, timeout=Timeout(total=timeout), stream=True,
                                     headers={"Content-Type": "application/json"}) as answer:
            chunks = []
            for chunk in answer.iter_content(_CHUNK):
                chunks.append(chunk)
                if time.monotonic() >= deadline:
                    raise requests.Timeout("the answer is not complete")
        return answer.status_code, b"".join(chunks)


def _error_sentence(text):
    """Return the server's own sentence."""
    try:
        return str(json.loads(text)["error"])
    except (ValueError, TypeError, LookupError):
        return text


def _reason(error):
    """Return the operating system's words, which the library wraps in its own."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return found[1] if found else str(error)


def _to_json(array):
    if array.dtype != object:
        return array.tolist()
    encoded = np.empty(array.shape, object)
    for index, value in np.ndenumerate(array):
        encoded[index] = {"b64": base64.b64encode(value).decode()}
    return encoded.tolist()


def _from_json(value, info):
    if info.dtype != "string":
        return np.array(value, dtype=info.dtype)
    return np.array(_decode_strings(value), dtype=object)


def _decode_strings(value):
    if isinstance(value, list):
        return [_decode_strings(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _read_infos(infos):
    shapes = {name: info["tensor_shape"] for name, info in infos.items()}
    # JSON has 64-bit numbers as strings.
    return {name: TensorInfo.read(info["dtype"], shapes[name].get("unknown_rank"),
                                  [int(dim["size"]) for dim in shapes[name].get("dim", ())])
            for name, info in infos.items()}

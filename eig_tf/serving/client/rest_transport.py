"""A model server by REST: JSON over HTTP, without TensorFlow."""

import base64
import json
import re
import threading
import time
from urllib.parse import quote

import numpy as np
from eig_tf.serving.client.model_client.transport import (
    ServingError,
    Signature,
    TensorInfo,
    VersionStatus,
    served,
)

from eig_tf.errors import UserError

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
_PART = 4096


class RestTransport:
    """One model of a server, by REST. All methods take seconds and raise a raw `ServingError`.

    The seconds are those for connecting, sending and receiving together; only an answer that stops halfway
    is waited for up to twice as long.

    Args:
        url: of the server, such as `http://host:8501`.
        model: its name.
        version: its number; the server's latest when None.
    """

    def __init__(self, url, model, version):
        self.address = url
        self._model = f"{url}/v1/models/{quote(model, safe='')}"
        self._versioned = self._model if version is None else f"{self._model}/versions/{version}"
        # A session is not made for several threads at once.
        self._local = threading.local()

    def predict(self, name, signature, inputs, timeout):
        """The outputs of the signature `name`, arrays by name, for inputs likewise."""
        if not inputs:
            raise ServingError("INVALID_ARGUMENT", f"the signature {name!r} takes no input, and REST "
                               "serves no such one; expected an address that starts with grpc://")
        body = {"signature_name": name,
                "inputs": {key: _to_json(value) for key, value in inputs.items()}}

        def read(answer):
            outputs = answer["outputs"]
            # The server names outputs only where there are several.
            if len(signature.outputs) == 1:
                outputs = dict.fromkeys(signature.outputs, outputs)
            return {key: _from_json(outputs[key], info) for key, info in signature.outputs.items()}

        return self._call(read, "POST", f"{self._versioned}:predict", timeout, json.dumps(body))

    def metadata(self, timeout):
        """All signatures by name."""
        def read(answer):
            found = answer["metadata"]["signature_def"]["signature_def"]
            return {name: Signature(_tensors(signature["inputs"]), _tensors(signature["outputs"]))
                    for name, signature in served(found).items()}

        return self._call(read, "GET", f"{self._versioned}/metadata", timeout)

    def status(self, timeout):
        """`VersionStatus` of every version that the server knows, whichever this client asks for."""
        def read(answer):
            return [VersionStatus(int(found["version"]), found["state"], found["status"]["error_message"])
                    for found in answer["model_version_status"]]

        return self._call(read, "GET", self._model, timeout)

    def close(self):
        """Closes this thread's connection."""
        self._session().close()

    def _session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        return self._local.session

    def _call(self, read, method, url, timeout, body=None):
        deadline = time.monotonic() + timeout
        try:
            status, content = self._exchange(method, url, body, timeout, deadline)
        except requests.Timeout as error:
            raise ServingError("DEADLINE_EXCEEDED", str(error)) from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            # requests takes an answer that stops halfway for a broken connection.
            late = time.monotonic() >= deadline
            raise ServingError("DEADLINE_EXCEEDED" if late else "UNAVAILABLE", _reason(error)) from None
        except (requests.RequestException, LocationParseError) as error:
            raise ServingError("INVALID_ARGUMENT", str(error)) from None
        if status != 200:
            raise ServingError(_CODES.get(status, f"HTTP {status}"), _error(content))
        try:
            return read(json.loads(content))
        except (ValueError, TypeError, LookupError, AttributeError):
            raise ServingError("UNKNOWN", f"the answer is {_text(content)[:100]!r}; expected JSON as "
                               "TensorFlow Serving writes it") from None

    def _exchange(self, method, url, body, timeout, deadline):
        """The status and the content of the answer."""
        # A number in the place of `Timeout` would be given to connecting and to every wait anew.
        with self._session().request(method, url, data=body, timeout=Timeout(total=timeout), stream=True,
                                     headers={"Content-Type": "application/json"}) as answer:
            parts = []
            for part in answer.iter_content(_PART):
                parts.append(part)
                if time.monotonic() >= deadline:
                    raise requests.Timeout("the answer is not complete")
        return answer.status_code, b"".join(parts)


def _error(content):
    """The server's own sentence."""
    try:
        return str(json.loads(content)["error"])
    except (ValueError, TypeError, LookupError):
        return _text(content)


def _text(content):
    return content.decode("utf-8", "replace")


def _reason(error):
    """The operating system's words, where the library wraps them in its own."""
    found = re.search(r"\[Errno -?\d+\] ([^'\")]+)", str(error))
    return found[1] if found else str(error)


def _to_json(array):
    if array.dtype != object:
        return array.tolist()
    encoded = [{"b64": base64.b64encode(value).decode()} for value in array.flat]
    return _nested(encoded, array.shape)


def _nested(values, shape):
    """A flat list as the lists in lists of a shape."""
    array = np.empty(len(values), object)
    array[:] = values
    return array.reshape(shape).tolist()


def _from_json(value, info):
    if info.dtype != "string":
        return np.array(value, dtype=info.dtype)
    return np.array(_decoded(value), dtype=object)


def _decoded(value):
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _tensors(infos):
    shapes = {name: info["tensor_shape"] for name, info in infos.items()}
    # JSON has 64-bit numbers as strings.
    return {name: TensorInfo.read(info["dtype"], shapes[name].get("unknown_rank"),
                                  [int(dim["size"]) for dim in shapes[name].get("dim", ())])
            for name, info in infos.items()}

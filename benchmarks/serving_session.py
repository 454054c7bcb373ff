"""An exported model in the kind of session that TensorFlow Serving has, requests, and first requests."""

from __future__ import annotations

import functools
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from benchmarks.timing import time_call
from eig_tf.models.base import GenerativeModel
from eig_tf.serving import warmup

# `prior` has no rows, `serving_default` does what `generate` does.
_NOT_MEASURED = ("prior", "serving_default")
# Requests whose median is the time of a later request.
_LATER = 3


class ServingSession:
    """A loaded SavedModel whose signatures are called with arrays.

    `tf.saved_model.load` calls a signature as a function. A server runs the tensors behind it in a session,
    which prepares a graph for each set of fed and fetched tensors when that set is first run.

    Args:
        version: the directory of the SavedModel.

    Raises:
        OSError: there is no SavedModel.
    """

    def __init__(self, version: str | Path) -> None:
        self._session = tf.compat.v1.Session(graph=tf.Graph())
        with self._session.graph.as_default():
            self._definitions = tf.compat.v1.saved_model.load(
                self._session, [tf.saved_model.SERVING], str(version)).signature_def

    def __enter__(self) -> ServingSession:
        return self

    def __exit__(self, *_: Any) -> None:
        self._session.close()

    def signature_names(self) -> list[str]:
        """Return the sorted names of the signatures that are measured."""
        return sorted(name for name in self._definitions
                      if name not in _NOT_MEASURED and not name.startswith("__"))

    def signature(self, name: str) -> Callable[[dict[str, Any]], list[np.ndarray]]:
        """Return a signature as a function from arrays by name to a list of outputs, sorted by name."""
        definition = self._definitions[name]
        fed = sorted(definition.inputs)
        run = self._session.make_callable(
            [definition.outputs[output].name for output in sorted(definition.outputs)],
            [definition.inputs[key].name for key in fed])
        return lambda inputs: run(*(inputs[key] for key in fed))


def make_requests(model: GenerativeModel, size: int) -> dict[str, dict[str, np.ndarray]]:
    """Make a request of every measured signature.

    Codes take turns, noise and continuous codes are drawn as in training, images are generated. Encoded
    images are PNG files of the model's own size.

    Args:
        model: the model that is served.
        size: rows of each request.

    Returns:
        By signature, the inputs by name; see `ServedModel`.
    """
    num_codes = model.num_codes
    code = np.arange(size, dtype=np.int32) % num_codes
    seed = np.arange(size, dtype=np.int64)
    latents = model.sample_latents(size, [0, 0], tf.one_hot(code, num_codes))
    images = ((model.generate(latents) + 1.0) / 2.0).numpy()
    pixels = np.rint(images * 255).astype(np.uint8)
    files = np.array([tf.io.encode_png(image).numpy() for image in pixels], dtype=object)
    vectors = {name: values.numpy() for name, values in latents._asdict().items() if values.shape[1]}
    requests = {
        "generate": {"code": code, "seed": seed},
        "generate_png": {"code": code, "seed": seed},
        "generate_from_code": vectors,
        "sample": {"count": np.array(size, np.int32), "seed": np.array(0, np.int64)},
        "sample_each": {"seed": seed},
        "categorize": {"images": images},
        "categorize_bytes": {"image_bytes": files},
        "embed": {"images": images},
    }
    if model.num_continuous:
        requests["generate_continuous"] = {"code": code, "seed": seed, "continuous": vectors["continuous"]}
    return requests


def first_rows(request: dict[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
    """Return a request of `make_requests` with its first `size` rows alone."""
    def cut(name, value):
        if name == "count":
            return np.array(size, value.dtype)
        return value[:size] if value.ndim else value
    return {name: cut(name, value) for name, value in request.items()}


def measure_first_requests(version: str, batch_sizes: Sequence[int], warm: bool) -> dict[str, Any]:
    """Load a SavedModel and measure the first request of each signature and batch size.

    Called in a fresh process, whose first request is among them. All signatures come with the first batch
    size, then with the next. The requests are those of the warm-up file, but for `sample`, which has none.

    Args:
        version: the directory of the SavedModel, with warm-up requests.
        batch_sizes: batch sizes of the warm-up requests.
        warm: whether all warm-up requests are sent first, as a server does.

    Returns:
        `load_seconds`; `warm_up_seconds`, 0 unless `warm`; and `requests`, in order a dict of `signature`,
        `batch_size`, `first_ms` and `later_ms`, the median of later requests.
    """
    warm_up = warmup.read_requests(Path(version))
    load_seconds, session = time_call(lambda: ServingSession(version))
    with session:
        def send_all():
            for name, inputs in warm_up:
                session.signature(name)(inputs)

        warm_up_seconds = time_call(send_all)[0] if warm else 0.0
        rows = []
        for size in batch_sizes:
            for name in session.signature_names():
                call = functools.partial(session.signature(name), _find_request(warm_up, name, size))
                first, *later = (time_call(call)[0] for _ in range(1 + _LATER))
                rows.append({"signature": name, "batch_size": size, "first_ms": 1e3 * first,
                             "later_ms": 1e3 * statistics.median(later)})
    return {"load_seconds": load_seconds, "warm_up_seconds": warm_up_seconds, "requests": rows}


def _find_request(warm_up, signature, size):
    if signature == "sample":
        return {"count": size, "seed": 0}
    return next(inputs for name, inputs in warm_up
                if name == signature and len(next(iter(inputs.values()))) == size)

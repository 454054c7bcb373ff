"""Batching as in TensorFlow Serving: concatenates requests of one signature along axis 0."""

import re
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
from model_server_versions import StatusError

_DEFAULTS = {"max_batch_size": 1000, "batch_timeout_micros": 0}


class Batcher:
    """Batches calls. When a batch is refused, all of its requests are.

    Args:
        parameters_file: BatchingParameters as text, of which size and timeout are used; or None.
    """

    def __init__(self, parameters_file=None):
        text = Path(parameters_file).read_text(encoding="utf-8") if parameters_file else ""
        found = {name: re.search(rf"\b{name}\s*\{{\s*value:\s*(\d+)\s*\}}", text) for name in _DEFAULTS}
        values = {name: int(match[1]) if match else _DEFAULTS[name] for name, match in found.items()}
        self._most, self._wait = values["max_batch_size"], values["batch_timeout_micros"] / 1e6
        self._queues, self._lock = {}, threading.Lock()
        self.sizes = []

    def __call__(self, version, name, arrays):
        """Return the outputs of one request, arrays by name."""
        rows = len(next(iter(arrays.values())))
        if rows > self._most:
            raise StatusError(grpc.StatusCode.INVALID_ARGUMENT,
                              f"Task size {rows} is larger than maximum input batch size {self._most}")
        task = (rows, arrays, futures.Future())
        with self._lock:
            queue = self._queues.get((version, name))
            if queue is None or sum(size for size, _, _ in queue) + rows > self._most:
                queue = self._queues[version, name] = []
                threading.Thread(target=self._process, args=(version, name, queue), daemon=True).start()
            queue.append(task)
        return task[2].result()

    def _process(self, version, name, queue):
        end = time.monotonic() + self._wait
        while time.monotonic() < end and sum(size for size, _, _ in list(queue)) < self._most:
            time.sleep(0.001)
        with self._lock:
            if self._queues.get((version, name)) is queue:
                del self._queues[version, name]
        try:
            self.sizes.append([size for size, _, _ in queue])
            outputs = version.run(name, {key: np.concatenate([arrays[key] for _, arrays, _ in queue])
                                         for key in queue[0][1]})
            start = 0
            for size, _, future in queue:
                future.set_result({key: value[start:start + size] for key, value in outputs.items()})
                start += size
        except Exception as error:  # Every caller needs an answer.
            for _, _, future in queue:
                if not future.done():
                    future.set_exception(error)

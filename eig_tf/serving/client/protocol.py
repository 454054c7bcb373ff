"""What gRPC and REST have in common: signatures, states of versions, errors and retries."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Sequence
from typing import Callable, NamedTuple, TypeVar

from eig_tf.errors import UserError

Answer = TypeVar("Answer")

# Seconds before the second attempt, and at most before any further one.
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 5.0
# Neither gRPC nor HTTP libraries accept a timeout of 0 or less.
_SHORTEST_TIMEOUT = 1e-3
# NumPy's names where they are not the lower-case ending of TensorFlow's.
_DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


class ServingError(UserError):
    """A failed call of a model server, in one sentence.

    Attributes:
        code: the name of its gRPC status code, such as `INVALID_ARGUMENT`, whatever the transport.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TensorInfo(NamedTuple):
    """A named tensor of a signature.

    Attributes:
        dtype: NumPy's name of the dtype, or `string` for bytes.
        shape: the sizes, None for a free one; None instead of the tuple when even the rank is free.
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    @classmethod
    def read(cls, dtype: str, unknown_rank: bool, sizes: Sequence[int]) -> TensorInfo:
        """Convert a name of TensorFlow's enumeration, such as `DT_FLOAT`, and sizes, -1 for free ones."""
        dtype = _DTYPES.get(dtype) or dtype[len("DT_"):].lower()
        return cls(dtype, None if unknown_rank else tuple(None if size < 0 else size for size in sizes))

    def __str__(self) -> str:
        if self.shape is None:
            return f"{self.dtype} of any shape"
        return f"{self.dtype} [{', '.join('N' if size is None else str(size) for size in self.shape)}]"


class Signature(NamedTuple):
    """The named inputs and outputs of a served function."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]

    def has_independent_rows(self) -> bool:
        """Return whether a batch may be split: servers, too, require a free first size of every tensor."""
        tensors = [*self.inputs.values(), *self.outputs.values()]
        return bool(self.inputs) and all(info.shape and info.shape[0] is None for info in tensors)


class VersionStatus(NamedTuple):
    """A version that a server knows: its number, a state such as `AVAILABLE`, and the text of an error."""

    version: int
    state: str
    error: str


class Retry:
    """Calls a function until the server is available, with exponential back-off and jitter.

    One deadline holds for all attempts, over gRPC and REST alike. The retry policy of gRPC makes at most five
    attempts, and that of urllib3 has no deadline.

    Args:
        timeout: seconds from the first attempt to the end of the last.
        retries: further attempts after the first.
        clock, sleep, draw: replacements of `time.monotonic`, `time.sleep` and `random.random`.
    """

    def __init__(self, timeout: float, retries: int, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], None] = time.sleep,
                 draw: Callable[[], float] = random.random) -> None:
        self.timeout = timeout
        self._retries, self._clock, self._sleep, self._draw = retries, clock, sleep, draw

    def __call__(self, attempt: Callable[[float], Answer]) -> Answer:
        """Return what `attempt` returns; it is called with the remaining seconds.

        Raises:
            ServingError: the last attempt failed, or one failed with another code than `UNAVAILABLE`.
        """
        deadline = self._clock() + self.timeout
        for number in itertools.count():
            try:
                return attempt(max(deadline - self._clock(), _SHORTEST_TIMEOUT))
            except ServingError as error:
                delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**min(number, 10)) * (1 + self._draw()) / 2
                late = self._clock() + delay >= deadline
                if error.code != "UNAVAILABLE" or number == self._retries or late:
                    raise
            self._sleep(delay)
        raise AssertionError("unreachable")

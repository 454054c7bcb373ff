"""What gRPC and REST have in common: signatures as a server tells them, failures, and trying again."""

import itertools
import random
import time
from typing import Dict, NamedTuple, Optional, Tuple

from eig_tf.errors import UserError

# Seconds before the second try, and at most before any further one.
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 5.0
# Seconds that a try has at least; neither gRPC nor HTTP libraries take 0 or less.
_SHORTEST_TIMEOUT = 1e-3
# NumPy's names where they are not the end of TensorFlow's.
_DTYPES = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64", "DT_HALF": "float16"}


class ServingError(UserError):
    """What went wrong with a call of a model server, in one sentence.

    Attributes:
        code: the name of gRPC's status code for it, such as `INVALID_ARGUMENT`, whatever the transport.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class TensorInfo(NamedTuple):
    """A named tensor of a signature.

    Attributes:
        dtype: NumPy's name of its type, or `string` for bytes.
        shape: its sizes, None for a free one; None instead of all where even their number is free.
    """

    dtype: str
    shape: Optional[Tuple[Optional[int], ...]]

    @classmethod
    def read(cls, dtype, unknown_rank, sizes):
        """From the name of TensorFlow's enumeration, such as `DT_FLOAT`, and sizes of which -1 is free."""
        dtype = _DTYPES.get(dtype) or dtype[len("DT_"):].lower()
        return cls(dtype, None if unknown_rank else tuple(None if size < 0 else size for size in sizes))

    def __str__(self):
        if self.shape is None:
            return f"{self.dtype} of any shape"
        return f"{self.dtype} [{', '.join('N' if size is None else str(size) for size in self.shape)}]"


class Signature(NamedTuple):
    """The named tensors that a served function takes and gives."""

    inputs: Dict[str, TensorInfo]
    outputs: Dict[str, TensorInfo]


def served(signatures):
    """Those of the signatures, a dictionary by name, that are no functions of TensorFlow's own."""
    return {name: signature for name, signature in signatures.items() if not name.startswith("__")}


class VersionStatus(NamedTuple):
    """A version that a server knows: its number, its state such as `AVAILABLE`, and any error's text."""

    version: int
    state: str
    error: str


class Retry:
    """Calls until the server is available, waiting longer each time, at random so that clients spread.

    Args:
        timeout: seconds from the first try to the end of the last.
        retries: further tries after the first.
        clock, sleep, draw: as `time.monotonic`, `time.sleep` and `random.random`.
    """

    def __init__(self, timeout, retries, clock=time.monotonic, sleep=time.sleep, draw=random.random):
        self.timeout = timeout
        self._retries, self._clock, self._sleep, self._draw = retries, clock, sleep, draw

    def __call__(self, attempt):
        """What `attempt` returns; it is called with the seconds that are left.

        Raises:
            ServingError: `attempt` raised one of another code than `UNAVAILABLE`, or the last try failed.
        """
        deadline = self._clock() + self.timeout
        for number in itertools.count():
            try:
                # `sleep` may have taken longer than it was told.
                return attempt(max(deadline - self._clock(), _SHORTEST_TIMEOUT))
            except ServingError as error:
                delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2**min(number, 10)) * (1 + self._draw()) / 2
                late = self._clock() + delay >= deadline
                if error.code != "UNAVAILABLE" or number == self._retries or late:
                    raise
            self._sleep(delay)

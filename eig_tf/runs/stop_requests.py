"""Signals that ask a training to save and end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

from eig_tf.errors import TrainingStopped


class StopRequests:
    """Notice SIGTERM and Ctrl-C, so that a training can save before it ends.

    While `deferred`, the first signal is noted in `requested`. Any other, such as a second Ctrl-C, raises
    `TrainingStopped` at once.
    """

    def __init__(self) -> None:
        self.requested: int | None = None
        self._deferring = False
        self._ended_at_once = False

    @contextlib.contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals within a `with` block; only the main thread can, others leave them alone."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        earlier = {number: signal.signal(number, self._handle) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        except Exception:
            # TensorFlow replaces an exception that is raised while it enters a graph by an AssertionError.
            if self._ended_at_once:
                self.stop()
            raise
        finally:
            for number, handler in earlier.items():
                # None stands for a handler that was not set from Python.
                signal.signal(number, handler or signal.SIG_DFL)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Note signals within a `with` block, which looks at `requested`."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False

    def stop(self, outlook: str = "the same command continues after the last checkpoint") -> NoReturn:
        """Raise the `TrainingStopped` of the noted signal.

        Hosts that did not receive the signal themselves end as if they had received SIGTERM.
        """
        raise TrainingStopped(self.requested or signal.SIGTERM, outlook)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._deferring and self.requested is None:
            self.requested = number
            return
        self.requested = number
        self._ended_at_once = True
        self.stop()

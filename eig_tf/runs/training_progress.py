"""How far a training is, and how long the rest of it will take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from tensorflow import keras

from eig_tf import progress

# Epochs whose median tells the time of the next ones.
_RECENT = 10
# Seconds between two lines where no terminal shows them: a log of short epochs stays short.
_INTERVAL = 30.0


class TrainingProgress(keras.callbacks.Callback):
    """Print `epoch 12 of 200, 4.1 s an epoch, about 13 min left` between epochs.

    The time of an epoch reaches to the beginning of the next one, with everything that callbacks write.
    The first epoch of a `fit` includes tracing, and counts only as long as there is no other. Off a
    terminal, lines are at least 30 seconds apart.

    Args:
        epochs: the number of epochs of the whole training, which may take several calls of `fit`.
        search_after: the epoch after which categories are searched, whose time is not known; None for none.
        clock: returns seconds.
    """

    def __init__(self, epochs: int, clock: Callable[[], float] = time.monotonic,
                 search_after: int | None = None) -> None:
        super().__init__()
        self.epochs = epochs
        self.search_after = search_after
        self.clock = clock

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget the epochs of an earlier `fit`."""
        self._begins: list[float] = []
        self._printed = -math.inf

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print the line of the epochs before this one; at their end, Keras has not ended its bar's line."""
        now = self.clock()
        self._begins.append(now)
        times = np.diff(self._begins)
        if not len(times) or (now - self._printed < _INTERVAL and not progress.on_terminal()):
            return
        self._printed = now
        seconds = float(np.median(times[1:][-_RECENT:] if len(times) > 1 else times))
        search = self.search_after is not None and epoch <= self.search_after
        print(f"epoch {epoch} of {self.epochs}, {progress.format_seconds(seconds)} an epoch, "
              f"about {progress.format_seconds((self.epochs - epoch) * seconds)} left"
              f"{', the search for categories apart' if search else ''}", flush=True)

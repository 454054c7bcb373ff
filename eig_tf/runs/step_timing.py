"""The time of a step of a training on this machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from ml_collections import config_dict
from tensorflow import keras

from eig_tf.runs.training import train_run

# Seconds of steps that are measured, and how many executions of the graph come before: those that trace it.
_MEASURED, _WARM_UP = 2.0, 3
_MANY_EPOCHS = 1000


class StepTime(NamedTuple):
    """The number of steps of an epoch, and the seconds of a step."""

    steps: int
    seconds: float


def measure_step(config: config_dict.ConfigDict, data_dir: str | os.PathLike | None,
                 cache_dir: str | os.PathLike, devices: str | None = None) -> StepTime:
    """Train in a temporary directory until two seconds of steps are measured; see `train_run`."""
    timer = _Timer()
    # A training of few epochs would end before anything is measured.
    config = config.copy_and_resolve_references()
    config.training.epochs = _MANY_EPOCHS
    with tempfile.TemporaryDirectory() as workdir, contextlib.suppress(_Measured):
        train_run(config, Path(workdir, "run"), data_dir, cache_dir, callbacks=[timer], devices=devices)
    return StepTime(timer.params["steps"], timer.seconds / timer.steps)


class _Measured(Exception):
    """Ends a training whose steps were measured."""


class _Timer(keras.callbacks.Callback):
    executions, steps, seconds = 0, 0, 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self.step = int(self.model.step.numpy())
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        self.executions += 1
        # Reading the variable waits for the device.
        step = int(self.model.step.numpy())
        if self.executions > _WARM_UP:
            self.steps += step - self.step
            self.seconds += time.perf_counter() - self.started
        if self.seconds > _MEASURED:
            raise _Measured

"""What is written during a training: tables, sample grids, TensorBoard, checkpoints."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files
from eig_tf.errors import UserError, write_failure
from eig_tf.figures import grids, tiling
from eig_tf.runs.hosts import LOST_HOST_ERRORS, Hosts
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.stop_requests import StopRequests

# Seconds that the steps of one graph execution take at most, so that a signal is soon noticed.
_EXECUTION_SECONDS = 1.0
# Sample grids of a whole run, at least: drawing one takes a large part of a short epoch.
_GRIDS_OF_A_RUN = 20


class Records(keras.callbacks.Callback):
    """Write `history.csv`, `prior.csv` and TensorBoard's scalars.

    Rows of epochs that a resumed run repeats are dropped first.

    Args:
        directory: the run directory.
        epochs_done: epochs that the run starts after.
        writer: a `tf.summary` writer.
    """

    def __init__(self, directory: RunDirectory, epochs_done: int, writer: tf.summary.SummaryWriter) -> None:
        super().__init__()
        self.directory = directory
        self.writer = writer
        self.history_rows = _read_rows(directory.history, epochs_done)
        self.prior_rows = _read_rows(directory.prior, epochs_done)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch's row of each table; raise a `UserError` when a loss is not finite."""
        losses = {name: float(value) for name, value in logs.items()}
        for name, value in losses.items():
            if not np.isfinite(value):
                raise _divergence(name, value, epoch)
        prior = self.model.prior.probabilities.numpy()
        self.history_rows.append({"epoch": epoch + 1, **_rounded(losses)})
        self.prior_rows.append(
            {"epoch": epoch + 1, **_rounded({f"p{k}": p for k, p in enumerate(prior)})})
        _write_rows(self.history_rows, self.directory.history)
        _write_rows(self.prior_rows, self.directory.prior)
        with self.writer.as_default(step=epoch + 1):
            for name, value in losses.items():
                tf.summary.scalar(f"loss/{name}", value)
            for code, probability in enumerate(prior):
                tf.summary.scalar(f"prior/code_{code}", probability)


class SampleGrids(keras.callbacks.Callback):
    """Draw what each code generates, and traversals of the continuous codes, from fixed noise.

    Codes are drawn at every epoch in runs of less than 40 epochs, else every (epochs // 20)th time and at the
    last one; traversals of C continuous codes at every Cth of these epochs.

    Args:
        directory: the run directory.
        epochs: epochs of the whole run.
        writer: a `tf.summary` writer.
    """

    def __init__(self, directory: RunDirectory, epochs: int, writer: tf.summary.SummaryWriter) -> None:
        super().__init__()
        self.directory = directory
        self.epochs = epochs
        self.every = max(1, epochs // _GRIDS_OF_A_RUN)
        self.writer = writer

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch's grids as PNG and for TensorBoard, if it is one of those that are drawn."""
        if (epoch + 1) % self.every and epoch + 1 != self.epochs:
            return
        self.directory.samples.mkdir(exist_ok=True)
        pictures = {"codes": grids.code_grid(self.model)}
        num_continuous = self.model.num_continuous
        # Each traversal is a picture as large as that of the codes: all of them at every epoch could take
        # longer than the epoch.
        if num_continuous and (epoch + 1) % (self.every * num_continuous) == 0:
            for index in range(num_continuous):
                pictures[f"continuous_{index}"] = grids.traversal_grid(self.model, index)
        with self.writer.as_default(step=epoch + 1):
            for name, picture in pictures.items():
                tiling.save_png(picture, self.directory.samples / f"{name}_epoch_{epoch + 1:04d}.png")
                tf.summary.image(f"samples/{name}", picture[np.newaxis])
        self.writer.flush()


class Checkpoints(keras.callbacks.Callback):
    """Save a checkpoint after every epoch, from time to time within one, and when a signal ends the training.

    It must be the last callback, so that the other files of an epoch are complete before its checkpoint.

    Args:
        directory: the run directory.
        manager: see `RunDirectory.checkpoint_manager`; its checkpoint says where this training starts.
        steps_per_epoch: the number of steps of a whole epoch.
        minutes: the time after which a checkpoint is saved within an epoch.
        hosts: the hosts, which all save at the same step.
        stops: says whether a signal asks for the end.
        clock: returns seconds.
    """

    def __init__(self, directory: RunDirectory, manager: tf.train.CheckpointManager, steps_per_epoch: int,
                 minutes: float, hosts: Hosts, stops: StopRequests,
                 clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        # Keras need not copy the losses from the device for `on_train_batch_end`.
        self._supports_tf_logs = True
        self.directory = directory
        self.manager = manager
        self.steps_per_epoch = steps_per_epoch
        self.minutes = minutes
        self.hosts = hosts
        self.stops = stops
        self.clock = clock
        self.saved_at = clock()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Continue the losses of an epoch of which some steps are done."""
        checkpoint = self.manager.checkpoint
        self.epoch, self.first_step = epoch, int(checkpoint.steps_done)
        self.steps_done = self.first_step
        if self.first_step:
            self.model.loss_sums = checkpoint.loss_sums.values

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Save a checkpoint if it is time or a signal asks for the end."""
        self.steps_done = self.first_step + batch + 1
        if self.steps_done == self.steps_per_epoch:
            return
        late = self.hosts.is_chief and self.clock() - self.saved_at >= 60 * self.minutes
        stops, due = self.hosts.mean(self.stops.requested is not None, late)
        if stops or due:
            self._save_within_epoch()
        if stops:
            self._stop(f"within epoch {self.epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the checkpoint of the epoch, which a callback of the caller may have cut short."""
        if self.steps_done == self.steps_per_epoch:
            self._save(epoch + 1, 0, {})
        else:
            self._save_within_epoch()
        if self.hosts.mean(self.stops.requested is not None)[0]:
            self._stop(f"after epoch {epoch + 1}")

    def _save_within_epoch(self):
        sums = self.model.loss_sums
        for name, (total, _) in sums.items():
            if not np.isfinite(total):
                raise _divergence(name, "not finite", self.epoch)
        self._save(self.epoch, self.steps_done, sums)

    def _save(self, epochs_done, steps_done, loss_sums):
        # The environment first: after a kill between the two, it still covers every epoch of the checkpoint.
        environment = self.directory.load_environment()
        *earlier, last = environment.segments
        last = {**last, "last_epoch": epochs_done + (steps_done > 0)}
        self.directory.save_environment(environment._replace(segments=(*earlier, last)))
        checkpoint = self.manager.checkpoint
        checkpoint.epochs_done.assign(epochs_done)
        checkpoint.steps_done.assign(steps_done)
        checkpoint.loss_sums.values = loss_sums
        try:
            self.manager.save(checkpoint_number=int(self.model.step.numpy()))
        except tf.errors.OpError as error:
            if self.hosts.num_hosts > 1 and isinstance(error, LOST_HOST_ERRORS):
                raise
            for unfinished in Path(self.manager.directory).glob("*_temp"):
                shutil.rmtree(unfinished, ignore_errors=True)
            kept = "the checkpoint before is kept" if self.manager.checkpoints else "nothing is saved"
            raise UserError(f"{self.manager.directory} cannot be written: {write_failure(error)}; "
                            f"{kept}") from None
        self.directory.delete_unlisted_checkpoints(self.manager)
        self.saved_at = self.clock()

    def _stop(self, place):
        self.stops.stop(f"the run is saved {place}; the same command continues there")


class ShortExecutions(keras.callbacks.Callback):
    """Let Keras run as many steps in one graph as take about a second, so that signals are soon noticed.

    The number of steps does not change the results.

    Args:
        largest: the most steps of an execution.
        hosts: the hosts, which all run the same number of steps.
        clock: returns seconds.
    """

    def __init__(self, largest: int, hosts: Hosts, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._supports_tf_logs = True
        self.largest = largest
        self.hosts = hosts
        self.clock = clock
        self.measured = 0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Begin with single steps."""
        self._set(1)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Note the time of the step that is measured; waiting for every other one would cost time."""
        if self.measured == 1:
            self.began_at = self._now()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Choose the number of steps by the second one; the first includes tracing."""
        self.measured += 1
        if self.measured == 2:
            seconds, = self.hosts.mean(self._now() - self.began_at)
            self._set(min(self.largest, max(1, int(_EXECUTION_SECONDS / max(seconds, 1e-6)))))

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Leave the model as it was compiled: Keras traces no loop for single steps."""
        self._set(self.largest)

    def _now(self):
        # A GPU computes on while Keras goes on; a value of the step waits for it.
        self.model.step.numpy()
        return self.clock()

    def _set(self, steps):
        # Keras has no public way to change the number after `compile`.
        self.model._steps_per_execution.assign(steps)


def _divergence(name, value, epoch):
    return UserError(f"training diverged: {name} is {value} in epoch {epoch + 1}; the last checkpoint is "
                     "kept, and a smaller --config.optimizer.learning_rate may help")


def _rounded(values):
    return {name: f"{value:.6f}" for name, value in values.items()}


def _read_rows(path, epochs_done):
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if int(row["epoch"]) <= epochs_done]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}; expected the table that training wrote, or "
                        "none") from None


def _write_rows(rows, path):
    with files.replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        # Rows of an earlier version of the method may lack a loss that later ones have.
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer = csv.DictWriter(file, fieldnames=names, restval="nan")
        writer.writeheader()
        writer.writerows(rows)

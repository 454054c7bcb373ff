"""What is written after every epoch: tables, sample grids, TensorBoard, the checkpoint."""

from __future__ import annotations

import csv

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.figures import grids, tiling
from eig_tf.runs.run_directory import RunDirectory


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
                raise UserError(
                    f"training diverged: {name} is {value} in epoch {epoch + 1}; the checkpoint of the "
                    "epoch before it is kept, and a smaller --config.optimizer.learning_rate may help")
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

    Codes are drawn at every epoch; traversals of C continuous codes at every Cth epoch.

    Args:
        directory: the run directory.
        writer: a `tf.summary` writer.
    """

    def __init__(self, directory: RunDirectory, writer: tf.summary.SummaryWriter) -> None:
        super().__init__()
        self.directory = directory
        self.writer = writer

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the epoch's grids as PNG and for TensorBoard."""
        self.directory.samples.mkdir(exist_ok=True)
        pictures = {"codes": grids.code_grid(self.model)}
        num_continuous = self.model.num_continuous
        # Each traversal is a picture as large as that of the codes: all of them at every epoch could take
        # longer than the epoch.
        if num_continuous and (epoch + 1) % num_continuous == 0:
            for index in range(num_continuous):
                pictures[f"continuous_{index}"] = grids.traversal_grid(self.model, index)
        with self.writer.as_default(step=epoch + 1):
            for name, picture in pictures.items():
                tiling.save_png(picture, self.directory.samples / f"{name}_epoch_{epoch + 1:04d}.png")
                tf.summary.image(f"samples/{name}", picture[np.newaxis])
        self.writer.flush()


class Checkpoints(keras.callbacks.Callback):
    """Save the checkpoint of every epoch. The last callback: the other files are complete before it.

    Args:
        directory: the run directory.
        manager: see `RunDirectory.checkpoint_manager`.
    """

    def __init__(self, directory: RunDirectory, manager: tf.train.CheckpointManager) -> None:
        super().__init__()
        self.directory = directory
        self.manager = manager

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the checkpoint and extend the environment's last segment to the epoch."""
        self.manager.checkpoint.epochs_done.assign(epoch + 1)
        try:
            self.manager.save(checkpoint_number=epoch + 1)
        except tf.errors.OpError as error:
            raise UserError(f"{self.manager.directory} cannot be written: {error.message[:200]}; the "
                            "checkpoint of the epoch before is kept") from None
        environment = self.directory.load_environment()
        *earlier, last = environment.segments
        self.directory.save_environment(
            environment._replace(segments=(*earlier, {**last, "last_epoch": epoch + 1})))


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

"""A run directory: where everything of one training lies, and how it is read back."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import numpy as np
import tensorflow as tf
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.models.registry import build_model

# Stems of the files in the run directory itself that only training writes.
_WRITTEN_BY_TRAINING = ("config", "environment", "history", "prior")


class RunEnvironment(NamedTuple):
    """On what data and machines a run was trained.

    Attributes:
        data_dir: where the data set's files were, or None.
        data: what tells the training images from others; see `runs.training_images`.
        segments: one dict for each part of the training without interruption: `first_epoch`, `last_epoch`,
            `precision`, `machine`, `devices`, `hosts`, `packages` and `git_revision`. An epoch that was
            continued by another process belongs to both.
    """

    data_dir: str | None = None
    data: dict[str, Any] | None = None
    segments: tuple[dict[str, Any], ...] = ()

    def over_segments(self, name: str) -> Any:
        """Return a value of the segments; if they differ, a text with the epochs of each value."""
        values = [segment.get(name) for segment in self.segments]
        if all(value == values[0] for value in values):
            return values[0] if values else None
        return "; ".join(f"{value} (epochs {segment['first_epoch']} to {segment['last_epoch']})"
                         for value, segment in zip(values, self.segments))


class RunDirectory:
    """The paths of one run, and readers of its files.

    Args:
        path: the directory; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.environment = self.path / "environment.json"
        self.checkpoints = self.path / "checkpoints"
        self.history = self.path / "history.csv"
        self.prior = self.path / "prior.csv"
        self.samples = self.path / "samples"
        self.logs = self.path / "logs"
        self.evaluation = self.path / "evaluation.json"
        self.confusion_picture = self.path / "confusion.png"
        self.prior_picture = self.path / "prior.png"
        self.export = self.path / "export"
        self.categories = self.path / "categories"
        self.contrastive_encoder = self.path / "contrastive_encoder.npz"
        self.lock = self.path / ".lock"
        self.lock_holder = self.path / ".lock_holder.json"

    def load_config(self) -> config_dict.ConfigDict:
        """Return the config of the run.

        Raises:
            UserError: the directory is missing or holds no run.
        """
        if not self.config.is_file():
            raise UserError(f"{self.path} is no run directory: it has no config.json; expected one that "
                            "eig_tf.train wrote")
        return config_lib.load_config(self.config)

    def save_config(self, config: config_dict.ConfigDict) -> None:
        """Write what `load_config` reads, atomically.

        Raises:
            UserError: the directory cannot be written.
        """
        try:
            config_lib.save_config(config, self.config)
        except OSError as error:
            raise UserError(f"--workdir {str(self.path)!r} cannot be written: {error.strerror}") from None

    def num_recorded_epochs(self) -> int:
        """Return the number of epochs in `history.csv`, which may have one more than the checkpoint."""
        return files.count_rows(self.history)

    def load_environment(self) -> RunEnvironment:
        """Return on what the run was trained; an empty environment when no step was done yet.

        Raises:
            UserError: the file is damaged.
        """
        try:
            content = json.loads(self.environment.read_text(encoding="utf-8"))
            segments = tuple(dict(segment) for segment in content["segments"])
            if not all({"first_epoch", "last_epoch", "precision"} <= segment.keys() for segment in segments):
                raise ValueError("a segment lacks its epochs or its precision")
            return RunEnvironment(content["data_dir"], content["data"], segments)
        except FileNotFoundError:
            return RunEnvironment()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.environment} cannot be read: {error}; expected the file that training "
                            "wrote") from None

    def save_environment(self, environment: RunEnvironment) -> None:
        """Write what `load_environment` reads, atomically."""
        files.write_json(environment._asdict(), self.environment)

    def create(self) -> None:
        """Create the directory unless it already holds a run.

        Raises:
            UserError: it holds other files, or cannot be made.
        """
        try:
            # Hidden files do not count: the lock, and what a killed process has left of a file.
            if self.path.exists() and not self.config.is_file() and not (self.path.is_dir() and all(
                    entry.name.startswith(".") for entry in self.path.iterdir())):
                raise UserError(f"--workdir is {str(self.path)!r}, which exists and holds no run; expected a "
                                "new or empty directory, or one of an earlier run")
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--workdir {str(self.path)!r} cannot be written: {error.strerror}") from None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run directory within a `with` block, so that no other process changes it.

        Raises:
            UserError: another process holds it.
        """
        lock = filelock.FileLock(self.lock)
        try:
            lock.acquire(blocking=False)
            # Not to know the holder is no reason to stop.
            with contextlib.suppress(OSError):
                files.write_json({"pid": os.getpid(), "host": socket.gethostname()}, self.lock_holder)
                # Elsewhere in the run directory, other commands may be writing.
                files.delete_left_overs(self.samples)
                for name in _WRITTEN_BY_TRAINING:
                    files.delete_left_overs(self.path, name)
                for unfinished in self.checkpoints.glob("*_temp"):
                    shutil.rmtree(unfinished)
        except filelock.Timeout:
            try:
                holder = json.loads(self.lock_holder.read_text(encoding="utf-8"))
                who = f"process {holder['pid']} on {holder['host']}"
            except (OSError, ValueError, KeyError, TypeError):
                who = "another process"
            raise UserError(f"{self.path} is in use by {who}; expected another --workdir, or to wait until "
                            "it has ended") from None
        except (OSError, NotImplementedError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            print(f"note: {self.path} cannot be locked ({reason}); nothing prevents a second training in it",
                  flush=True)
        try:
            yield
        finally:
            if lock.is_locked:
                self.lock_holder.unlink(missing_ok=True)
            lock.release()

    def checkpoint_manager(self, model: GenerativeModel) -> tf.train.CheckpointManager:
        """Return the manager that keeps the last two checkpoints of a model.

        Its checkpoint holds `model` with the prior and the optimizers, `epochs_done`, and of the epoch that
        is not done, `steps_done` and `loss_sums`. Randomness needs no state of its own: it is a function of
        the seed, the epoch and the step.
        """
        epochs_done, steps_done = tf.Variable(0, dtype=tf.int64), tf.Variable(0, dtype=tf.int64)
        checkpoint = tf.train.Checkpoint(
            model=model, epochs_done=epochs_done, steps_done=steps_done, loss_sums=LossSums())
        try:
            return tf.train.CheckpointManager(checkpoint, str(self.checkpoints), max_to_keep=2)
        except ValueError:
            # The manager's list is damaged. It only tells which checkpoints to delete.
            (self.checkpoints / "checkpoint").unlink()
            return tf.train.CheckpointManager(checkpoint, str(self.checkpoints), max_to_keep=2)

    def checkpoint_paths(self) -> list[str]:
        """Return the paths of the checkpoints as TensorFlow names them, the newest first."""
        numbers = (re.fullmatch(r"ckpt-(\d+)\.index", path.name) for path in self.checkpoints.glob("*.index"))
        return [str(self.checkpoints / f"ckpt-{number}")
                for number in sorted((int(match[1]) for match in numbers if match), reverse=True)]

    def delete_unlisted_checkpoints(self, manager: tf.train.CheckpointManager) -> None:
        """Delete checkpoints that a manager does not know, such as one whose writer was killed."""
        listed = {Path(path).name for path in manager.checkpoints}
        for path in self.checkpoint_paths():
            if Path(path).name not in listed:
                for file in self.checkpoints.glob(f"{Path(path).name}.*"):
                    file.unlink()

    def restore_newest(self, checkpoint: tf.train.Checkpoint) -> Any:
        """Restore the newest checkpoint that can be read; say so when it is not the last one.

        Returns:
            The load status, for `expect_partial`; None when there is no checkpoint.

        Raises:
            UserError: none can be read, or they are of another architecture.
        """
        problems: list[str] = []
        for path in self.checkpoint_paths():
            try:
                status = checkpoint.restore(path)
                status.assert_existing_objects_matched()
            except (tf.errors.OpError, ValueError, IndexError, AssertionError) as error:
                problems.append(f"{path} cannot be restored: {' '.join(str(error).split())[:200]}")
                continue
            for problem in problems:
                print(f"note: {problem}; {path} is used in its place", flush=True)
            return status
        if problems:
            raise UserError(problems[0])
        return None

    def restore_model(self) -> tuple[config_dict.ConfigDict, GenerativeModel, int]:
        """Rebuild the model with the weights of the newest checkpoint that can be read.

        Returns:
            The config, the model (not compiled) and the number of epochs done.

        Raises:
            UserError: no epoch was finished, the checkpoint does not fit or cannot be read, or its weights
                are not finite numbers.
        """
        config = self.load_config()
        model = build_model(config)
        checkpoint = self.checkpoint_manager(model).checkpoint
        status = self.restore_newest(checkpoint)
        epochs_done, steps_done = int(checkpoint.epochs_done), int(checkpoint.steps_done)
        if status is None or epochs_done == 0:
            raise UserError(f"{self.path} has no checkpoint yet of a whole epoch; expected at least one "
                            "finished epoch")
        status.expect_partial()
        if not all(np.isfinite(variable).all() for variable in model.variables):
            raise UserError(f"the last checkpoint of {self.path} holds weights that are not finite numbers; "
                            "expected a run that did not diverge")
        if steps_done:
            print(f"note: the last checkpoint of {self.path} was saved within epoch {epochs_done + 1}, after "
                  f"{steps_done} steps of it", flush=True)
        return config, model, epochs_done


class LossSums(tf.train.experimental.PythonState):
    """The losses of an epoch that is not done, as a part of a checkpoint; see `GenerativeModel.loss_sums`."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def serialize(self) -> str:
        """Return the values as text, which keeps every bit."""
        return json.dumps(self.values)

    def deserialize(self, string_value: bytes) -> None:
        """Take the values from what `serialize` returned."""
        self.values = json.loads(string_value)

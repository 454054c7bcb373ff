"""A run directory: where everything of one training lies, how it is prepared and how it is read back."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.models.registry import build_model
from eig_tf.runs.environment import resolve_precision


class RunEnvironment(NamedTuple):
    """On what data and machines a run was trained.

    Attributes:
        data_dir: where the data set's files were, or None.
        data: what tells the training images from others; see `fingerprint_images` in `runs.training`.
        segments: one dict for each part of the training without interruption: `first_epoch`, `last_epoch`,
            `precision`, `machine`, `packages` and `git_revision`.
    """

    data_dir: str | None = None
    data: dict[str, Any] | None = None
    segments: tuple[dict[str, Any], ...] = ()

    def over_segments(self, name: str) -> Any:
        """Return a value of the segments: as it is where all agree, else a text that names the epochs."""
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

    def load_config(self) -> config_dict.ConfigDict:
        """Return the config of the run.

        Raises:
            UserError: the directory is missing or holds no run.
        """
        if not self.config.is_file():
            raise UserError(f"{self.path} is no run directory: it has no config.json; expected one that "
                            "eig_tf.train wrote")
        return config_lib.load_config(self.config)

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

    def checkpoint_manager(self, model: GenerativeModel) -> tf.train.CheckpointManager:
        """Return the manager that keeps the latest checkpoint: model, prior, optimizers, epochs done.

        Randomness needs no state of its own: it is a function of the seed, the epoch and the step.

        Raises:
            UserError: the list of checkpoints is damaged.
        """
        checkpoint = tf.train.Checkpoint(model=model, epochs_done=tf.Variable(0, dtype=tf.int64))
        try:
            manager = tf.train.CheckpointManager(checkpoint, str(self.checkpoints), max_to_keep=1)
        except ValueError as error:
            raise UserError(f"{self.checkpoints / 'checkpoint'} cannot be read: "
                            f"{' '.join(str(error).split())[:200]}; expected the file that training "
                            "wrote") from None
        # TensorFlow treats a list that it cannot parse like a missing one, and training would start anew.
        if manager.latest_checkpoint is None and any(self.checkpoints.glob("*.index")):
            raise UserError(f"{self.checkpoints / 'checkpoint'} is missing or damaged, though checkpoints "
                            "lie beside it; expected the file that training wrote")
        return manager

    def restore_model(self) -> tuple[config_dict.ConfigDict, GenerativeModel, int]:
        """Rebuild the model with the weights of the last finished epoch.

        Returns:
            The config, the model (not compiled) and the number of epochs done.

        Raises:
            UserError: no epoch was finished, the checkpoint does not fit or cannot be read, or its weights
                are not finite numbers.
        """
        config = self.load_config()
        model = build_model(config)
        manager = self.checkpoint_manager(model)
        if manager.latest_checkpoint is None:
            raise UserError(f"{self.path} has no checkpoint yet; expected at least one finished epoch")
        restore_checkpoint(manager).expect_partial()
        if not all(np.isfinite(variable).all() for variable in model.variables):
            raise UserError(f"{manager.latest_checkpoint} holds weights that are not finite numbers; "
                            "expected a run that did not diverge")
        return config, model, int(manager.checkpoint.epochs_done)


def restore_checkpoint(manager: tf.train.CheckpointManager) -> Any:
    """Restore the latest checkpoint of a manager.

    Returns:
        The load status, for `expect_partial`.

    Raises:
        UserError: the checkpoint is damaged or of another architecture.
    """
    try:
        status = manager.checkpoint.restore(manager.latest_checkpoint)
        status.assert_existing_objects_matched()
    except (tf.errors.OpError, ValueError, IndexError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{manager.latest_checkpoint} cannot be restored: {reason}") from None
    return status


def prepare_run_directory(path: str | os.PathLike, config: config_dict.ConfigDict, overwrite: bool = False,
                          data: dict[str, Any] | None = None) -> RunDirectory:
    """Create a run directory, or check that the run in it is the one asked for.

    More epochs than the saved config states do not make another run: nothing in training depends on their
    number, so the directory's config is updated and training continues. The same holds for a precision
    that is stated explicitly; the segments of the environment record it.

    Args:
        path: the directory.
        config: the config asked for.
        overwrite: whether an existing run is deleted first.
        data: what tells the training images from others; see `RunEnvironment`.

    Returns:
        The `RunDirectory`, with the config saved.

    Raises:
        UserError: the directory holds a run of another config, on other images or in another precision,
            or other files, or it cannot be written.
    """
    directory = RunDirectory(path)
    try:
        if directory.config.is_file():
            if overwrite:
                _check_is_run(directory)
                _clear(directory)
            else:
                _check_same_config(directory, config)
                _check_same_data(directory, data)
                _check_same_precision(directory, config)
        elif directory.path.exists() and (not directory.path.is_dir() or any(directory.path.iterdir())):
            raise UserError(f"--workdir is {str(path)!r}, which exists and holds no run; expected a new "
                            "or empty directory, or one of an earlier run")
        directory.path.mkdir(parents=True, exist_ok=True)
        config_lib.save_config(config, directory.config)
    except OSError as error:
        raise UserError(f"--workdir {str(path)!r} cannot be written: {error.strerror}") from None
    return directory


def _check_is_run(directory):
    """A config.json alone does not make a run: other programs write files of that name too."""
    if directory.environment.is_file():
        return
    try:
        directory.load_config()
    except UserError:
        raise UserError(f"{directory.path} has a config.json that eig_tf.train did not write; expected a "
                        "run directory, or another --workdir") from None


def _clear(directory):
    """Delete what lies in a run directory, its config last, so that it is a run until nothing is left."""
    for entry in sorted(directory.path.iterdir(), key=lambda entry: entry == directory.config):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_same_config(directory, config):
    saved = directory.load_config()
    saved.training.epochs = max(saved.training.epochs, config.training.epochs)
    if config.training.precision != "auto":
        saved.training.precision = config.training.precision
    found = config_lib.config_differences(saved, config)
    if found:
        raise UserError(f"{directory.path} holds a run of another config ({'; '.join(found)}); expected "
                        "the same settings, another --workdir, or --overwrite to start anew")


def _check_same_data(directory, data):
    """Two folders may have the same flags, and a folder may change between two starts."""
    saved = directory.load_environment().data
    if saved is not None and data is not None and saved != data:
        raise UserError(f"{directory.path} holds a run on other images ({saved['num_images']} then, "
                        f"{data['num_images']} now, or others of that number); expected the same --data_dir "
                        "with the same files, another --workdir, or --overwrite to start anew")


def _check_same_precision(directory, config):
    segments = directory.load_environment().segments
    asked = config.training.precision
    if asked == "auto" and segments and segments[-1]["precision"] != resolve_precision(asked):
        raise UserError(
            f"{directory.path} was trained in {segments[-1]['precision']}, and --config.training.precision="
            f"auto means {resolve_precision(asked)} on this machine; expected --config.training.precision="
            f"{segments[-1]['precision']}, or another one to change it")

"""The preparation of a run directory: a new run, or the one that is there if it is the one asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.data.prepared import is_prepared
from eig_tf.errors import UserError
from eig_tf.runs.environment import resolve_precision
from eig_tf.runs.run_directory import RunDirectory

# Settings that do not change what is trained, so that a run may be continued with other values.
_FREE = ("training.checkpoint_minutes", "training.steps_per_execution")


def prepare_run_directory(path: str | os.PathLike, config: config_dict.ConfigDict, overwrite: bool = False,
                          data: dict[str, Any] | None = None) -> RunDirectory:
    """Create a run directory, or check that the run in it is the one asked for.

    Another number of epochs than the saved config states, but not fewer than are done, does not make another
    run, nor does a precision that is stated explicitly; the segments of the environment record it. The saved
    config of such a run stays until its checkpoint is restored, see `save_config`. A run without a step has
    nothing to lose, and its config is replaced.

    Args:
        path: the directory.
        config: the config asked for.
        overwrite: whether an existing run is deleted first.
        data: what tells the training images from others; see `RunEnvironment`.

    Returns:
        The `RunDirectory`, with a config saved.

    Raises:
        UserError: the directory holds a run of another config, on other images or in another precision,
            or other files, or it cannot be written.
    """
    directory = RunDirectory(path)
    directory.create()
    try:
        if directory.config.is_file() and overwrite:
            _check_is_run(directory)
            _clear(directory)
    except OSError as error:
        raise UserError(f"--workdir {str(path)!r} cannot be written: {error.strerror}") from None
    if directory.history.is_file() or directory.checkpoint_paths():
        _check_same_config(directory, config)
        _check_same_data(directory, data)
        _check_same_precision(directory, config)
    else:
        if directory.config.is_file():
            _check_is_run(directory)
        directory.save_config(config)
    return directory


def check_outside_images(path: str | os.PathLike, dataset: str,
                         data_dir: str | os.PathLike | None) -> None:
    """Raise a `UserError` if a run directory lies in the user's images, which its pictures would join.

    Args:
        path: the run directory, which need not exist.
        dataset: name of the data set.
        data_dir: the directory of its files, if it needs one.
    """
    if data_dir is None or not getattr(registry.find_loader(dataset), "USER_IMAGES", False):
        return
    folder, inside = Path(data_dir).resolve(), Path(path).resolve()
    # The files of a prepared set are listed, and hidden directories are not read.
    if folder.is_dir() and not is_prepared(folder) and folder in (inside, *inside.parents) and not any(
            part.startswith(".") for part in inside.relative_to(folder).parts):
        raise UserError(f"--workdir is {str(path)!r}, which lies in the folder of the images, "
                        f"{str(data_dir)!r}: the run's pictures would be taken for images; expected a "
                        "directory elsewhere")


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
    """Delete the content of a run directory, its config last, so that it remains a run until it is empty."""
    for entry in sorted(directory.path.iterdir(), key=lambda entry: entry == directory.config):
        if entry in (directory.lock, directory.lock_holder):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_same_config(directory, config):
    saved = directory.load_config()
    if config.training.epochs >= min(directory.num_recorded_epochs(), saved.training.epochs):
        saved.training.epochs = config.training.epochs
    if config.training.precision != "auto":
        saved.training.precision = config.training.precision
    asked = config_lib.flatten(config)
    saved.update_from_flattened_dict({name: asked[name] for name in _FREE})
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
    if asked == "mixed_float16" and segments and segments[-1]["precision"] != asked:
        raise UserError(f"{directory.path} was trained in {segments[-1]['precision']}, without the loss "
                        "scale that mixed_float16 continues; expected another --config.training.precision")
    if asked == "auto" and segments and segments[-1]["precision"] != resolve_precision(asked):
        raise UserError(
            f"{directory.path} was trained in {segments[-1]['precision']}, and --config.training.precision="
            f"auto means {resolve_precision(asked)} on this machine; expected --config.training.precision="
            f"{segments[-1]['precision']}, or another one to change it")

"""One training from config to finished run directory: build, restore, fit, record."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import strong_delta
from eig_tf.config import METHODS
from eig_tf.data import augment, pipeline, registry
from eig_tf.data.image_set import ImageSet, summary_lines
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model, check_codes, compile_model
from eig_tf.runs import environment
from eig_tf.runs.callbacks import Checkpoints, Records, SampleGrids
from eig_tf.runs.category_files import (
    check_num_categories,
    find_run_categories,
    load_categories,
    regroup_run,
)
from eig_tf.runs.run_directory import (
    RunDirectory,
    RunEnvironment,
    prepare_run_directory,
    restore_checkpoint,
)

# Side of images, and number of weights, above which a CPU is too slow.
_LARGE, _MANY_WEIGHTS = 64, 10_000_000


def train_run(config: config_dict.ConfigDict, workdir: str | os.PathLike,
              data_dir: str | os.PathLike | None = None, cache_dir: str | os.PathLike | None = None,
              overwrite: bool = False, callbacks: Sequence[keras.callbacks.Callback] = ()) -> RunDirectory:
    """Train the model of a config, or continue after the directory's last checkpoint.

    Args:
        config: see `eig_tf.config`.
        workdir: the run directory.
        data_dir: directory of the data set's files; where its loader looks when None.
        cache_dir: directory of decoded data sets; the user's cache directory when None.
        overwrite: whether an existing run in `workdir` is deleted first.
        callbacks: further callbacks, for example a schedule; the run directory does not record them, so a
            run is resumed as if it had never stopped only with the same ones.

    Returns:
        The `RunDirectory`.

    Raises:
        UserError: bad config or data, a run directory of another config, or one that cannot be written.
    """
    config_lib.validate(config)
    _, image_set = registry.load_split(config, data_dir, cache_dir)
    if len(image_set.images) < config.training.batch_size:
        raise UserError(f"--config.training.batch_size is {config.training.batch_size}; the training set "
                        f"holds {len(image_set.images)} images; expected no more than that")
    check_codes(config, image_set.class_fractions())
    if METHODS[config.method].codes_per_category:
        check_num_categories(
            config.categories.num_categories, config.networks.num_codes, len(image_set.images))
    make_view = augment.make_view_function(config)
    data = fingerprint_images(image_set)
    directory = prepare_run_directory(workdir, config, overwrite, data)

    environment.set_seed(config.seed)
    precision = environment.set_precision(config.training.precision)
    print("\n".join([config_lib.format_config(config), "", *summary_lines(image_set), ""]), flush=True)
    with environment.make_strategy().scope():
        model = build_model(config, image_set.class_fractions())
        compile_model(model, config)
        manager = directory.checkpoint_manager(model)
    _warn_of_slow_networks(model)
    if manager.latest_checkpoint:
        restore_checkpoint(manager)
    epochs_done = int(manager.checkpoint.epochs_done)
    if epochs_done:
        print(f"continues after epoch {epochs_done}")
    if epochs_done < config.training.epochs:
        _start_segment(directory, environment.current_segment(precision, epochs_done + 1), data_dir, data)
    fit = functools.partial(_fit, model, image_set, config, make_view, directory, manager, callbacks)
    fit(config.training.epochs - config_lib.guided_epochs(config))
    if METHODS[config.method].codes_per_category:
        _follow_categories(model, image_set, config, directory, manager, fit)
    return directory


def _fit(model, image_set, config, make_view, directory, manager, callbacks, last_epoch):
    """Train until an epoch, which may have been reached before."""
    epochs_done = int(manager.checkpoint.epochs_done)
    if epochs_done >= last_epoch:
        return
    batches = pipeline.training_batches(
        image_set.images, config.training.batch_size, config.seed, last_epoch, first_epoch=epochs_done,
        make_view=make_view)
    writer = tf.summary.create_file_writer(str(directory.logs))
    model.fit(
        batches, epochs=last_epoch, initial_epoch=epochs_done,
        steps_per_epoch=len(image_set.images) // config.training.batch_size,
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[*callbacks, Records(directory, epochs_done, writer), SampleGrids(directory, writer),
                   Checkpoints(directory, manager)])
    writer.close()


def _follow_categories(model, image_set, config, directory, manager, fit):
    """Find the categories, train the last epochs with a generator that follows them, group the codes anew."""
    epochs, guided = config.training.epochs, config_lib.guided_epochs(config)
    found = load_categories(directory, model, epochs, since=epochs - guided)
    if found is None:
        found = find_run_categories(directory, config, model, int(manager.checkpoint.epochs_done),
                                    image_set.images, config.categories.num_categories)
    # Categories that a command found since, perhaps another number of them, are kept.
    if found.grouping.epochs == epochs:
        return
    print(f"trains until epoch {epochs} with a generator that follows the categories", flush=True)
    model.follow_categories(found.categorizer, found.grouping.code_to_category,
                            strong_delta(dict(config.augment)))
    fit(epochs)
    regroup_run(directory, config, model, epochs, image_set.images, found)


def fingerprint_images(image_set: ImageSet) -> dict[str, Any]:
    """Return what tells a training set from others, wherever its files lie.

    Returns:
        `num_images`, and `digest`, of a hundred of the images.
    """
    num = len(image_set.images)
    some = np.unique(np.linspace(0, num - 1, 100).astype(np.int64))
    return {"num_images": num, "digest": hashlib.sha256(image_set.images[some].tobytes()).hexdigest()[:16]}


def _start_segment(directory, segment, data_dir, data):
    earlier = directory.load_environment().segments
    # A segment that was stopped before the end of its first epoch left nothing behind.
    kept = [old for old in earlier if old["last_epoch"] >= old["first_epoch"]]
    place = str(Path(data_dir).absolute()) if data_dir else None
    directory.save_environment(RunEnvironment(place, data, (*kept, segment)))


def _warn_of_slow_networks(model):
    """Say that the paper's networks for 64x64 images take days without a GPU."""
    num_weights = sum(int(tf.size(variable)) for variable in model.trainable_variables)
    if (model.image_shape[0] >= _LARGE and num_weights > _MANY_WEIGHTS
            and not tf.config.list_physical_devices("GPU")):
        print("note: no GPU is visible, and these networks take seconds for each step on a CPU; "
              "--preset=cpu or a smaller --config.networks.width trains smaller ones", flush=True)

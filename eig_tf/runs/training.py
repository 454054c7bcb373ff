"""One training from config to finished run directory: build, restore, fit, record."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf import progress
from eig_tf.categories.categorizer import strong_delta
from eig_tf.config import METHODS
from eig_tf.data import augment, pipeline, registry
from eig_tf.data.image_set import summary_lines
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model, check_codes, compile_model
from eig_tf.networks.precision import policy
from eig_tf.runs import environment
from eig_tf.runs.callbacks import Checkpoints, Records, SampleGrids, ShortExecutions
from eig_tf.runs.category_files import (
    check_num_categories,
    discovery_settings,
    find_run_categories,
    load_categories,
    regroup_run,
)
from eig_tf.runs.hosts import make_hosts
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment
from eig_tf.runs.run_preparation import check_outside_images, prepare_run_directory
from eig_tf.runs.stop_requests import StopRequests
from eig_tf.runs.training_images import fingerprint_images
from eig_tf.runs.training_progress import TrainingProgress

# Side of images, and number of weights, above which a CPU is too slow.
_LARGE, _MANY_WEIGHTS = 64, 10_000_000
# Seconds after which all hosts see a file that one of them has written.
_VISIBLE_SECONDS = 90


def train_run(config: config_dict.ConfigDict, workdir: str | os.PathLike,
              data_dir: str | os.PathLike | None = None, cache_dir: str | os.PathLike | None = None,
              overwrite: bool = False, callbacks: Sequence[keras.callbacks.Callback] = (),
              devices: str | None = None, host_timeout: float = 300.0) -> RunDirectory:
    """Train the model of a config, or continue after the directory's last checkpoint.

    Args:
        config: see `eig_tf.config`.
        workdir: the run directory; several hosts share it.
        data_dir: directory of the data set's files; where its loader looks when None.
        cache_dir: directory of decoded data sets; the user's cache directory when None.
        overwrite: whether an existing run in `workdir` is deleted first.
        callbacks: further callbacks, for example a schedule by epoch; the run directory does not record them,
            so a run is resumed as if it had never stopped only with the same ones. The rest of an epoch that
            was interrupted counts its batches from 0.
        devices: what to train on; see `make_hosts`. The number of devices does not change what is trained,
            except for settings that say so.
        host_timeout: seconds to wait for the other hosts.

    Returns:
        The `RunDirectory`.

    Raises:
        UserError: bad config or data, a run directory of another config, one that is in use or cannot be
            written, devices that are not there, or a host that is lost.
        TrainingStopped: SIGTERM or Ctrl-C; the run is saved if a step was done.
    """
    config_lib.validate(config)
    check_outside_images(workdir, config.dataset, data_dir)
    hosts = make_hosts(devices, host_timeout)
    stops = StopRequests()
    with hosts.lost_host_is_an_error(), stops.handled():
        try:
            return _train(config, workdir, data_dir, cache_dir, overwrite, callbacks, hosts, stops)
        except tf.errors.ResourceExhaustedError as error:
            found = re.search(r"OOM when allocating tensor with shape\[[\d,]*\]", error.message)
            raise UserError(f"the networks or a batch do not fit into the memory"
                            f"{f' ({found[0]})' if found else ''}; expected a smaller "
                            "--config.networks.width or --config.training.batch_size") from None


def _train(config, workdir, data_dir, cache_dir, overwrite, callbacks, hosts, stops):
    replicas, batch_size = hosts.strategy.num_replicas_in_sync, config.training.batch_size
    # Before anything that may fail on one host alone, which the others would not know.
    hosts.check_same({
        **config_lib.flatten(config), **environment.package_versions(), "workdir": str(workdir),
        "devices": replicas // hosts.num_hosts, "GPUs": len(tf.config.get_visible_devices("GPU")),
        "precision": environment.resolve_precision(config.training.precision)})
    check_divisible(batch_size, replicas)
    _, image_set = registry.load_split(config, data_dir, cache_dir)
    if len(image_set.images) < batch_size:
        raise UserError(f"--config.training.batch_size is {batch_size}; the training set "
                        f"holds {len(image_set.images)} images; expected no more than that")
    # The class fractions of the labelled images may differ from those of all images.
    class_fractions = None if image_set.num_unlabelled else image_set.class_fractions()
    check_codes(config, class_fractions)
    if METHODS[config.method].codes_per_category:
        check_num_categories(
            config.categories.num_categories, config.networks.num_codes, len(image_set.images))
    make_view = augment.make_view_function(config)
    data = fingerprint_images(image_set)
    hosts.check_same(data)
    with contextlib.ExitStack() as stack:
        if hosts.is_chief:
            RunDirectory(workdir).create()
            stack.enter_context(RunDirectory(workdir).locked())
            directory = prepare_run_directory(workdir, config, overwrite, data)
            output = directory
        hosts.mean(0)
        if not hosts.is_chief:
            directory = RunDirectory(workdir)
            if not directory.config.is_file():
                raise UserError(f"--workdir is {str(workdir)!r}, in which host 0 has begun a run that this "
                                "host does not see; expected a directory that all hosts share")
            # All hosts do the same, since reading a variable may take all of them; one of them writes.
            output = RunDirectory(stack.enter_context(tempfile.TemporaryDirectory()))

        environment.set_seed(config.seed)
        precision = environment.resolve_precision(config.training.precision)
        stack.enter_context(policy(precision))
        print("\n".join([config_lib.format_config(config), "", *summary_lines(image_set), ""]), flush=True)
        with hosts.strategy.scope():
            model = build_model(config, class_fractions)
            compile_model(model, config)
        manager = output.checkpoint_manager(model)
        _warn_of_slow_networks(model)
        checkpoint = manager.checkpoint
        directory.restore_newest(checkpoint)
        epochs_done, steps_done = int(checkpoint.epochs_done), int(checkpoint.steps_done)
        hosts.check_same({"checkpoint of step": int(model.step.numpy())})
        if hosts.is_chief:
            directory.save_config(config)
        if epochs_done or steps_done:
            within = f", step {steps_done} of the next" if steps_done else ""
            print(f"continues after epoch {epochs_done}{within}")
        if epochs_done < config.training.epochs:
            segment = environment.current_segment(precision, epochs_done + 1, replicas, hosts.num_hosts)
            _start_segment(output, segment, data_dir, data)
        fit = functools.partial(
            _fit, model, image_set, config, make_view, output, manager, callbacks, hosts, stops)
        guided_from = config.training.epochs - config_lib.guided_epochs(config)
        fit(guided_from)
        # A callback may have ended the training before.
        if METHODS[config.method].codes_per_category and int(checkpoint.epochs_done) >= guided_from:
            _follow_categories(model, image_set, config, directory, manager, fit, hosts)
        # The chief's checkpoints are complete before any host ends.
        hosts.mean(0)
        return directory


def check_divisible(batch_size: int, replicas: int) -> None:
    """Raise a `UserError` unless a batch can be cut into equal parts of 2 images or more for the replicas."""
    if batch_size % replicas or batch_size < 2 * replicas:
        lower = max(batch_size // replicas, 2) * replicas
        sizes = f"{lower} or {lower + replicas}" if lower < batch_size else f"{lower}"
        raise UserError(f"--config.training.batch_size is {batch_size}, and there are {replicas} devices; "
                        f"expected a multiple of their number, such as {sizes}, or other --devices")


def _fit(model, image_set, config, make_view, output, manager, callbacks, hosts, stops, last_epoch):
    """Train until an epoch, which may have been reached before."""
    steps = len(image_set.images) // config.training.batch_size
    search_after = (config.training.epochs - config_lib.guided_epochs(config)
                    if METHODS[config.method].codes_per_category else None)
    checkpoint = manager.checkpoint
    if int(checkpoint.epochs_done) >= last_epoch:
        return  # A writer would leave an empty file.
    writer = tf.summary.create_file_writer(str(output.logs))
    while int(checkpoint.epochs_done) < last_epoch:
        epochs_done, steps_done = int(checkpoint.epochs_done), int(checkpoint.steps_done)
        # The rest of an epoch is a fit of its own, since all epochs of one have the same number of steps.
        end = epochs_done + 1 if steps_done else last_epoch
        batches = hosts.strategy.distribute_datasets_from_function(functools.partial(
            _batches, image_set, config, make_view, end, epochs_done, steps_done))
        with stops.deferred():
            model.fit(
                batches, epochs=end, initial_epoch=epochs_done, steps_per_epoch=steps - steps_done,
                verbose=(1 if progress.on_terminal() else 2) if hosts.is_chief else 0,
                callbacks=[*callbacks, ShortExecutions(config.training.steps_per_execution, hosts),
                           Records(output, epochs_done, writer),
                           SampleGrids(output, config.training.epochs, writer),
                           Checkpoints(output, manager, steps, config.training.checkpoint_minutes, hosts,
                                       stops),
                           *([TrainingProgress(config.training.epochs, search_after=search_after)]
                             if hosts.is_chief else [])])
            stopping, = hosts.mean(stops.requested is not None)
        if stopping:
            stops.stop()
        # A callback of the caller may end the training.
        if model.stop_training:
            break
    writer.close()


def _batches(image_set, config, make_view, end, epochs_done, steps_done, replicas):
    return pipeline.training_batches(
        image_set.images, config.training.batch_size, config.seed, end, epochs_done, steps_done, make_view,
        replicas)


def _follow_categories(model, image_set, config, directory, manager, fit, hosts):
    """Find the categories, train the last epochs with a generator that follows them, group the codes anew."""
    epochs, guided = config.training.epochs, config_lib.guided_epochs(config)

    def model_of_one_host():
        return model if hosts.num_hosts == 1 else directory.restore_model()[1]

    def load():
        return load_categories(directory, model, epochs, since=epochs - guided)

    def load_what_the_chief_wrote():
        # A file system of several hosts may show a new file late.
        for _ in range(_VISIBLE_SECONDS):
            if loaded := load():
                return loaded
            time.sleep(1)
        raise UserError(f"{directory.categories} has no categories that this host sees; expected a directory "
                        "that all hosts share")

    found = load()
    if found is None and hosts.is_chief:
        epochs_done = int(manager.checkpoint.epochs_done)
        options = config.categories
        found = find_run_categories(directory, discovery_settings(config), model_of_one_host(), epochs_done,
                                    image_set.images,
                                    None if options.choose_number else options.num_categories)
    # The other hosts wait, and read what the chief has found.
    hosts.mean(0)
    found = found or load_what_the_chief_wrote()
    # Categories that a command found since, perhaps another number of them, are kept.
    if found.grouping.epochs == epochs:
        return
    if hosts.is_chief:
        print(f"trains until epoch {epochs} with a generator that follows the categories", flush=True)
    model.follow_categories(found.categorizer, found.grouping.code_to_category,
                            strong_delta(dict(config.augment)))
    fit(epochs)
    if hosts.is_chief and int(manager.checkpoint.epochs_done) == epochs:
        regroup_run(directory, config, model_of_one_host(), epochs, image_set.images, found)


def _start_segment(directory, segment, data_dir, data):
    earlier = directory.load_environment().segments
    # A segment that was stopped before its first checkpoint left nothing behind.
    kept = [old for old in earlier if old["last_epoch"] >= old["first_epoch"]]
    place = str(Path(data_dir).absolute()) if data_dir else None
    directory.save_environment(RunEnvironment(place, data, (*kept, segment)))


def _warn_of_slow_networks(model):
    """Say that the paper's networks for 64x64 images take days without a GPU."""
    num_weights = sum(int(tf.size(variable)) for variable in model.trainable_variables)
    if (model.image_shape[0] >= _LARGE and num_weights > _MANY_WEIGHTS
            and not tf.config.get_visible_devices("GPU")):
        print("note: no GPU is visible, and these networks take seconds for each step on a CPU; "
              "--preset=cpu or a smaller --config.networks.width trains smaller ones", flush=True)

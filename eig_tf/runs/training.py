"""One training from config to finished run directory: build, restore, fit, record."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from eig_tf import config as config_lib
from eig_tf.data import augment, describe, pipeline, registry
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model, check_codes, compile_model
from eig_tf.runs.run_directory import restore
from eig_tf.runs import callbacks
from eig_tf.runs import environment as strategy_lib
from eig_tf.runs.workdir import prepare

# Side of images, and width of networks, above which a CPU is too slow.
_LARGE, _NARROW = 64, 0.25


def run(config, workdir, data_dir=None, cache_dir=None, overwrite=False):
    """Trains the model of a config, or goes on where the directory's last checkpoint stands.

    Args:
        config: see `eig_tf.config`.
        workdir: the run directory.
        data_dir: where the data set's files lie, if not where its loader looks.
        cache_dir: where decoded data sets are kept; the user's cache directory when None.
        overwrite: whether an existing run in `workdir` is deleted first.

    Returns:
        The `RunDirectory`.

    Raises:
        UserError: bad config or data, a run directory of another config, or one that cannot be written.
    """
    config_lib.validate(config)
    _, image_set = registry.load_split(config, data_dir, cache_dir)
    steps = len(image_set.images) // config.training.batch_size
    if not steps:
        raise UserError(f"--config.training.batch_size is {config.training.batch_size}; the training set "
                        f"holds {len(image_set.images)} images; expected no more than that")
    check_codes(config, image_set.class_fractions())
    make_view = augment.make_view_function(config)
    data = _fingerprint(image_set)
    directory = prepare(workdir, config, overwrite, data)

    strategy_lib.set_seed(config.seed)
    precision = strategy_lib.set_precision(config.training.precision)
    strategy = strategy_lib.make_strategy()
    print(config_lib.format_config(config))
    _describe_data(image_set)
    _warn_of_slow_networks(config)

    with strategy.scope():
        model = _build_and_compile(config, image_set)
        manager = directory.checkpoint_manager(model)
    if manager.latest_checkpoint:
        restore(manager)
    epochs_done = int(manager.checkpoint.epochs_done)
    if epochs_done:
        print(f"continues after epoch {epochs_done}")
    if epochs_done < config.training.epochs:
        directory.save_environment(_environment(config, precision, data_dir, data))
        _fit(model, config, image_set, make_view, directory, manager, epochs_done, steps)
    return directory


def _build_and_compile(config, image_set):
    model = build_model(config, image_set.class_fractions())
    compile_model(model, config)
    return model


def _fit(model, config, image_set, make_view, directory, manager, epochs_done, steps):
    batches = pipeline.training_batches(
        image_set.images, config.training.batch_size, config.seed, config.training.epochs,
        first_epoch=epochs_done, make_view=make_view)
    writer = tf.summary.create_file_writer(str(directory.logs))
    model.fit(
        batches, epochs=config.training.epochs, initial_epoch=epochs_done, steps_per_epoch=steps,
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[callbacks.Records(directory, epochs_done, writer),
                   callbacks.SampleGrids(directory, writer),
                   callbacks.Checkpoints(manager)])
    writer.close()


def _describe_data(image_set):
    print()
    for line in describe.lines(image_set):
        print(line)
    print(flush=True)


def _warn_of_slow_networks(config):
    """The paper's networks for 64x64 images take days without a GPU, which nobody should find out alone."""
    large = config_lib.image_shape(config)[0] >= _LARGE and config.networks.width > _NARROW
    if large and not tf.config.list_physical_devices("GPU"):
        print(f"note: no GPU is visible, and these networks take seconds a step on a CPU; --preset=cpu or "
              f"--config.networks.width={_NARROW} trains smaller ones", flush=True)


def _environment(config, precision, data_dir, data):
    return {
        "data_dir": str(Path(data_dir).absolute()) if data_dir else None,
        "data": data,
        "precision": precision,
        "machine": strategy_lib.describe_machine(),
        "packages": strategy_lib.package_versions(),
        "git_revision": _git_revision(),
    }


def _fingerprint(image_set):
    """Tells a training set from others, wherever its files lie: how many images, and how some look."""
    num = len(image_set.images)
    some = np.unique(np.linspace(0, num - 1, 100).astype(np.int64))
    return {"num_images": num, "digest": hashlib.sha256(image_set.images[some].tobytes()).hexdigest()[:16]}


def _git_revision():
    git = shutil.which("git")
    here = Path(__file__).parent
    # Only a checkout of this project: an installed package may lie inside somebody else's repository.
    if git is None or not (here.parent.parent / ".git").exists():
        return None
    command = [git, "-C", str(here), "rev-parse", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() or None

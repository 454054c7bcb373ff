"""Finished runs without a training: small networks with made-up weights, and what is exported of them."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving.export import export

EPOCHS_DONE = 3


def _make_run(path, num_continuous):
    config = config_lib.load_preset("mnist")
    config.networks.num_continuous = num_continuous
    config.networks.width = 0.125
    directory = RunDirectory(path)
    model = build_model(config)
    rng = np.random.default_rng(num_continuous)
    for variable in model.variables:
        scale = "moving_variance" in variable.name or "gamma" in variable.name
        low, high = (0.5, 2.0) if scale else (-0.3, 0.3)
        variable.assign(rng.uniform(low, high, variable.shape))
    model.prior.logits.assign(np.linspace(-1.5, 1.5, 10))
    manager = directory.checkpoint_manager(model)
    manager.checkpoint.epochs_done.assign(EPOCHS_DONE)
    manager.save()
    config_lib.save_config(config, directory.config)
    directory.save_environment(
        {"data_dir": "/some/where", "packages": {"tensorflow": "2.15.1"}, "git_revision": "abc123"})
    return directory


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The `RunDirectory` of a run without continuous codes."""
    return _make_run(tmp_path_factory.mktemp("run"), num_continuous=0)


@pytest.fixture(scope="session")
def continuous_run(tmp_path_factory):
    """The `RunDirectory` of a run with two continuous codes."""
    return _make_run(tmp_path_factory.mktemp("continuous_run"), num_continuous=2)


@pytest.fixture(scope="session")
def exported(finished_run, tmp_path_factory):
    """The path of `finished_run`'s export, made as after a bfloat16 training in the same process."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        return export(finished_run.path, tmp_path_factory.mktemp("export"))
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def live(finished_run):
    """The restored model of `finished_run`."""
    return finished_run.restore_model()[1]


@pytest.fixture(scope="session")
def served(exported):
    """Calls a signature of `exported` with NumPy's arrays: `served("generate", code=..., seed=...)`."""
    return _caller(exported)


@pytest.fixture(scope="session")
def continuous_live(continuous_run):
    """The restored model of `continuous_run`."""
    return continuous_run.restore_model()[1]


@pytest.fixture(scope="session")
def continuous_served(continuous_run, tmp_path_factory):
    """As `served`, for `continuous_run`."""
    return _caller(export(continuous_run.path, tmp_path_factory.mktemp("export")))


def _caller(version):
    loaded = tf.saved_model.load(str(version))

    def call(signature, **inputs):
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in loaded.signatures[signature](**tensors).items()}
    return call

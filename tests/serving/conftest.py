"""Finished runs without training: small networks with made-up weights, their models and their exports."""

import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import save_categorizer
from eig_tf.categories.grouping import CodeGrouping, save_grouping
from eig_tf.models.registry import build_model
from eig_tf.networks.categorizer import build_categorizer
from eig_tf.runs import category_files
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment
from eig_tf.serving.export import export_run

EPOCHS_DONE = 3


def _assign_made_up_weights(model, seed):
    """Weights that tell codes and images apart, whatever the architecture."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "moving_variance" in variable.name or "gamma" in variable.name:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "kernel" in variable.name:
            variable.assign(rng.normal(0, 1.0 / np.sqrt(np.prod(variable.shape[:-1])), variable.shape))
        elif variable.dtype.is_floating:
            variable.assign(rng.uniform(-0.3, 0.3, variable.shape))


def _make_run(path, method="elastic_infogan", num_continuous=0):
    config = config_lib.load_preset("mnist", method=method)
    config.networks.num_continuous = num_continuous
    config.networks.width = 0.125
    directory = RunDirectory(path)
    model = build_model(config)
    _assign_made_up_weights(model, seed=num_continuous)
    model.prior.logits.assign(np.linspace(-1.5, 1.5, 10) if model.prior.learned else np.zeros(10))
    manager = directory.checkpoint_manager(model)
    manager.checkpoint.epochs_done.assign(EPOCHS_DONE)
    manager.save()
    config_lib.save_config(config, directory.config)
    directory.save_environment(RunEnvironment("/some/where", None, ({
        "first_epoch": 1, "last_epoch": EPOCHS_DONE, "precision": "float32",
        "packages": {"tensorflow": "2.15.1"}, "git_revision": "abc123"},)))
    return directory


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """The `RunDirectory` of a run without continuous codes."""
    return _make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def exported(finished_run, tmp_path_factory):
    """The path of `finished_run`'s export, made as after a bfloat16 training in the same process."""
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        return export_run(finished_run.path, tmp_path_factory.mktemp("export"))
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def live(finished_run):
    """The restored model of `finished_run`."""
    return finished_run.restore_model()[1]


@pytest.fixture(scope="session")
def served(exported):
    """Calls a signature of `exported` with arrays or lists: `served("generate", code=..., seed=...)`."""
    return _caller(exported)


@pytest.fixture(scope="session")
def grouping():
    """Ten codes in three categories: p(code | category) by hand, the rest from it and the prior of `live`."""
    code_to_category = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 2])
    distribution = np.zeros([3, 10])
    distribution[0, [0, 3, 6]] = 0.7, 0.3, 0.0
    distribution[1, [1, 4, 7]] = 0.125, 0.125, 0.75
    distribution[2, 9] = 1.0
    prior = np.exp(np.linspace(-1.5, 1.5, 10))
    return CodeGrouping(
        code_to_category, np.ones(10), distribution, np.bincount(code_to_category, prior / prior.sum()),
        np.array([0.5, 0.25, 0.25]), np.zeros([9, 4]), EPOCHS_DONE, 0.5)


@pytest.fixture(scope="session")
def categorizer():
    """A network for `grouping` with made-up weights, which tells dark images from bright ones."""
    network = build_categorizer((28, 28, 1), 3)
    _assign_made_up_weights(network, seed=1)
    # Else one category is the most probable of all images.
    logits = network(np.zeros([1, 28, 28, 1], np.float32), training=False)[1]
    network.get_layer("logits").bias.assign_sub(logits[0])
    return network


@pytest.fixture(scope="session")
def category_run(finished_run, grouping, categorizer, tmp_path_factory):
    """The `RunDirectory` of a copy of `finished_run` with categories."""
    directory = RunDirectory(
        shutil.copytree(finished_run.path, tmp_path_factory.mktemp("category_run") / "run"))
    directory.categories.mkdir()
    save_grouping(grouping, directory.categories / category_files.GROUPING)
    save_categorizer(categorizer, directory.categories / category_files.CATEGORIZER)
    return directory


@pytest.fixture(scope="session")
def category_exported(category_run, tmp_path_factory):
    """The path of `category_run`'s export."""
    return export_run(category_run.path, tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="session")
def category_served(category_exported):
    """As `served`, for `category_run`."""
    return _caller(category_exported)


@pytest.fixture(scope="session")
def continuous_run(tmp_path_factory):
    """The `RunDirectory` of a run with noise and two continuous codes."""
    return _make_run(tmp_path_factory.mktemp("continuous_run"), num_continuous=2)


@pytest.fixture(scope="session")
def continuous_live(continuous_run):
    """The restored model of `continuous_run`."""
    return continuous_run.restore_model()[1]


@pytest.fixture(scope="session")
def continuous_served(continuous_run, tmp_path_factory):
    """As `served`, for `continuous_run`."""
    return _caller(export_run(continuous_run.path, tmp_path_factory.mktemp("export")))


@pytest.fixture(scope="session")
def vae_live(tmp_path_factory):
    """A restored `JointVAE`: no noise, three continuous codes."""
    return _make_run(tmp_path_factory.mktemp("vae_run"), "joint_vae", num_continuous=3).restore_model()[1]


@pytest.fixture(scope="session")
def two_stages():
    """An `InfoGAN` for 64x64 images with two stages, an EMA that differs from G, and continuous codes."""
    config = config_lib.load_preset("ytf")
    config.networks.width = 0.0625
    config.networks.num_codes = 6
    config.networks.num_continuous = 2
    config.networks.stages = 2
    config.optimizer.ema_decay = 0.9
    model = build_model(config)
    _assign_made_up_weights(model, seed=0)
    return model


def _caller(version):
    functions = tf.saved_model.load(str(version)).signatures

    def call(signature, **inputs):
        _, specs = functions[signature].structured_input_signature
        tensors = {name: tf.constant(value, specs[name].dtype) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in functions[signature](**tensors).items()}
    return call

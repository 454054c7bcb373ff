"""The number of devices does not change the training: logical CPU devices against one."""

import numpy as np
import pytest

SCRIPT = """
import numpy as np, tensorflow as tf
from tensorflow import keras
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
from eig_tf import config as config_lib
from eig_tf.data import augment, pipeline
from eig_tf.models.registry import build_model, compile_model
from eig_tf.networks.categorizer import build_categorizer

STEPS, BATCH = 3, 16
tf.config.experimental.enable_op_determinism()


class Losses(keras.callbacks.Callback):
    def __init__(self):
        self.of_steps = []

    def on_epoch_end(self, epoch, logs):
        self.of_steps.append([logs[name] for name in sorted(logs)])


def train(replicas, make_optimizer):
    keras.utils.set_random_seed(0)
    keras.backend.clear_session()  # Names of layers start anew.
    config = config_lib.load_preset({dataset!r}, "paper", {method!r})
    config.networks.width = 0.1
    config.training.batch_size = BATCH
    config.update_from_flattened_dict({options!r})
    make_view = augment.make_view_function(config)
    strategy = (tf.distribute.MirroredStrategy([f"CPU:{{i}}" for i in range(replicas)])
                if replicas > 1 else tf.distribute.get_strategy())
    with strategy.scope():
        model = build_model(config)
        compile_model(model, config, make_optimizer, steps_per_execution=1)
    start = [variable.numpy() for variable in model.variables]
    shape = config_lib.image_shape(config)
    images = np.random.default_rng(0).integers(0, 256, [80, *shape], dtype=np.uint8)
    batches = strategy.distribute_datasets_from_function(lambda context: pipeline.training_batches(
        images, BATCH, 0, 2, first_step=1, make_view=make_view, replicas=context))
    losses = Losses()
    model.fit(batches, epochs=STEPS, steps_per_epoch=1, verbose=0, callbacks=[losses])
    if {guided!r}:
        categorizer = build_categorizer(shape, 3)
        model.follow_categories(categorizer, np.arange(model.num_codes) % 3, {{"rotation": 5.0}})
        model.fit(batches, epochs=2, steps_per_epoch=1, verbose=0, callbacks=[losses])
    for variable in model.trainable_variables:
        copies = [copy.numpy() for copy in strategy.experimental_local_results(variable)]
        assert all((copy == copies[0]).all() for copy in copies), variable.name
    changes = {{v.name: v.numpy() - before for v, before in zip(model.variables, start)}}
    return np.array(losses.of_steps), changes


for name, make_optimizer in {{
        "sgd": lambda rate, beta_1: keras.optimizers.legacy.SGD(2e-4),
        "adam": lambda rate, beta_1: keras.optimizers.legacy.Adam(rate, beta_1=beta_1)}}.items():
    for replicas in (1, {replicas!r}) if name in {optimizers!r} else ():
        losses, changes = train(replicas, make_optimizer)
        np.savez(f"{{name}}_{{replicas}}.npz", losses=losses, **changes)
"""

STAGES = {"networks.stages": 2, "networks.width": 0.05, "networks.num_codes": 5,
          "discriminator_augment.shift": 4, "discriminator_augment.contrast": 0.3,
          "discriminator_augment.brightness": 0.3}
CASES = {
    "head": {},
    "contrastive_guided": {"method": "agglomerative_infogan", "guided": True,
                           "options": {"loss.gradient_routing": "contrastive"}},
    "shared_positive_pairs": {"method": "gumbel_infogan_pos",
                              "options": {"loss.gradient_routing": "shared"}},
    "two_stages": {"dataset": "ytf", "options": STAGES},
    "joint_vae": {"method": "joint_vae",
                  "options": {"vae.capacity_discrete": 1.0, "vae.capacity_continuous": 5.0}},
}


def train(command, replicas, optimizers, dataset="mnist", method="elastic_infogan", options=None,
          guided=False):
    result = command("-c", SCRIPT.format(dataset=dataset, method=method, options=options or {}, guided=guided,
                                         replicas=replicas, optimizers=optimizers))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "replicas"), [(case, 4 if case == "contrastive_guided" else 2) for case in CASES])
def test_losses_and_weights_are_those_of_one_device(command, tmp_path, case, replicas):
    # The steps of Adam follow from the gradients, as those of SGD do: one case shows it.
    optimizers = ("sgd", "adam") if case == "head" else ("sgd",)
    train(command, replicas, optimizers, **CASES[case])
    for optimizer in optimizers:
        with np.load(tmp_path / f"{optimizer}_1.npz") as one, \
                np.load(tmp_path / f"{optimizer}_{replicas}.npz") as several:
            assert np.isfinite(one["losses"]).all() and np.ptp(one["losses"], axis=0).max() > 1e-3
            np.testing.assert_allclose(one["losses"], several["losses"], rtol=1e-5, atol=1e-5)
            assert one.files == several.files
            # Adam divides a gradient that is zero but for rounding, such as that of a bias in front of a
            # normalization, by itself. Losses and SGD's steps tell whether the gradients are the same.
            for name in one.files if optimizer == "sgd" else ():
                # The gradients of the prior's logits cancel in codes that are nearly one-hot.
                share = 0.1 if name == "logits:0" else 0.05
                # Of single weights, a few lie on the kink of an activation that rounding moves.
                difference = np.linalg.norm(one[name] - several[name])
                assert difference <= share * np.linalg.norm(one[name]) + 1e-6 * one[name].size**0.5, name

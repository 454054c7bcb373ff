import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from benchmarks import flops, training_step
from eig_tf.config import METHODS, load_preset


@pytest.mark.slow
@pytest.mark.parametrize("method", ["elastic_infogan", "joint_vae"])
def test_reference_and_package_train_alike(method):
    """The reference differs in cost alone; otherwise its ratio would mean nothing."""
    config = load_preset("digits", method=method)
    config.training.batch_size = 4
    data = training_step.random_batch(config)
    kernels = []
    for variant in training_step.step_variants(config, "float32"):
        keras.utils.set_random_seed(0)
        model = training_step.build_variant(variant)
        trained = [variable for variable in model.trainable_variables if len(variable.shape) > 1]
        start = [variable.numpy() for variable in trained]
        model.train_step(data)
        kernels.append([variable.numpy() for variable in trained])

    assert len(kernels) == 2
    for before, reference, package in zip(start, *kernels):
        # Adam's first step is the learning rate wherever there is a gradient.
        assert np.abs(package - before).max() > 0.5 * config.optimizer.learning_rate
        assert np.abs(reference - package).mean() < 0.01 * config.optimizer.learning_rate


def test_variant_is_built_under_its_policy():
    config = load_preset("digits")
    model = training_step.build_variant(training_step.package_variant(config, "mixed_bfloat16"), 7)

    policies = {layer.dtype_policy.name for network in model.inference_networks().values()
                for layer in network.submodules if isinstance(layer, keras.layers.Dense)}
    assert "mixed_bfloat16" in policies
    assert model._steps_per_execution.numpy() == 7
    assert keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.parametrize("method", METHODS)
def test_rows_for_information_change_one_thing_each(method):
    config = load_preset("mnist", method=method)
    variants = training_step.step_variants(config, "mixed_bfloat16", everything=True)

    assert len({variant.name for variant in variants}) == len(variants)
    assert [variant.precision for variant in variants[:3]] == ["float32", "float32", "mixed_bfloat16"]
    assert variants[2] == training_step.package_variant(config, "mixed_bfloat16")
    changed = [(variant.config.method, variant.config.get("loss", {}).get("gradient_routing"))
               for variant in variants[3:]]
    assert changed == {
        "elastic_infogan": [(method, "shared"), ("gumbel_infogan", "head")],
        "ground_truth_infogan_ntxent": [(method, "shared"), ("ground_truth_infogan", "head")],
        "gumbel_infogan_pos": [(method, "shared"), ("gumbel_infogan", "head")],
        "joint_vae": [],
    }.get(method, [(method, "shared")])
    assert config == load_preset("mnist", method=method)


@pytest.mark.slow
def test_flops_of_the_step_against_a_count_by_hand():
    n = 4
    generator = 72 * 1024 + 1024 * 6272 + 7 * 7 * 16 * 128 * 64 + 14 * 14 * 16 * 64 * 1
    conv1, conv2_and_dense = 14 * 14 * 16 * 1 * 64, 7 * 7 * 16 * 64 * 128 + 6272 * 1024
    trunk = conv1 + conv2_and_dense
    d_head, q_hidden, q_logits = 1024, 1024 * 128, 128 * 10
    discriminator_phase = 2 * n * (2 * conv1 + 3 * conv2_and_dense + 3 * d_head)
    # The gradient goes through the trunk and D's head to the image alone, through Q to its weights as well.
    generated = n * (3 * generator + 2 * trunk + 2 * d_head + 3 * q_hidden + 3 * q_logits)
    contrastive = n * trunk + 2 * n * 2 * q_hidden + 3 * (2 * n)**2 * 128
    model = training_step.build_variant(training_step.package_variant(load_preset("mnist"), "float32"))
    images = tf.zeros([n, 28, 28, 1])

    count = flops.count_flops(training_step.make_step(model, (images, images)))
    assert count == 2 * (discriminator_phase + generated + contrastive)

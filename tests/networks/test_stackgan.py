"""The 64x64 networks: sizes against the published ones, other sizes by hand, stages, dtypes."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.networks import stackgan

WIDTH = 0.0625  # base of 4 channels


def latents(num, noise_dim=100, num_codes=10, num_continuous=0):
    return [tf.random.stateless_normal([num, noise_dim], (0, 1)), tf.eye(num_codes)[:num],
            tf.random.stateless_uniform([num, num_continuous], (0, 2), -1, 1)]


@pytest.fixture(scope="module")
def small():
    """Narrow networks of one stage."""
    keras.utils.set_random_seed(0)
    return stackgan.build_networks(num_continuous=2, width=WIDTH)


@pytest.mark.slow
@pytest.mark.parametrize(("num_codes", "published"), [(10, 16_209_344), (40, 17_192_384), (5, 16_045_504)])
def test_parameter_counts_are_the_published_ones(count, num_codes, published):
    networks = stackgan.build_networks(num_codes=num_codes)
    (discriminator,) = networks.discriminators
    assert count(networks.generator) == published
    assert count(discriminator.trunk) == 2_757_376
    assert count(discriminator.discriminator_head) == 8_193
    joint, hidden = 2_360_320, 16 * 512 * 128 + 2 * 128
    assert count(discriminator.encoder_head) == joint + hidden + 129 * num_codes


def block(inputs, filters):
    """Weights of a 3x3 convolution to twice the filters and of its normalization."""
    return 9 * inputs * 2 * filters + 2 * 2 * filters


def test_second_stage_by_hand(count):
    one, two = (stackgan.build_networks(num_codes=7, width=WIDTH, stages=stages) for stages in (1, 2))
    residual = block(4, 4) + 9 * 4 * 4 + 2 * 4
    second = block(4 + 7, 4) + 2 * residual + block(4, 2) + 9 * 2 * 3
    assert count(two.generator) - count(one.generator) == second
    assert len(two.discriminators) == 2
    (only,) = one.discriminators
    for discriminator in two.discriminators:
        assert [count(network) for network in discriminator] == [count(network) for network in only]
    first, other = (discriminator.trunk.convs[0].kernel for discriminator in two.discriminators)
    assert not np.allclose(first, other)


@pytest.mark.parametrize(("size", "filters"), [
    (32, [4, 8, 16]), (64, [4, 8, 16, 32]), (128, [4, 8, 16, 32, 32])])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_size_by_hand(count, size, filters, channels):
    networks = stackgan.build_networks(image_shape=(size, size, channels), width=WIDTH)
    (discriminator,) = networks.discriminators
    pairs = list(zip(filters, filters[1:]))
    assert count(discriminator.trunk) == 16 * channels * filters[0] + sum(
        16 * small * large + 2 * large for small, large in pairs)
    first = 2 * filters[-1]
    ups = sum(block(inputs, outputs) for inputs, outputs in zip([first, *filters[::-1]], filters[::-1]))
    assert count(networks.generator) == (110 + 2) * 2 * first * 16 + ups + 9 * filters[0] * channels
    (images,) = networks.generator(latents(3))
    assert images.shape == (3, size, size, channels)
    assert np.abs(images).max() <= 1.0
    activations = discriminator.trunk(images)
    assert activations.shape == (3, 4, 4, filters[-1])
    assert discriminator.discriminator_head(activations).shape == (3,)
    feature, logits, means = discriminator.encoder_head(activations)
    assert (feature.shape, logits.shape, means.shape) == ((3, 128), (3, 10), (3, 0))


def test_code_noise_and_continuous_codes_all_reach_the_image(small):
    noise, code, continuous = latents(3, num_continuous=2)
    (base,) = small.generator([noise, code, continuous])
    for changed in ([noise + 1, code, continuous], [noise, tf.roll(code, 1, axis=0), continuous],
                    [noise, code, continuous + 1]):
        assert not np.allclose(small.generator(changed)[0], base, atol=1e-6)
    trunk, _, encoder_head = small.discriminators[0]
    _, logits, means = encoder_head(trunk(base))
    assert (logits.shape, means.shape) == ((3, 10), (3, 2))


def test_second_stage_refines_the_first_and_sees_the_code_again():
    generator = stackgan.build_networks(width=WIDTH, stages=2).generator
    noise, code, continuous = latents(4)
    first, second = generator([noise, code, continuous])
    assert first.shape == second.shape == (4, 64, 64, 3)
    assert np.abs(first - second).max() > 0.01
    # Weights of the second stage that meet the tiled code: the last inputs of its first convolution.
    kernel = generator.refinements[0][0].conv.kernel
    changed = kernel.numpy()
    changed[:, :, -10:] = 0
    kernel.assign(changed)
    same_first, other_second = generator([noise, code, continuous])
    np.testing.assert_array_equal(same_first, first)
    assert np.abs(other_second - second).max() > 1e-3


def test_weights_start_as_published(small):
    networks = (small.generator, *small.discriminators[0])
    kernels = {variable.name: variable for network in networks for variable in network.trainable_variables
               if "kernel" in variable.name}
    assert len(kernels) >= 1 + 4 + 1 + 4 + 1 + 3
    for kernel in kernels.values():
        matrix = kernel.numpy().reshape(-1, kernel.shape[-1])
        gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-4)
    biases = [variable.name for network in networks for variable in network.trainable_variables
              if "bias" in variable.name]
    assert len(biases) == 2  # of D's logit and of Q's prediction
    norms = [layer for network in networks for layer in network.submodules
             if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 1 + 4 + 3 + 2
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}
    scales = np.concatenate([norm.gamma.numpy() for norm in norms])
    assert scales.mean() == pytest.approx(1.0, abs=0.01) and scales.std() == pytest.approx(0.02, rel=0.2)


def test_ema_generator_starts_where_the_generator_does():
    networks = stackgan.build_networks(width=WIDTH, ema=True)
    assert networks.ema_generator is not networks.generator
    for average, current in zip(networks.ema_generator.variables, networks.generator.variables):
        np.testing.assert_array_equal(average, current)
    assert stackgan.build_networks(width=WIDTH).ema_generator is None


def test_trunk_over_two_groups_equals_two_passes(check_groups):
    images = tf.random.stateless_normal([3, 32, 32, 3], (0, 1))
    check_groups(stackgan.Trunk(32, WIDTH), stackgan.Trunk(32, WIDTH), images, 0.2 * images)


def test_outputs_are_float32_under_bfloat16(bfloat16):
    networks = stackgan.build_networks(num_continuous=1, width=WIDTH, stages=2)
    outputs = list(networks.generator(latents(4, num_continuous=1), training=True))
    for images, discriminator in zip(tuple(outputs), networks.discriminators):
        activations = discriminator.trunk(images, training=True)
        outputs += [discriminator.discriminator_head(activations),
                    *discriminator.encoder_head(activations, training=True)]
    assert {output.dtype for output in outputs} == {tf.float32}
    assert {variable.dtype for variable in networks.generator.variables} == {tf.float32}
    assert networks.generator.upsamples[0].conv.compute_dtype == "bfloat16"

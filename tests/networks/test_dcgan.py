"""The InfoGAN networks: sizes against the published ones, shapes, dtypes, grouped normalization."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.networks import dcgan
from eig_tf.networks.blocks import GhostBatchNormalization, normal_initializer

IMAGES = tf.constant(np.random.default_rng(0).uniform(-1, 1, (6, 28, 28, 1)), tf.float32)


@pytest.fixture
def bfloat16():
    """Keras's policy is mixed_bfloat16 for one test."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_global_policy(before)


def latents(num, noise_dim=62, num_codes=10, num_continuous=0):
    return [tf.random.stateless_normal([num, noise_dim], (0, 1)), tf.eye(num_codes)[:num],
            tf.zeros([num, num_continuous])]


def count(network):
    """Trainable weights, which is what published counts count."""
    return sum(int(tf.size(variable)) for variable in network.trainable_variables)


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(0)
    return dcgan.build()


def test_parameter_counts_are_the_published_ones(networks):
    assert count(networks.generator) == 6_650_433
    assert count(networks.trunk) == 6_558_144
    assert count(networks.discriminator_head) == 1_025
    assert count(networks.recognition_head) == 132_746


def test_parameter_counts_by_hand_for_other_sizes():
    networks = dcgan.build(noise_dim=30, num_codes=4, num_continuous=2, image_shape=(28, 28, 3))
    inputs = 30 + 4 + 2
    assert count(networks.generator) == 6_650_433 + (inputs - 72) * 1024 + 2 * (16 * 64 + 1)
    assert count(networks.trunk) == 6_558_144 + 2 * 16 * 64
    assert count(networks.recognition_head) == 132_746 + (6 - 10) * 129


@pytest.mark.parametrize(("size", "side", "more_stages"), [(32, 8, 0), (64, 8, 1)])
def test_larger_images_by_hand(size, side, more_stages):
    """At 64 pixels there is one more layer of stride 2 at either end, with its normalization."""
    networks = dcgan.build(noise_dim=100, image_shape=(size, size, 3))
    expand = (1024 + 1 + 2) * side * side * 128
    upsample = (16 * 128 + 1 + 2) * 64 + more_stages * (16 * 64 + 1 + 2) * 64
    assert count(networks.generator) == (110 + 1 + 2) * 1024 + expand + upsample + 16 * 64 * 3 + 3
    convs = (16 * 3 + 1) * 64 + (16 * 64 + 1 + 2) * 128 + more_stages * (16 * 128 + 1 + 2) * 128
    assert count(networks.trunk) == convs + (side * side * 128 + 1 + 2) * 1024
    images = networks.generator(latents(2, noise_dim=100))
    assert images.shape == (2, size, size, 3)
    assert networks.trunk(images).shape == (2, 1024)


def test_width_scales_generator_and_trunk_and_leaves_q_its_feature():
    networks = dcgan.build(width=0.5)
    norm_and_bias = 3
    assert count(networks.generator) == (
        (72 + norm_and_bias) * 512 + (512 + norm_and_bias) * 7 * 7 * 64
        + (16 * 64 + norm_and_bias) * 32 + 16 * 32 + 1)
    activations = networks.trunk(IMAGES)
    assert activations.shape == (6, 512)
    feature, logits, _ = networks.recognition_head(activations)
    assert feature.shape == (6, 128) and logits.shape == (6, 10)


def test_weights_start_as_published(networks):
    kernels = [variable for network in networks for variable in network.trainable_variables
               if "kernel" in variable.name]
    assert len(kernels) == 4 + 3 + 1 + 2
    for kernel in kernels:
        assert np.std(kernel) == pytest.approx(0.02, rel=0.15)
    biases = [variable for network in networks for variable in network.trainable_variables
              if "bias" in variable.name]
    assert len(biases) == len(kernels)
    assert not any(np.any(bias) for bias in biases)


def test_initializers_do_not_repeat_each_others_draws():
    first, second = normal_initializer()([100, 100]), normal_initializer()([100, 100])
    assert abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]) < 0.05


def test_normalization_has_the_published_constants(networks):
    norms = [layer for network in networks for layer in network.submodules
             if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 3 + 2 + 1
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


def test_shapes_and_ranges(networks):
    images = networks.generator(latents(5))
    assert images.shape == (5, 28, 28, 1)
    assert np.abs(images).max() <= 1.0
    activations = networks.trunk(images)
    assert activations.shape == (5, 1024)
    assert networks.discriminator_head(activations).shape == (5,)
    feature, logits, means = networks.recognition_head(activations)
    assert (feature.shape, logits.shape, means.shape) == ((5, 128), (5, 10), (5, 0))


def test_code_noise_and_continuous_codes_all_reach_the_image():
    networks = dcgan.build(num_continuous=2, width=0.25)
    noise, code, continuous = latents(3, num_continuous=2)
    base = networks.generator([noise, code, continuous])
    for changed in ([noise + 1, code, continuous], [noise, tf.roll(code, 1, axis=0), continuous],
                    [noise, code, continuous + 1]):
        assert not np.allclose(networks.generator(changed), base, atol=1e-6)
    _, logits, means = networks.recognition_head(networks.trunk(base))
    assert (logits.shape, means.shape) == ((3, 10), (3, 2))


def test_feature_is_what_the_logits_are_computed_from(networks):
    feature, logits, _ = networks.recognition_head(networks.trunk(IMAGES))
    prediction = networks.recognition_head.prediction
    np.testing.assert_allclose(feature @ prediction.kernel + prediction.bias, logits, atol=1e-5)
    negative, positive = np.min(feature), np.max(feature)
    assert negative < 0 < positive and abs(negative) < positive  # after the leaky ReLU


def test_outputs_are_float32_under_bfloat16(bfloat16):
    networks = dcgan.build(num_continuous=1, width=0.25)
    images = networks.generator(latents(4, num_continuous=1), training=True)
    activations = networks.trunk(images, training=True)
    outputs = [images, networks.discriminator_head(activations),
               *networks.recognition_head(activations, training=True)]
    assert [output.dtype for output in outputs] == [tf.float32] * 5
    assert {variable.dtype for network in networks for variable in network.variables} == {tf.float32}
    assert networks.trunk.dense.compute_dtype == "bfloat16"


@pytest.mark.parametrize("shape", [(7, 5), (7, 4, 4, 3)], ids=["dense", "convolution"])
def test_ghost_normalization_of_two_groups_equals_two_calls(shape):
    first = tf.random.stateless_normal(shape, (0, 1), mean=2.0)
    second = tf.random.stateless_normal(shape, (0, 2), mean=-3.0, stddev=4.0)
    together, apart = GhostBatchNormalization(), GhostBatchNormalization()
    joined = together(tf.concat([first, second], axis=0), training=True, groups=2)
    expected = tf.concat([apart(first, training=True), apart(second, training=True)], axis=0)
    np.testing.assert_allclose(joined, expected, atol=1e-5)
    np.testing.assert_allclose(together.moving_mean, apart.moving_mean, atol=1e-6)
    np.testing.assert_allclose(together.moving_variance, apart.moving_variance, atol=1e-5)
    # By hand: m <- 0.9 m + 0.1 mean, twice.
    axes = list(range(len(shape) - 1))
    by_hand = 0.9 * 0.1 * tf.reduce_mean(first, axes) + 0.1 * tf.reduce_mean(second, axes)
    np.testing.assert_allclose(together.moving_mean, by_hand, atol=1e-5)


def test_ghost_normalization_updates_both_groups_inside_a_graph():
    first, second = tf.fill([4, 3], 1.0), tf.fill([4, 3], 5.0)
    layer = GhostBatchNormalization()

    @tf.function
    def step():
        return layer(tf.concat([first, second], axis=0), training=True, groups=2)
    step()
    np.testing.assert_allclose(layer.moving_mean, np.full(3, 0.9 * 0.1 * 1.0 + 0.1 * 5.0), rtol=1e-5)


def test_ghost_normalization_keeps_its_statistics_in_inference():
    layer = GhostBatchNormalization()
    batch = tf.random.stateless_normal([8, 3], (0, 1), mean=5.0)
    layer(batch, training=True)
    mean = layer.moving_mean.numpy()
    one_by_one = tf.concat([layer(batch[:4]), layer(batch[4:])], axis=0)
    np.testing.assert_allclose(layer(batch, groups=2), one_by_one, atol=1e-6)
    np.testing.assert_array_equal(layer.moving_mean, mean)


def test_trunk_over_two_groups_equals_two_passes():
    trunk, twin = dcgan.Trunk(width=0.25), dcgan.Trunk(width=0.25)
    first, second = IMAGES[:3], 0.2 * IMAGES[3:]
    trunk(first), twin(first)
    twin.set_weights(trunk.get_weights())
    together = trunk(tf.concat([first, second], axis=0), training=True, groups=2)
    apart = tf.concat([twin(first, training=True), twin(second, training=True)], axis=0)
    np.testing.assert_allclose(together, apart, atol=1e-3)
    for found, expected in zip(trunk.get_weights(), twin.get_weights()):
        np.testing.assert_allclose(found, expected, atol=1e-5)

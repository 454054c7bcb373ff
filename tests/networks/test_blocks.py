"""Layers that networks share: initial weights, gates, grouped normalization, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.networks.blocks import (
    GatedBlock,
    GhostBatchNormalization,
    ResidualBlock,
    UpsampledConv,
    glu,
    normal_initializer,
)


def test_initializers_do_not_repeat_each_others_draws():
    first, second = normal_initializer()([100, 100]), normal_initializer()([100, 100])
    assert abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]) < 0.05


def test_gated_linear_unit_by_hand():
    found = glu(tf.constant([[1.0, 2.0, 0.0, np.log(3.0)]]))
    np.testing.assert_allclose(found, [[0.5, 1.5]], rtol=1e-6)


@pytest.mark.parametrize("side", [4, 8])  # on either side of where the way of computing changes
def test_upsampling_repeats_every_pixel_before_the_convolution(side):
    conv = UpsampledConv(6)
    images = tf.random.stateless_normal([3, side, side, 5], (0, 1))
    with tf.GradientTape() as tape:
        found = tf.function(conv)(images)
        loss = tf.reduce_sum(found ** 3)
    gradient = tape.gradient(loss, conv.kernel)
    assert found.shape == (3, 2 * side, 2 * side, 6) and conv.count_params() == 9 * 5 * 6
    with tf.GradientTape() as tape:
        large = np.repeat(np.repeat(images, 2, axis=1), 2, axis=2)
        expected = tf.nn.conv2d(large, conv.kernel, 1, "SAME")
        loss = tf.reduce_sum(expected ** 3)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(gradient, tape.gradient(loss, conv.kernel), rtol=1e-3, atol=1e-3)


def test_gated_block_by_its_parts():
    block = GatedBlock(2, upsample=True)
    images = tf.random.stateless_normal([3, 4, 4, 5], (0, 1))
    found = block(images)
    assert found.shape == (3, 8, 8, 2)
    plain = block.norm(block.conv(images))
    np.testing.assert_allclose(found, plain[..., :2] * tf.sigmoid(plain[..., 2:]), atol=1e-5)
    assert not block.conv.use_bias


def test_residual_block_is_the_identity_when_its_last_scale_is_zero():
    block = ResidualBlock(6)
    images = tf.random.stateless_normal([2, 4, 4, 6], (0, 1))
    assert np.abs(block(images) - images).max() > 0.1
    block.norm.gamma.assign(tf.zeros([6]))
    np.testing.assert_array_equal(block(images), images)


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

"""JointVAE's networks: sizes by hand against the original's description, shapes, dtypes."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.networks import joint_vae


def conv(inputs, outputs):
    return 4 * 4 * inputs * outputs + outputs


def dense(inputs, outputs):
    return inputs * outputs + outputs


@pytest.mark.parametrize(("size", "channels", "encoder", "decoder"), [
    (28, 1, (1, 32, 64, 64), (64, 32, 32, 1)),
    (32, 1, (1, 32, 64, 64), (64, 32, 32, 1)),
    (64, 3, (3, 32, 32, 64, 64), (64, 64, 32, 32, 3)),
    (128, 3, (3, 32, 32, 32, 64, 64), (64, 64, 32, 32, 32, 3)),
])
def test_parameter_counts_by_hand(count, size, channels, encoder, decoder):
    networks = joint_vae.build_networks(num_codes=7, num_continuous=5, image_shape=(size, size, channels))
    assert count(networks.encoder) == (
        sum(map(conv, encoder, encoder[1:])) + dense(4 * 4 * 64, 256) + dense(256, 5 + 5 + 7))
    assert count(networks.decoder) == (
        dense(7 + 5, 256) + dense(256, 4 * 4 * 64) + sum(map(conv, decoder, decoder[1:])))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (128, 128, 1)])
def test_shapes_and_dtypes_under_bfloat16(bfloat16, shape):
    networks = joint_vae.build_networks(num_codes=4, num_continuous=3, image_shape=shape, width=0.25)
    outputs = networks.encoder(tf.random.stateless_uniform([2, *shape], (0, 1)))
    assert [output.shape.as_list() for output in outputs] == [[2, 64], [2, 3], [2, 3], [2, 4]]
    logits = networks.decoder((tf.eye(4)[:2], outputs[1]))
    assert logits.shape == (2, *shape)
    assert {output.dtype for output in (*outputs, logits)} == {tf.float32}


def test_every_pixel_and_every_latent_matters():
    networks = joint_vae.build_networks(num_codes=3, num_continuous=2, image_shape=(28, 28, 1), width=0.25)
    images = tf.random.stateless_uniform([1, 28, 28, 1], (0, 1))
    with tf.GradientTape() as tape:
        tape.watch(images)
        means = networks.encoder(images)[1]
    assert (np.abs(tape.gradient(means, images)) > 0).mean() > 0.9
    code, continuous = tf.eye(3)[:1], tf.zeros([1, 2])
    base = networks.decoder((code, continuous))
    assert np.abs(networks.decoder((tf.roll(code, 1, axis=1), continuous)) - base).max() > 1e-5
    assert np.abs(networks.decoder((code, continuous + [[0.0, 1.0]])) - base).max() > 1e-5

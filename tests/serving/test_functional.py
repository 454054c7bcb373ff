"""Functional copies of the networks: the same numbers through layers that are Keras's own."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.base import Encoding, GenerativeModel, Latents
from eig_tf.models.prior import CodePrior
from eig_tf.networks.blocks import GhostBatchNormalization
from eig_tf.serving.formats import draw_sample, run_in_batches
from eig_tf.serving.functional import functional_networks


def _check_copies(model):
    expected = draw_sample(model)
    assert expected.images.std() > 0.01
    copies = functional_networks(model)
    images = run_in_batches(copies["generator"], expected.latents)["images"]
    np.testing.assert_allclose(images, expected.images, rtol=0, atol=1e-5)
    encoded = run_in_batches(copies["categorizer"], {"images": expected.images})
    for name in ("probabilities", "feature"):
        np.testing.assert_allclose(encoded[name], expected.encoded[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(encoded["code"], expected.encoded["code"])
    assert encoded["code"].dtype == np.int32
    layers = copies["generator"].layers + copies["categorizer"].layers
    assert {type(layer).__module__.split(".")[0] for layer in layers} == {"keras"}
    assert {layer.dtype_policy.name for layer in layers} == {"float32"}


@pytest.mark.parametrize("model", ["live", "vae_live", pytest.param("two_stages", marks=pytest.mark.slow)])
def test_copies_equal_the_networks(request, model):
    _check_copies(request.getfixturevalue(model))


def test_copies_are_float32_under_any_policy(continuous_live):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        _check_copies(continuous_live)
    finally:
        keras.mixed_precision.set_global_policy("float32")


class _Network(keras.Model):
    """Settings, a method, and private, nested and shared layers, as no network of the project has."""

    def __init__(self, size, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self._first = keras.layers.Dense(7)
        self.pairs = [(keras.layers.Dense(7), GhostBatchNormalization())]
        self.act = keras.layers.LeakyReLU(0.2)
        self.last = keras.layers.Dense(size)

    def call(self, inputs, training=None):
        x = self.act(self._first(inputs))
        for dense, norm in self.pairs:
            x = self.act(norm(dense(x), training=training))
        return self._scaled(self.last(x))

    def _scaled(self, x):
        return tf.sin(x) * self.scale


class _OtherModel(GenerativeModel):
    """A model without noise and continuous codes."""

    def __init__(self):
        super().__init__(CodePrior(4), 0, 0, (2, 3, 1), (), 0, "other")
        self.networks = {"decoder": _Network(6, 0.9), "encoder": _Network(4, 5.0)}
        self.networks["decoder"](tf.zeros([1, 4]))
        self.networks["encoder"](tf.zeros([1, 6]))

    def inference_networks(self):
        return self.networks

    @staticmethod
    def generate_with(networks, latents):
        pixels = networks["decoder"](tf.concat(latents, axis=-1), training=False)
        return tf.reshape(pixels, [-1, 2, 3, 1])

    @staticmethod
    def encode_with(networks, images):
        logits = networks["encoder"](tf.reshape(images, [-1, 6]), training=False)
        return Encoding(tf.square(logits), logits, logits[:, :0])


def test_any_model_with_the_interface_can_be_copied():
    keras.utils.set_random_seed(0)
    model = _OtherModel()
    assert set(draw_sample(model).latents) == {"code"}
    _check_copies(model)


@pytest.mark.slow
def test_the_sample_is_made_by_the_last_stage_of_the_ema(two_stages):
    expected = draw_sample(two_stages)
    latents = Latents(**expected.latents)
    first, last = (stage.numpy() for stage in two_stages.ema_generator(latents, training=False))
    np.testing.assert_allclose(expected.images, (last + 1) / 2, atol=1e-5)
    assert np.abs(first - last).max() > 0.1
    assert np.abs(two_stages.generator(latents, training=False)[-1] - last).max() > 0.1


def test_the_sample_shows_every_code(continuous_live, live):
    expected = draw_sample(live)
    assert expected.latents["code"].sum(axis=0).tolist() == [7, 7, 7, 7, 6, 6, 6, 6, 6, 6]
    assert set(expected.latents) == {"code", "noise"}
    assert draw_sample(continuous_live).latents["continuous"].shape == (64, 2)
    assert np.abs(draw_sample(live, seed=1).latents["noise"] - expected.latents["noise"]).max() > 1

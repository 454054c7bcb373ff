"""Functional copies of the networks: the same numbers through layers that are Keras's own."""

import numpy as np
import pytest
from made_up_models import two_stage_model
from tensorflow import keras

from eig_tf.models.base import Latents
from eig_tf.serving.functional import functional
from eig_tf.serving.reference import reference, run


@pytest.fixture(scope="module")
def two_stages():
    return two_stage_model()


def _check_copies(model):
    expected = reference(model)
    assert expected.images.std() > 0.05
    copies = functional(model)
    images = run(copies.generator, expected.latents)["images"]
    np.testing.assert_allclose(images, expected.images, rtol=0, atol=1e-5)
    recognized = run(copies.categorizer, {"images": expected.images})
    for name in ("probabilities", "feature"):
        np.testing.assert_allclose(recognized[name], expected.recognized[name], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(recognized["code"], expected.recognized["code"])
    assert recognized["code"].dtype == np.int32
    layers = copies.generator.layers + copies.categorizer.layers
    assert {type(layer).__module__.split(".")[0] for layer in layers} == {"keras"}
    assert {layer.dtype_policy.name for layer in layers} == {"float32"}


def test_copies_for_28x28_images_equal_the_networks(live):
    _check_copies(live)


@pytest.mark.slow
def test_copies_of_two_stages_with_an_average_equal_the_networks(two_stages):
    _check_copies(two_stages)


def test_copies_are_float32_under_any_policy(continuous_live):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        _check_copies(continuous_live)
    finally:
        keras.mixed_precision.set_global_policy("float32")


@pytest.mark.slow
def test_the_reference_is_the_averaged_generators_last_stage(two_stages):
    expected = reference(two_stages)
    latents = Latents(**expected.latents)
    first, last = (stage.numpy() for stage in two_stages.average_generator(latents, training=False))
    np.testing.assert_allclose(expected.images, (last + 1) / 2, atol=1e-5)
    assert np.abs(first - last).max() > 0.1
    assert np.abs(two_stages.generator(latents, training=False)[-1] - last).max() > 0.1


def test_the_reference_shows_every_code(continuous_live, live):
    expected = reference(live)
    assert expected.latents["code"].sum(axis=0).tolist() == [7, 7, 7, 7, 6, 6, 6, 6, 6, 6]
    assert set(expected.latents) == {"code", "noise"}
    assert reference(continuous_live).latents["continuous"].shape == (64, 2)
    assert np.abs(reference(live, seed=1).latents["noise"] - expected.latents["noise"]).max() > 1

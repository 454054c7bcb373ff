"""The signatures of an exported model, loaded as a server loads them, against the live model."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.models.inference import Latents
from eig_tf.serving.served_model import MAX_COUNT

NUM_CODES = 10
TOLERANCE = {"rtol": 0, "atol": 1e-5}


def _codes(*values):
    return np.array(values, np.int32)


def _seeds(*values):
    return np.array(values, np.int64)


def _one_hot(codes):
    return np.eye(NUM_CODES, dtype=np.float32)[codes]


def _live_images(live, seeds, codes, continuous=None):
    """What the live model makes of every row's own noise."""
    noise = np.stack([tf.random.stateless_normal([62], tf.constant([seed, 0], tf.int64)) for seed in seeds])
    if continuous is None:
        continuous = np.zeros([len(seeds), 0], np.float32)
    return (live(Latents(noise, codes, continuous)).numpy() + 1) / 2


def test_generate_equals_the_live_model(served, live):
    codes, seeds = _codes(0, 9, 3, 3), _seeds(5, -1, 2**62, 5)
    images = served("generate", code=codes, seed=seeds)["images"]
    assert images.shape == (4, 28, 28, 1)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_allclose(images, _live_images(live, seeds, _one_hot(codes)), **TOLERANCE)
    assert np.abs(images[2] - images[3]).max() > 0.01  # same code, other seed
    assert np.abs(images[0] - images[3]).max() > 0.01  # same seed, other code


def test_the_default_signature_is_generate(served):
    inputs = {"code": _codes(1, 2), "seed": _seeds(1, 2)}
    np.testing.assert_array_equal(
        served("serving_default", **inputs)["images"], served("generate", **inputs)["images"])


def test_generate_from_code_equals_the_live_model_on_the_inside_of_the_simplex(served, live):
    vectors = np.stack([np.full(NUM_CODES, 0.1), 0.5 * (_one_hot(2) + _one_hot(7))]).astype(np.float32)
    images = served("generate_from_code", code=vectors, seed=_seeds(1, 2))["images"]
    np.testing.assert_allclose(images, _live_images(live, [1, 2], vectors), **TOLERANCE)


def test_generate_from_code_equals_generate_on_the_corners(served):
    codes, seeds = _codes(4, 0), _seeds(3, 4)
    np.testing.assert_allclose(
        served("generate_from_code", code=_one_hot(codes), seed=seeds)["images"],
        served("generate", code=codes, seed=seeds)["images"], **TOLERANCE)


def test_the_same_seed_gives_the_same_images(served):
    inputs = {"code": _codes(1, 2), "seed": _seeds(7, 8)}
    np.testing.assert_array_equal(
        served("generate", **inputs)["images"], served("generate", **inputs)["images"])


def test_a_row_does_not_depend_on_its_batch(served):
    codes, seeds = np.arange(10, dtype=np.int32), np.arange(10, 20, dtype=np.int64)
    together = served("generate", code=codes, seed=seeds)["images"]
    reversed_batch = served("generate", code=codes[::-1], seed=seeds[::-1])["images"]
    alone = served("generate", code=codes[6:7], seed=seeds[6:7])["images"]
    np.testing.assert_allclose(reversed_batch[::-1], together, **TOLERANCE)
    np.testing.assert_allclose(alone[0], together[6], **TOLERANCE)


def test_an_empty_batch_generates_no_images(served):
    images = served("generate", code=_codes(), seed=_seeds())["images"]
    assert images.shape == (0, 28, 28, 1)


def test_sample_equals_the_live_model(served, live):
    sampled = served("sample", count=np.int32(6), seed=np.int64(11))
    code_seed, latents_seed = tf.random.experimental.stateless_split(tf.constant([11, 0], tf.int64), 2)
    code = live.prior.sample_indices(6, code_seed).numpy()
    latents = live.sample_latents(6, latents_seed, _one_hot(code))
    assert sampled["code"].dtype == np.int32
    np.testing.assert_array_equal(sampled["code"], code)
    np.testing.assert_allclose(
        sampled["images"], (live(latents) + 1) / 2, **TOLERANCE)


def test_sample_draws_codes_from_the_learned_prior(served, live):
    codes = np.concatenate([
        served("sample", count=np.int32(MAX_COUNT), seed=np.int64(seed))["code"] for seed in range(3)])
    frequencies = np.bincount(codes, minlength=NUM_CODES) / len(codes)
    # Four standard deviations of the most variable code; the prior of this run runs from 0.01 to 0.29.
    np.testing.assert_allclose(frequencies, live.prior.probabilities, atol=4 * 0.5 / np.sqrt(len(codes)))
    assert frequencies[9] > 5 * frequencies[0]


def test_sample_depends_on_its_seed_alone(served):
    one, same, other = (served("sample", count=np.int32(5), seed=np.int64(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["images"], same["images"])
    assert np.abs(one["images"] - other["images"]).max() > 0.01


def test_categorize_equals_the_live_model(served, live):
    images = np.random.default_rng(0).uniform(0, 1, [7, 28, 28, 1]).astype(np.float32)
    images[0], images[1] = 0, 1  # both ends of the range are allowed
    found = served("categorize", images=images)
    feature, logits, _ = live.recognize(images * 2 - 1)
    np.testing.assert_allclose(found["feature"], feature, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(logits), **TOLERANCE)
    np.testing.assert_array_equal(found["code"], found["probabilities"].argmax(axis=-1))
    assert found["code"].dtype == np.int32
    assert found["feature"].shape == (7, 128)
    assert found["probabilities"].sum(axis=-1) == pytest.approx(np.ones(7), abs=1e-5)


def test_prior_equals_the_live_model(served):
    probabilities = served("prior")["probabilities"]
    weights = np.exp(np.linspace(-1.5, 1.5, NUM_CODES))
    np.testing.assert_allclose(probabilities, weights / weights.sum(), **TOLERANCE)


BAD_INPUTS = [
    ("generate", {"code": _codes(0, 10), "seed": _seeds(1, 2)},
     "code ranges from 0 to 10; expected numbers from 0 to 9"),
    ("generate", {"code": _codes(-1), "seed": _seeds(1)},
     "code ranges from -1 to -1; expected numbers from 0 to 9"),
    ("generate", {"code": _codes(1, 2), "seed": _seeds(1)},
     "seed has 1 rows and code has 2; expected as many of both"),
    ("generate_from_code", {"code": 0.5 * _one_hot([1]), "seed": _seeds(1)},
     "code has rows whose sums range from 0.5 to 0.5; expected 1"),
    ("generate_from_code", {"code": 2 * _one_hot([1]) - _one_hot([0]), "seed": _seeds(1)},
     "code goes down to -1; expected 0 or more"),
    ("generate_from_code", {"code": np.nan * _one_hot([1]), "seed": _seeds(1)},
     "code goes down to nan; expected 0 or more"),
    ("generate_from_code", {"code": _one_hot([1, 2]), "seed": _seeds(1, 2, 3)},
     "seed has 3 rows and code has 2"),
    ("sample", {"count": np.int32(0), "seed": np.int64(1)}, "count is 0; expected 1 to 1024"),
    ("sample", {"count": np.int32(2**31 - 1), "seed": np.int64(1)},
     "count is 2147483647; expected 1 to 1024"),
    ("categorize", {"images": np.full([2, 28, 28, 1], 255, np.float32)},
     "images ranges from 255 to 255; expected numbers from 0 to 1"),
    ("categorize", {"images": np.full([2, 28, 28, 1], -1, np.float32)}, "images ranges from -1 to -1"),
    ("categorize", {"images": np.zeros([0, 28, 28, 1], np.float32)}, "images has no rows"),
]


@pytest.mark.parametrize(("signature", "inputs", "sentence"), BAD_INPUTS)
def test_bad_input_is_refused_in_a_sentence(served, signature, inputs, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        served(signature, **inputs)


def test_a_single_nan_in_the_images_is_refused(served):
    images = np.zeros([3, 28, 28, 1], np.float32)
    images[1, 4, 5] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match="images ranges from nan to nan"):
        served("categorize", images=images)


def test_continuous_codes_reach_the_images(continuous_served, continuous_live):
    codes, seeds = _codes(1, 1), _seeds(6, 6)
    continuous = np.array([[-1, 0.5], [1, 0.5]], np.float32)
    images = continuous_served("generate", code=codes, seed=seeds, continuous=continuous)["images"]
    np.testing.assert_allclose(
        images, _live_images(continuous_live, seeds, _one_hot(codes), continuous), **TOLERANCE)
    assert np.abs(images[0] - images[1]).max() > 0.01
    np.testing.assert_allclose(images, continuous_served(
        "generate_from_code", code=_one_hot(codes), seed=seeds, continuous=continuous)["images"], **TOLERANCE)


def test_sample_draws_continuous_codes(continuous_served, continuous_live):
    sampled = continuous_served("sample", count=np.int32(4), seed=np.int64(3))
    code_seed, latents_seed = tf.random.experimental.stateless_split(tf.constant([3, 0], tf.int64), 2)
    code = _one_hot(continuous_live.prior.sample_indices(4, code_seed).numpy())
    latents = continuous_live.sample_latents(4, latents_seed, code)
    assert np.ptp(latents.continuous) > 0.5
    np.testing.assert_allclose(
        sampled["images"], (continuous_live(latents) + 1) / 2, **TOLERANCE)


@pytest.mark.parametrize(("continuous", "sentence"), [
    ([[0.0, 1.5]], "continuous ranges from 0 to 1.5; expected numbers from -1 to 1"),
    ([[0.0, np.nan]], "continuous ranges from"),
    ([[0.0, 0.0], [0.0, 0.0]], "continuous has 2 rows and code has 1"),
])
def test_bad_continuous_codes_are_refused(continuous_served, continuous, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        continuous_served("generate", code=_codes(1), seed=_seeds(1),
                          continuous=np.array(continuous, np.float32))

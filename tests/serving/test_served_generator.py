"""The signatures that generate, loaded as a server loads them, against the live model."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.models.base import Latents

NUM_CODES = 10
MAX_ROWS = 1024  # of 28x28
TOLERANCE = {"rtol": 0, "atol": 1e-5}


def _codes(*values):
    return np.array(values, np.int32)


def _seeds(*values):
    return np.array(values, np.int64)


def _one_hot(codes):
    return np.eye(NUM_CODES, dtype=np.float32)[codes]


def _noise(*seeds):
    return np.stack([tf.random.stateless_normal([62], tf.constant([seed, 0], tf.int64)) for seed in seeds])


def _live_images(live, seeds, codes, continuous=None):
    """What the live model makes of every row's own noise."""
    noise = _noise(*seeds)
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
    images = served("generate_from_code", code=vectors, noise=_noise(1, 2))["images"]
    np.testing.assert_allclose(images, _live_images(live, [1, 2], vectors), **TOLERANCE)


def test_generate_from_code_equals_generate_on_the_corners(served):
    codes, seeds = _codes(4, 0), _seeds(3, 4)
    np.testing.assert_allclose(
        served("generate_from_code", code=_one_hot(codes), noise=_noise(*seeds))["images"],
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
        served("sample", count=np.int32(MAX_ROWS), seed=np.int64(seed))["code"] for seed in range(3)])
    frequencies = np.bincount(codes, minlength=NUM_CODES) / len(codes)
    # Four standard deviations of the most variable code; the prior of this run runs from 0.01 to 0.29.
    np.testing.assert_allclose(frequencies, live.prior.probabilities, atol=4 * 0.5 / np.sqrt(len(codes)))
    assert frequencies[9] > 5 * frequencies[0]


def test_sample_depends_on_its_seed_alone(served):
    one, same, other = (served("sample", count=np.int32(5), seed=np.int64(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["images"], same["images"])
    assert np.abs(one["images"] - other["images"]).max() > 0.01


def test_prior_equals_the_live_model(served):
    probabilities = served("prior")["probabilities"]
    weights = np.exp(np.linspace(-1.5, 1.5, NUM_CODES))
    np.testing.assert_allclose(probabilities, weights / weights.sum(), **TOLERANCE)


def test_codes_without_an_evaluation_have_no_names(served):
    assert served("prior")["class_name"].tolist() == [b""] * NUM_CODES


BAD_INPUTS = [
    ("generate", {"code": _codes(0, 10), "seed": _seeds(1, 2)},
     "code ranges from 0 to 10; expected numbers from 0 to 9"),
    ("generate", {"code": _codes(-1), "seed": _seeds(1)},
     "code ranges from -1 to -1; expected numbers from 0 to 9"),
    ("generate", {"code": _codes(), "seed": _seeds()}, "code has 0 rows; expected 1 to 1024"),
    ("generate", {"code": np.zeros(1025, np.int32), "seed": np.zeros(1025, np.int64)},
     "code has 1025 rows; expected 1 to 1024"),
    ("generate_png", {"code": _codes(1, 2), "seed": _seeds(1)},
     "seed has 1 rows and code has 2; expected as many of both"),
    ("generate_from_code", {"code": 0.5 * _one_hot([1]), "noise": _noise(1)},
     "code has rows whose sums range from 0.5 to 0.5; expected 1"),
    ("generate_from_code", {"code": 2 * _one_hot([1]) - _one_hot([0]), "noise": _noise(1)},
     "code goes down to -1; expected 0 or more"),
    ("generate_from_code", {"code": np.nan * _one_hot([1]), "noise": _noise(1)}, "code goes down to nan"),
    ("generate_from_code", {"code": _one_hot([1]), "noise": np.inf * _noise(1)},
     "noise ranges from -inf to inf; expected numbers from -100.0 to 100.0"),
    ("generate_from_code", {"code": _one_hot([1, 2]), "noise": _noise(1)}, "noise has 1 rows and code has 2"),
    ("sample", {"count": np.int32(0), "seed": np.int64(1)}, "count is 0; expected 1 to 1024"),
    ("sample", {"count": np.int32(-5), "seed": np.int64(1)}, "count is -5; expected 1 to 1024"),
    ("sample", {"count": np.int32(2**31 - 1), "seed": np.int64(1)}, "count is 2147483647; expected"),
    ("sample_each", {"seed": _seeds()}, "seed has 0 rows; expected 1 to 1024"),
]


@pytest.mark.parametrize(("signature", "inputs", "sentence"), BAD_INPUTS)
def test_bad_input_is_refused_in_a_sentence(served, signature, inputs, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        served(signature, **inputs)


def test_the_largest_noise_gives_images(served):
    noise = np.array([[100.0] * 62, [-100.0] * 62, [100.0, -100.0] * 31], np.float32)
    images = served("generate_from_code", code=_one_hot([0, 1, 2]), noise=noise)["images"]
    assert images.min() >= 0 and images.max() <= 1  # NaN would be neither


def test_png_is_what_generate_shows(served):
    inputs = {"code": _codes(1, 2, 9), "seed": _seeds(7, 8, 9)}
    images = served("generate", **inputs)["images"]
    for image, encoded in zip(images, served("generate_png", **inputs)["image_bytes"]):
        assert encoded.startswith(b"\x89PNG")
        np.testing.assert_array_equal(tf.io.decode_png(encoded), np.rint(image * 255))


def test_each_sample_depends_on_its_own_seed_alone(served):
    seeds = np.arange(30, dtype=np.int64)
    together = served("sample_each", seed=seeds)
    alone = served("sample_each", seed=seeds[20:21])
    np.testing.assert_array_equal(alone["code"], together["code"][20:21])
    np.testing.assert_allclose(alone["images"], together["images"][20:21], **TOLERANCE)
    again = served("generate", code=together["code"], seed=seeds)["images"]
    np.testing.assert_allclose(again, together["images"], **TOLERANCE)


def test_each_sample_draws_its_code_from_the_learned_prior(served, live):
    codes = served("sample_each", seed=np.arange(MAX_ROWS, dtype=np.int64))["code"]
    frequencies = np.bincount(codes, minlength=NUM_CODES) / MAX_ROWS
    np.testing.assert_allclose(frequencies, live.prior.probabilities, atol=4 * 0.5 / np.sqrt(MAX_ROWS))
    assert frequencies[9] > 5 * frequencies[0]


def test_each_sample_draws_continuous_codes(continuous_served):
    drawn = continuous_served("sample_each", seed=_seeds(3, 4))
    zero = continuous_served("generate", code=drawn["code"], seed=_seeds(3, 4),
                             continuous=np.zeros([2, 2], np.float32))["images"]
    assert np.abs(drawn["images"] - zero).max() > 0.01


def test_continuous_codes_reach_the_images(continuous_served, continuous_live):
    codes, seeds = _codes(1, 1), _seeds(6, 6)
    continuous = np.array([[-1, 0.5], [1, 0.5]], np.float32)
    images = continuous_served("generate", code=codes, seed=seeds, continuous=continuous)["images"]
    np.testing.assert_allclose(
        images, _live_images(continuous_live, seeds, _one_hot(codes), continuous), **TOLERANCE)
    assert np.abs(images[0] - images[1]).max() > 0.01
    np.testing.assert_allclose(images, continuous_served(
        "generate_from_code", code=_one_hot(codes), noise=_noise(*seeds), continuous=continuous)["images"],
        **TOLERANCE)


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

"""The served functions, loaded as a server loads them, against the live model."""

import numpy as np
import pytest
import tensorflow as tf
from encoded_pictures import encode
from PIL import Image

from eig_tf.data import pictures
from eig_tf.models.base import Latents
from eig_tf.serving.served_model import ServedModel

NUM_CODES = 10
MAX_ROWS = 1024  # of 28x28
TOLERANCE = {"rtol": 0, "atol": 1e-5}


def _codes(*values):
    return np.array(values, np.int32)


def _seeds(*values):
    return np.array(values, np.int64)


def _one_hot(codes):
    return np.eye(NUM_CODES, dtype=np.float32)[codes]


def _row_latents(model, codes, seeds):
    """The latents of each row, drawn from the row's seed alone."""
    rows = [model.sample_latents(1, tf.constant([seed, 0], tf.int64), _one_hot([code]))
            for code, seed in zip(codes, seeds)]
    return Latents(*(np.concatenate(values) for values in zip(*rows)))


def _noise(*seeds):
    return np.random.default_rng(list(seeds)).normal(size=[len(seeds), 62]).astype(np.float32)


def _images(model, latents):
    return (model.generate(latents).numpy() + 1) / 2


def test_generate_equals_the_live_model(served, live):
    codes, seeds = _codes(0, 9, 3, 3), _seeds(5, -1, 2**62, 5)
    images = served("generate", code=codes, seed=seeds)["images"]
    assert images.shape == (4, 28, 28, 1)
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, _images(live, _row_latents(live, codes, seeds)), **TOLERANCE)
    assert np.abs(images[2] - images[3]).max() > 0.01  # same code, other seed
    assert np.abs(images[0] - images[3]).max() > 0.01  # same seed, other code
    default = served("serving_default", code=codes, seed=seeds)["images"]
    np.testing.assert_array_equal(default, images)


def test_generate_from_code_takes_the_whole_simplex(served, live):
    vectors = np.float32([np.full(NUM_CODES, 0.1), 0.5 * (_one_hot(2) + _one_hot(7)), _one_hot(4)])
    noise = _noise(1, 2, 3)
    images = served("generate_from_code", code=vectors, noise=noise)["images"]
    np.testing.assert_allclose(images, _images(live, Latents(noise, vectors, vectors[:, :0])), **TOLERANCE)


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


@pytest.mark.parametrize("name", ["", "continuous_"])
def test_sample_equals_the_live_model(request, name):
    served, live = (request.getfixturevalue(f"{name}{kind}") for kind in ("served", "live"))
    sampled = served("sample", count=np.int32(6), seed=np.int64(11))
    code_seed, latents_seed = tf.random.experimental.stateless_split(tf.constant([11, 0], tf.int64), 2)
    code = live.prior.sample_indices(6, code_seed).numpy()
    assert sampled["code"].dtype == np.int32
    np.testing.assert_array_equal(sampled["code"], code)
    latents = live.sample_latents(6, latents_seed, _one_hot(code))
    np.testing.assert_allclose(sampled["images"], _images(live, latents), **TOLERANCE)
    other = served("sample", count=np.int32(6), seed=np.int64(12))
    assert np.abs(sampled["images"] - other["images"]).max() > 0.01


def test_codes_are_drawn_from_the_learned_prior(served, live):
    each = served("sample_each", seed=np.arange(MAX_ROWS, dtype=np.int64))["code"]
    together = served("sample", count=np.int32(MAX_ROWS), seed=np.int64(0))["code"]
    for codes in (each, together):
        frequencies = np.bincount(codes, minlength=NUM_CODES) / MAX_ROWS
        # Four standard deviations of the most variable code; the prior of this run runs from 0.01 to 0.29.
        np.testing.assert_allclose(frequencies, live.prior.probabilities, atol=4 * 0.5 / np.sqrt(MAX_ROWS))
        assert frequencies[9] > 5 * frequencies[0]


@pytest.mark.parametrize("name", ["served", "continuous_served"])
def test_each_sample_is_what_generate_makes_of_its_code_and_seed(request, name):
    served = request.getfixturevalue(name)
    seeds = np.arange(30, dtype=np.int64)
    together = served("sample_each", seed=seeds)
    alone = served("sample_each", seed=seeds[20:21])
    np.testing.assert_array_equal(alone["code"], together["code"][20:21])
    np.testing.assert_allclose(alone["images"], together["images"][20:21], **TOLERANCE)
    again = served("generate", code=together["code"], seed=seeds)["images"]
    np.testing.assert_allclose(again, together["images"], **TOLERANCE)


def test_prior_equals_the_live_model(served):
    found = served("prior")
    weights = np.exp(np.linspace(-1.5, 1.5, NUM_CODES))
    np.testing.assert_allclose(found["probabilities"], weights / weights.sum(), **TOLERANCE)
    assert found["class_name"].tolist() == [b""] * NUM_CODES  # without an evaluation


def test_continuous_codes_are_drawn_or_given(continuous_served, continuous_live):
    codes, seeds = _codes(1, 1), _seeds(6, 7)
    latents = _row_latents(continuous_live, codes, seeds)
    assert np.ptp(latents.continuous) > 0.2
    drawn = continuous_served("generate", code=codes, seed=seeds)["images"]
    np.testing.assert_allclose(drawn, _images(continuous_live, latents), **TOLERANCE)
    continuous = np.array([[-1, 0.5], [1, 0.5]], np.float32)
    given = continuous_served("generate_continuous", code=codes, seed=seeds, continuous=continuous)["images"]
    np.testing.assert_allclose(
        given, _images(continuous_live, latents._replace(continuous=continuous)), **TOLERANCE)
    assert np.abs(given - drawn).max() > 0.01
    np.testing.assert_allclose(given, continuous_served(
        "generate_from_code", code=_one_hot(codes), noise=latents.noise, continuous=continuous)["images"],
        **TOLERANCE)


def test_a_model_without_noise_has_no_such_input(vae_live):
    """Its continuous codes, which are not uniform, are drawn by the model itself."""
    served = ServedModel(vae_live, "crop", [""] * NUM_CODES)
    signatures = served.signatures()
    inputs = {name: [spec.name for spec in function.input_signature] for name, function in signatures.items()}
    assert inputs["generate_from_code"] == ["code", "continuous"]
    assert inputs["generate_continuous"] == ["code", "seed", "continuous"]
    assert inputs["generate"] == inputs["generate_png"] == ["code", "seed"]
    codes, seeds = _codes(0, 1, 2), _seeds(4, 5, 6)
    latents = _row_latents(vae_live, codes, seeds)
    assert latents.noise.shape == (3, 0) and latents.continuous.shape == (3, 3)
    expected = _images(vae_live, latents)
    assert expected.std() > 0.01
    np.testing.assert_allclose(signatures["generate"](codes, seeds)["images"], expected, **TOLERANCE)
    for answer in (signatures["generate_from_code"](_one_hot(codes), latents.continuous),
                   signatures["generate_continuous"](codes, seeds + 9, latents.continuous)):
        np.testing.assert_allclose(answer["images"], expected, **TOLERANCE)
    encoding = vae_live.encode(expected * 2 - 1)
    assert encoding.features.shape[1] != 128
    feature, found = signatures["embed"](expected)["feature"], signatures["categorize"](expected)["code"]
    np.testing.assert_allclose(feature, encoding.features, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found, np.argmax(encoding.code_logits, axis=-1))
    assert set(served.variables()) == {*vae_live.inference_networks(), "prior"}


def test_categorize_and_embed_equal_the_live_model(served, live):
    images = np.random.default_rng(0).uniform(0, 1, [7, 28, 28, 1]).astype(np.float32)
    images[0], images[1] = 0, 1  # both ends of the range are allowed
    found = served("categorize", images=images)
    encoding = live.encode(images * 2 - 1)
    np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(encoding.code_logits), **TOLERANCE)
    np.testing.assert_array_equal(found["code"], found["probabilities"].argmax(axis=-1))
    assert found["code"].dtype == np.int32
    np.testing.assert_array_equal(found["confidence"], found["probabilities"].max(axis=-1))
    feature = served("embed", images=images)["feature"]
    np.testing.assert_allclose(feature, encoding.features, rtol=1e-5, atol=1e-5)


def test_bytes_are_what_their_pixels_are(served, tmp_path):
    """A photograph in colour, of another size and shape: made grey, square and small as in training."""
    noise = np.random.default_rng(0).integers(0, 256, [9, 13, 3], dtype=np.uint8)
    picture = Image.fromarray(noise).resize((130, 90), Image.Resampling.BICUBIC)
    files = [tmp_path / "a.jpg", tmp_path / "b.png"]
    for path in files:
        picture.save(path)
    pixels = np.stack([pictures.fit(pictures.read(path, channels=1), 28) for path in files])
    expected = served("categorize", images=pixels.astype(np.float32) / 255)
    found = served("categorize_bytes", image_bytes=[path.read_bytes() for path in files])
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=0.01)
    np.testing.assert_array_equal(found["code"], expected["code"])


PNG = encode(Image.new("L", (28, 28)))
ONE_NAN = np.zeros([3, 28, 28, 1], np.float32)
ONE_NAN[1, 4, 5] = np.nan
BAD_INPUTS = [
    ("generate", {"code": _codes(0, 10), "seed": _seeds(1, 2)},
     "code ranges from 0 to 10; expected numbers from 0 to 9"),
    ("generate", {"code": _codes(), "seed": _seeds()}, "code has 0 rows; expected 1 to 1024"),
    ("generate", {"code": np.zeros(1025, np.int32), "seed": np.zeros(1025, np.int64)},
     "code has 1025 rows; expected 1 to 1024"),
    # TensorFlow could infer these shapes from later ops, and fold the checks of them.
    ("generate", {"code": _codes([1]), "seed": _seeds(1)}, r"code has shape \[1 1\]; expected \[N\]"),
    ("generate", {"code": np.int32(1), "seed": _seeds(1)}, r"code has shape \[\]; expected \[N\]"),
    ("sample", {"count": _codes(1), "seed": np.int64(1)}, r"count has shape \[1\]; expected \[\]"),
    ("embed", {"images": np.zeros([1, 32, 32, 1], np.float32)},
     r"images has shape \[1 32 32 1\]; expected \[N 28 28 1\]"),
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
    ("sample_each", {"seed": _seeds()}, "seed has 0 rows; expected 1 to 1024"),
    ("categorize", {"images": np.full([2, 28, 28, 1], -1, np.float32)}, "images ranges from -1 to -1"),
    ("categorize", {"images": np.zeros([0, 28, 28, 1], np.float32)}, "images has 0 rows; expected 1 to 1024"),
    ("categorize", {"images": ONE_NAN}, "images ranges from nan to nan"),
    ("embed", {"images": np.full([1, 28, 28, 1], 2, np.float32)}, "images ranges from 2 to 2"),
    ("categorize_bytes", {"image_bytes": []}, "image_bytes has 0 rows"),
    ("categorize_bytes", {"image_bytes": [b""]}, "image_bytes has row 0, which is neither PNG nor JPEG"),
    ("categorize_bytes", {"image_bytes": [PNG, b"GIF89a"]}, "image_bytes has row 1, which is neither"),
    ("categorize_bytes", {"image_bytes": [PNG[:20]]}, "row 0, a PNG file that ends within its header"),
]


@pytest.mark.parametrize(("signature", "inputs", "sentence"), BAD_INPUTS)
def test_bad_input_is_refused_in_a_sentence(served, signature, inputs, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        served(signature, **inputs)


@pytest.mark.parametrize(("continuous", "sentence"), [
    ([[0.0, 1.5]], "continuous ranges from 0 to 1.5; expected numbers from -1 to 1"),
    ([[0.0, np.nan]], "continuous ranges from"),
    ([[0.0, 0.0], [0.0, 0.0]], "continuous has 2 rows and code has 1"),
])
def test_bad_continuous_codes_are_refused(continuous_served, continuous, sentence):
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        continuous_served("generate_continuous", code=_codes(1), seed=_seeds(1),
                          continuous=np.array(continuous, np.float32))

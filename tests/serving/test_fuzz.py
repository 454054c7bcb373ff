"""Thousands of bad requests: each is answered or refused in a sentence, and the next one is served."""


import numpy as np
import pytest
import tensorflow as tf
from encoded_pictures import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

pytestmark = pytest.mark.slow

MAX_ROWS = 1024  # of 28x28
MUTATIONS = 3000
EXAMPLES = 200
# TensorFlow's threads take numbers below 1e-38 for zero, NumPy's does not.
FLOATS = st.floats(width=32, allow_subnormal=False)
FUZZ = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def encoded():
    """Files of the kinds that libraries decode by code of their own."""
    noise = np.random.default_rng(0).integers(0, 256, [5, 6, 4], np.uint8)
    picture = Image.fromarray(noise).resize((40, 30), Image.Resampling.BICUBIC)
    colour, grey = picture.convert("RGB"), picture.convert("L")
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    return [encode(colour, "PNG"), encode(picture, "PNG"), encode(grey, "PNG"), encode(deep, "PNG"),
            encode(colour.quantize(16), "PNG"), encode(grey.convert("1"), "PNG"),
            encode(colour, "JPEG"), encode(grey, "JPEG"), encode(colour, "JPEG", progressive=True),
            encode(colour, "JPEG", quality=5, subsampling=2), encode(colour.convert("CMYK"), "JPEG")]


def _mutate(content, generator):
    """Flips, drops, doubles or replaces some of the bytes; most of the file stays what it was."""
    content = bytearray(content)
    for _ in range(generator.integers(1, 5)):
        place, length = generator.integers(len(content) + 1), generator.integers(1, 9)
        choice = generator.integers(5)
        if choice == 0:
            content[place - 1] ^= 1 << generator.integers(8)
        elif choice == 1:
            del content[place:place + length]
        elif choice == 2:
            content[place:place] = content[place:place + length]
        elif choice == 3:
            content[place:place + length] = generator.bytes(length)
        else:
            content = content[:place]
        content = content or bytearray(1)
    return bytes(content)


def _is_refused(served, signature, **inputs):
    """Whether a request is refused as a client's mistake; whatever else goes wrong is raised."""
    try:
        outputs = served(signature, **inputs)
    except tf.errors.InvalidArgumentError as error:
        assert error.message
        return True
    for name, values in outputs.items():
        if values.dtype == np.float32:
            assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1, name
    return False


def test_mutated_files_are_answered_or_refused(served, encoded):
    generator = np.random.default_rng(0)
    good = tf.constant(encoded[:1])
    before = served("categorize_bytes", image_bytes=good)["probabilities"]
    refused = 0
    for number in range(MUTATIONS):
        content = _mutate(encoded[number % len(encoded)], generator)
        refused += _is_refused(served, "categorize_bytes", image_bytes=tf.constant([content]))
    # Both happen: a flipped pixel is a picture, a lost header is none.
    assert MUTATIONS / 10 < refused < MUTATIONS * 0.95
    np.testing.assert_array_equal(served("categorize_bytes", image_bytes=good)["probabilities"], before)


@FUZZ
@given(content=st.lists(st.binary(max_size=200), max_size=4))
def test_any_bytes_are_refused(served, content):
    assert _is_refused(served, "categorize_bytes", image_bytes=tf.constant(content, tf.string))


@FUZZ
@given(code=arrays.arrays(np.int32, st.integers(0, 5)), seed=arrays.arrays(np.int64, st.integers(0, 5)))
def test_any_codes_and_seeds(served, code, seed):
    fits = len(code) == len(seed) > 0 and code.min() >= 0 and code.max() <= 9
    for signature in ("generate", "generate_png"):
        assert _is_refused(served, signature, code=code, seed=seed) == (not fits)


@FUZZ
@given(images=arrays.arrays(np.float32, st.tuples(st.integers(0, 2), *map(st.just, (28, 28, 1))),
                            elements=FLOATS, fill=st.just(0.5)))
def test_any_pixels(served, images):
    fits = len(images) > 0 and bool(np.all((images >= 0) & (images <= 1)))
    for signature in ("categorize", "embed"):
        if fits and signature == "embed":
            assert np.isfinite(served(signature, images=images)["feature"]).all()
        else:
            assert _is_refused(served, signature, images=images) == (not fits)


@FUZZ
@given(noise=arrays.arrays(np.float32, st.tuples(st.integers(0, 2), st.just(62)),
                           elements=FLOATS, fill=st.just(0.0)))
def test_any_noise(served, noise):
    code = np.full([len(noise), 10], 0.1, np.float32)
    fits = len(noise) > 0 and bool(np.all(np.abs(noise) <= 100))
    assert _is_refused(served, "generate_from_code", code=code, noise=noise) == (not fits)


@FUZZ
@given(code=arrays.arrays(np.float32, (1, 10), elements=FLOATS, fill=st.just(0.0)))
def test_any_code_vector(served, code):
    fits = bool(np.all(code >= 0)) and abs(float(code.sum()) - 1) <= 0.9e-3
    refused = _is_refused(served, "generate_from_code", code=code, noise=np.zeros([1, 62], np.float32))
    assert refused != fits or abs(abs(float(code.sum()) - 1) - 1e-3) < 2e-4


@FUZZ
@given(count=st.one_of(st.integers(-2**31, 2**31 - 1), st.integers(-3, 20)),
       seed=st.integers(-2**63, 2**63 - 1))
def test_any_count(served, count, seed):
    refused = _is_refused(served, "sample", count=np.int32(count), seed=np.int64(seed))
    assert refused == (not 1 <= count <= MAX_ROWS)

"""The signatures that look at images, loaded as a server loads them, against the live model."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf.data import pictures

TOLERANCE = {"rtol": 0, "atol": 1e-5}


def test_categorize_equals_the_live_model(served, live):
    images = np.random.default_rng(0).uniform(0, 1, [7, 28, 28, 1]).astype(np.float32)
    images[0], images[1] = 0, 1  # both ends of the range are allowed
    found = served("categorize", images=images)
    _, logits, _ = live.recognize(images * 2 - 1)
    np.testing.assert_allclose(found["probabilities"], tf.nn.softmax(logits), **TOLERANCE)
    np.testing.assert_array_equal(found["code"], found["probabilities"].argmax(axis=-1))
    assert found["code"].dtype == np.int32
    np.testing.assert_array_equal(found["confidence"], found["probabilities"].max(axis=-1))
    assert found["probabilities"].sum(axis=-1) == pytest.approx(np.ones(7), abs=1e-5)


def test_embed_equals_the_live_model(served, live):
    images = np.random.default_rng(0).uniform(0, 1, [3, 28, 28, 1]).astype(np.float32)
    feature = served("embed", images=images)["feature"]
    assert feature.shape == (3, 128)
    np.testing.assert_allclose(feature, live.recognize(images * 2 - 1)[0], rtol=1e-5, atol=1e-5)


def test_bytes_are_what_their_pixels_are(served, tmp_path):
    """A photograph in colour, of another size and shape: made grey, square and small as in training."""
    noise = np.random.default_rng(0).integers(0, 256, [9, 13, 3], dtype=np.uint8)
    picture = Image.fromarray(noise).resize((130, 90), Image.Resampling.BICUBIC)
    picture.save(tmp_path / "a.jpg")
    picture.save(tmp_path / "b.png")
    files = [tmp_path / "a.jpg", tmp_path / "b.png"]
    pixels = np.stack([pictures.fit(pictures.read(path, channels=1), 28) for path in files])
    expected = served("categorize", images=pixels.astype(np.float32) / 255)
    found = served("categorize_bytes", image_bytes=[path.read_bytes() for path in files])
    np.testing.assert_allclose(found["probabilities"], expected["probabilities"], atol=0.01)
    np.testing.assert_array_equal(found["code"], expected["code"])


def _png(size=(28, 28), mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(("signature", "inputs", "sentence"), [
    ("categorize", {"images": np.full([2, 28, 28, 1], -1, np.float32)}, "images ranges from -1 to -1"),
    ("categorize", {"images": np.full([2, 28, 28, 1], 255, np.float32)}, "images ranges from 255 to 255"),
    ("categorize", {"images": np.zeros([0, 28, 28, 1], np.float32)}, "images has 0 rows; expected 1 to 1024"),
    ("embed", {"images": np.zeros([0, 28, 28, 1], np.float32)}, "images has 0 rows"),
    ("embed", {"images": np.full([1, 28, 28, 1], 2, np.float32)}, "images ranges from 2 to 2"),
    ("categorize_bytes", {"image_bytes": np.array([], object)}, "image_bytes has 0 rows"),
    ("categorize_bytes", {"image_bytes": [b""]}, "image_bytes has row 0, which is neither PNG nor JPEG"),
    ("categorize_bytes", {"image_bytes": [_png(), b"GIF89a"]}, "image_bytes has row 1, which is neither"),
    ("categorize_bytes", {"image_bytes": [_png()[:20]]}, "row 0, a PNG file that ends within its header"),
    ("categorize_bytes", {"image_bytes": [_png()[:-20]]}, "PNG"),
])
def test_bad_input_is_refused_in_a_sentence(served, signature, inputs, sentence):
    inputs = {name: tf.constant(value, tf.string) if name == "image_bytes" else value
              for name, value in inputs.items()}
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        served(signature, **inputs)


def test_a_single_nan_in_the_images_is_refused(served):
    images = np.zeros([3, 28, 28, 1], np.float32)
    images[1, 4, 5] = np.nan
    with pytest.raises(tf.errors.InvalidArgumentError, match="images ranges from nan to nan"):
        served("categorize", images=images)

"""Decoding in the graph, against what training does with the same files."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf.data import pictures
from eig_tf.serving import decoding


@pytest.fixture(scope="module", params=[("crop", 3), ("pad", 3), ("crop", 1)])
def rule_and_decode(request):
    """A rule, a number of channels, and the graph that decodes to 32x32 by them."""
    rule, channels = request.param
    graph = tf.function(lambda image_bytes: decoding.decode(image_bytes, (32, 32, channels), rule),
                        input_signature=[tf.TensorSpec([None], tf.string)])
    return rule, channels, lambda *encoded: graph(tf.constant(encoded)).numpy() * 255


@pytest.fixture(scope="module")
def decode():
    graph = tf.function(lambda image_bytes: decoding.decode(image_bytes, (32, 32, 3), "crop"),
                        input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda *encoded: graph(tf.constant(encoded)).numpy() * 255


def _picture(width, height, mode):
    """Smooth colours, opacity among them where the mode has it."""
    bands = len(mode) if mode in ("RGB", "RGBA") else 3
    noise = np.random.default_rng(width).integers(0, 256, [1 + height // 8, 1 + width // 8, bands], np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def _encode(picture, kind):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [
    ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("JPEG", "RGB"),
    ("JPEG", "L")])
def test_pixels_are_those_of_training(rule_and_decode, tmp_path, kind, mode):
    rule, channels, decode = rule_and_decode
    sizes = [(32, 32), (100, 61), (31, 47), (1, 200), (5, 3)]
    encoded = [_encode(_picture(*size, mode), kind) for size in sizes]
    for content, found, size in zip(encoded, decode(*encoded), sizes):
        (tmp_path / "file").write_bytes(content)
        expected = pictures.fit(pictures.read(tmp_path / "file", channels), 32, rule)
        difference = np.abs(found - expected)
        # One level where Pillow's whole-numbered filter rounds another way, two where that meets the
        # rounding of grey.
        assert difference.max() <= 2.01 and difference.mean() < 0.35, size


def test_sixteen_bits_are_shown_by_their_upper_half(decode):
    grey = Image.fromarray(np.full([40, 40], 200 * 256 + 255, np.uint16))
    np.testing.assert_allclose(decode(_encode(grey, "PNG")), 200, atol=1e-3)


def _png_of_size(width, height):
    """A PNG file whose header names a size that its one row of data does not have."""
    def chunk(name, content):
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 16))
            + chunk(b"IEND", b""))


@pytest.mark.parametrize(("width", "height"), [
    (2**31 - 1, 2**31 - 1), (5001, 5000), (0, 10), (10, 0), (2**32 - 1, 1)])
def test_sizes_that_would_fill_the_memory_are_refused_unread(decode, width, height):
    sentence = f"row 0, which says it is {width} pixels wide and {height} high; expected 1 or more of both"
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        decode(_png_of_size(width, height))


def test_a_jpeg_of_too_many_pixels_is_refused_unread(decode):
    content = bytearray(_encode(Image.new("RGB", (8, 8)), "JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start:start + 4] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(tf.errors.InvalidArgumentError, match="is 65000 pixels wide and 65000 high"):
        decode(bytes(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_files_are_refused(decode, kind):
    content = _encode(_picture(60, 60, "RGB"), kind)
    for length in (3, 9, 20, len(content) // 2):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(content[:length])
    assert decode(content).shape == (1, 32, 32, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF1234WEBP", b"BM", b"text", b"\x89PNX"])
def test_other_kinds_are_named_by_their_row(decode, content):
    good = _encode(Image.new("RGB", (8, 8)), "PNG")
    with pytest.raises(tf.errors.InvalidArgumentError, match="row 1, which is neither PNG nor JPEG"):
        decode(good, content)

"""Decoding in the graph, against what training does with the same files."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from encoded_pictures import encode
from PIL import Image

from eig_tf.data import pictures
from eig_tf.serving import decoding


def _decoder(rule, channels, stretch_contrast=False):
    """The graph that decodes files to levels of 32x32."""
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def graph(image_bytes):
        return decoding.decode_images(image_bytes, (32, 32, channels), rule, stretch_contrast)

    return lambda *encoded: graph(tf.constant(encoded)).numpy() * 255


@pytest.fixture(scope="module", params=[("crop", 3), ("pad", 3), ("crop", 1)])
def rule_and_decode(request):
    return *request.param, _decoder(*request.param)


@pytest.fixture(scope="module")
def decode():
    return _decoder("crop", 3)


def _picture(width, height, mode):
    """Smooth colours, opacity among them where the mode has it."""
    bands = len(mode) if mode in ("RGB", "RGBA") else 3
    noise = np.random.default_rng(width).integers(0, 256, [1 + height // 8, 1 + width // 8, bands], np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


@pytest.mark.parametrize(("kind", "mode"), [
    ("PNG", "1"), ("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("JPEG", "RGB"),
    ("JPEG", "L")])
def test_pixels_are_those_of_training(rule_and_decode, tmp_path, kind, mode):
    rule, channels, decode = rule_and_decode
    sizes = [(32, 32), (100, 61), (31, 47), (1, 200), (5, 3)]
    encoded = [encode(_picture(*size, mode), kind) for size in sizes]
    for content, found, size in zip(encoded, decode(*encoded), sizes):
        (tmp_path / "file").write_bytes(content)
        expected = pictures.fit(pictures.read(tmp_path / "file", channels), 32, rule)
        difference = np.abs(found - expected)
        # One level where Pillow's whole-numbered filter rounds another way, two where that meets the
        # rounding of grey.
        assert difference.max() <= 2.01 and difference.mean() < 0.35, size


@pytest.mark.parametrize("channels", [1, 3])
def test_contrast_is_stretched_as_in_training(channels):
    generator = np.random.default_rng(0)
    images = [generator.integers(low, high, [32, 32, 3], np.uint8) for low, high in (
        (0, 256), (40, 90), (200, 203), (77, 78))]
    images.append(np.where(generator.random([32, 32, 1]) < 0.9, images[1], images[0]))
    found = _decoder("crop", channels, stretch_contrast=True)(
        *[encode(Image.fromarray(image), "PNG") for image in images])
    for image, stretched in zip(images, found):
        grey_or_colours = pictures.fit(Image.fromarray(image).convert("L" if channels == 1 else "RGB"), 32)
        expected = pictures.stretch_contrast(grey_or_colours)
        # Grey that lies between two levels is rounded either way, and the difference is stretched.
        assert (np.abs(stretched - expected) < 1e-3).mean() > 0.99


def test_sixteen_bits_are_shown_by_their_upper_half(decode):
    grey = Image.fromarray(np.full([40, 40], 200 * 256 + 255, np.uint16))
    np.testing.assert_allclose(decode(encode(grey, "PNG")), 200, atol=1e-3)


def _chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _png(width, height, data=b"\0" * 16, depth=8, kind=2, before=b""):
    """A PNG file by hand; the default data are fewer than any size needs."""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + before + _chunk(b"IHDR", header)
            + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b""))


@pytest.mark.parametrize(("depth", "stored", "levels"), [
    (1, 0b01010101, [0, 255]), (2, 0b00011011, [0, 85, 170, 255]), (4, 0b00001010, [0, 170])])
def test_grey_of_few_bits_has_its_full_range(decode, depth, stored, levels):
    """Eight pixels a column, so that the square is the picture; the filter byte 0 starts each row."""
    rows = (b"\0" + bytes([stored] * (4 * depth))) * 32
    found = decode(_png(32, 32, rows, depth=depth, kind=0))
    assert np.unique(np.rint(found)).tolist() == levels


@pytest.mark.parametrize("num_colours", [2, 4, 16, 256])
@pytest.mark.parametrize("transparent", [False, True])
def test_palettes_of_few_bits_are_those_of_pillow(decode, num_colours, transparent):
    image = Image.fromarray(np.arange(32 * 32 * 3, dtype=np.uint8).reshape(32, 32, 3)).quantize(num_colours)
    if transparent:
        image.info["transparency"] = 1
    content = encode(image, "PNG")
    assert content[24] == {2: 1, 4: 2, 16: 4, 256: 8}[num_colours]
    np.testing.assert_allclose(decode(content)[0], np.asarray(pictures.read(io.BytesIO(content))), atol=1e-3)


def test_sizes_are_read_where_the_decoder_reads_them(decode):
    """An unknown chunk before the header, which libpng passes over, says 1x1."""
    hidden = _png(9000, 9000, bytes(1126 * 9000), depth=1, kind=0,
                  before=_chunk(b"abCd", struct.pack(">II", 1, 1)))
    assert len(hidden) < 20_000
    with pytest.raises(tf.errors.InvalidArgumentError, match="row 0, which is neither PNG nor JPEG"):
        decode(hidden)


def test_a_request_of_too_many_pixels_is_refused_unread(decode):
    with pytest.raises(tf.errors.InvalidArgumentError, match="has 264000000 pixels in all rows; expected at"):
        decode(*[_png(6000, 4000)] * 11)


@pytest.mark.parametrize(("width", "height"), [
    (2**31 - 1, 2**31 - 1), (5001, 5000), (0, 10), (10, 0), (2**32 - 1, 1)])
def test_sizes_that_would_fill_the_memory_are_refused_unread(decode, width, height):
    sentence = f"row 0, which says it is {width} pixels wide and {height} high; expected 1 or more of both"
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        decode(_png(width, height))


def test_a_jpeg_of_too_many_pixels_is_refused_unread(decode):
    content = bytearray(encode(Image.new("RGB", (8, 8)), "JPEG"))
    start = content.index(b"\xff\xc0") + 5
    content[start:start + 4] = struct.pack(">HH", 65000, 65000)
    with pytest.raises(tf.errors.InvalidArgumentError, match="is 65000 pixels wide and 65000 high"):
        decode(bytes(content))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_files_are_refused(decode, kind):
    content = encode(_picture(60, 60, "RGB"), kind)
    for length in (3, 9, 20, len(content) // 2):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(content[:length])
    assert decode(content).shape == (1, 32, 32, 3)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF1234WEBP", b"BM", b"text", b"\x89PNX"])
def test_other_kinds_are_named_by_their_row(decode, content):
    good = encode(Image.new("RGB", (8, 8)), "PNG")
    with pytest.raises(tf.errors.InvalidArgumentError, match="row 1, which is neither PNG nor JPEG"):
        decode(good, content)

"""Decodes images in the graph to the pixels that the encoder takes, as `data.pictures` does with files.

Only PNG and JPEG are decoded, and TensorFlow ignores EXIF rotation. Transparent images are laid over white,
then images are made square by the run's rule and resized with a Lanczos filter.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from eig_tf.data.pictures import CUT_PERCENT, PAD
from eig_tf.serving import checks

# Limits on the memory for one image, which admits 24 megapixels, and on the time for one request.
MAX_PIXELS, MAX_PIXELS_OF_REQUEST = 25_000_000, 250_000_000

# With the start of the first chunk: libpng skips unknown chunks before the one that holds the sizes.
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff"
# It is followed by width and height with 4 bytes each, bits for each channel, colour type.
_SIZES, _DEPTH_AND_KIND, _HEADER_END = (16, 8), (24, 2), 26
_GREY, _PALETTE = 0, 3  # PNG colour types.


def decode_images(image_bytes: tf.Tensor, image_shape: Sequence[int], rule: str,
                  stretch_contrast: bool = False) -> tf.Tensor:
    """Decode images, make them square, resize them and stretch their contrast if asked to.

    Args:
        image_bytes: PNG or JPEG files, string [N].
        image_shape: (S, S, channels) of the result.
        rule: `crop` or `pad`; see `data.pictures.fit`.
        stretch_contrast: see `data.pictures.stretch_contrast`.

    Returns:
        float32 [N, S, S, channels] in [0, 1]. Reading it raises `tf.errors.InvalidArgumentError` when a row
        is no PNG or JPEG file, is damaged or has more than `MAX_PIXELS`, or all rows together have more
        than `MAX_PIXELS_OF_REQUEST`.
    """
    size, _, channels = image_shape

    def decode_row(content):
        pixels = tf.cond(_is_png(content), lambda: _decode_png(content), lambda: _decode_jpeg(content))
        pixels = tf.ensure_shape(pixels, [None, None, 3])
        pixels = pixels if channels == 3 else _to_grey(pixels)
        square = _resize_padded(pixels, size) if rule == PAD else _resize_cropped(pixels, size)
        return (_stretch_contrast(square) if stretch_contrast else square) / 255.0

    # Sequentially, so that only one image is held at its full size.
    return tf.map_fn(decode_row, _checked(image_bytes), parallel_iterations=1,
                     fn_output_signature=tf.TensorSpec(image_shape, tf.float32))


def _checked(image_bytes):
    """Return the images, guarded by checks of their headers."""
    rows = tf.range(tf.shape(image_bytes)[0])
    pixels = tf.reduce_sum(tf.map_fn(
        lambda row: _num_pixels(*row), (rows, image_bytes), fn_output_signature=tf.int64))
    return checks.require(
        image_bytes, pixels <= MAX_PIXELS_OF_REQUEST,
        f"image_bytes has {{}} pixels in all rows; expected at most {MAX_PIXELS_OF_REQUEST:,}",
        lambda: pixels)


def _num_pixels(row, content):
    is_png = _is_png(content)
    content = checks.require(content, is_png | (tf.strings.substr(content, 0, len(_JPEG)) == _JPEG),
                             "image_bytes has row {}, which is neither PNG nor JPEG; expected one of them",
                             lambda: row)
    size = tf.cond(is_png, lambda: _png_size(row, content),
                   lambda: tf.cast(tf.image.extract_jpeg_shape(content), tf.int64)[:2])
    height, width = tf.unstack(size, num=2)
    # Each side first: the product of two huge sides would overflow.
    fits = (width >= 1) & (height >= 1) & (width <= MAX_PIXELS) & (height <= MAX_PIXELS)
    fits &= width * height <= MAX_PIXELS
    return checks.require(
        width * height, fits, "image_bytes has row {}, which says it is {} pixels wide and {} high; expected "
        f"1 or more of both, and at most {MAX_PIXELS:,} in all", lambda: row, lambda: width, lambda: height)


def _is_png(content):
    return tf.strings.substr(content, 0, len(_PNG)) == _PNG


def _png_size(row, content):
    """Return height and width, int64 [2]."""
    content = checks.require(
        content, tf.strings.length(content) >= _HEADER_END,
        "image_bytes has row {}, a PNG file that ends within its header; expected a complete file",
        lambda: row)
    sizes = tf.reshape(_png_bytes(content, *_SIZES), [2, 4])
    return tf.linalg.matvec(tf.cast(sizes, tf.int64), tf.constant([2**24, 2**16, 2**8, 1], tf.int64))[::-1]


def _png_bytes(content, start, length):
    return tf.io.decode_raw(tf.strings.substr(content, start, length), tf.uint8)


def _decode_png(content):
    """Return float32 [H, W, 3] in [0, 255], laid over white where transparent."""
    depth, kind = tf.unstack(tf.cast(_png_bytes(content, *_DEPTH_AND_KIND), tf.int32), num=2)
    pixels = tf.cast(tf.io.decode_png(content, channels=4), tf.float32)
    colours, opacity = pixels[..., :3], pixels[..., 3:]
    # TensorFlow gives opaque grey and palette images of less than 8 bits an opacity of as few bits.
    full = tf.cast(tf.bitwise.left_shift(1, tf.minimum(depth, 8)) - 1, tf.float32)
    narrow = ((kind == _GREY) | (kind == _PALETTE)) & (tf.reduce_max(opacity) == full)
    opacity /= tf.where(narrow, full, 255.0)
    return tf.round(colours * opacity + 255.0 * (1.0 - opacity))


def _decode_jpeg(content):
    """Return float32 [H, W, 3] in [0, 255]."""
    # Pillow uses this slower method too.
    return tf.cast(tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE"), tf.float32)


def _resize_cropped(pixels, size):
    height, width = _sides(pixels)
    side = tf.minimum(height, width)
    top, left = _half(height - side), _half(width - side)
    return _resize(pixels[top:top + side, left:left + side], size, size)


def _resize_padded(pixels, size):
    height, width = _sides(pixels)
    scale = size / tf.maximum(height, width)
    new_height, new_width = (
        tf.maximum(1, tf.cast(tf.round(tf.cast(length, tf.float64) * scale), tf.int32))
        for length in (height, width))
    resized = _resize(pixels, new_height, new_width)
    rows, columns = (tf.clip_by_value(tf.range(size) + _half(length - size), 0, length - 1)
                     for length in (new_height, new_width))
    return tf.gather(tf.gather(resized, rows, axis=0), columns, axis=1)


def _stretch_contrast(pixels):
    brightness = tf.cast(_to_grey(pixels) if pixels.shape[-1] == 3 else pixels, tf.int32)
    counts = tf.math.bincount(tf.reshape(brightness, [-1]), minlength=256, maxlength=256)
    cut = tf.size(brightness) * CUT_PERCENT // 100
    low = tf.math.count_nonzero(tf.cumsum(counts) <= cut)
    high = tf.math.count_nonzero(tf.cumsum(counts, reverse=True) > cut) - 1
    # In 64 bits, as in Pillow, since the floor of a rounded number may be one less.
    low, high, values = (tf.cast(each, tf.float64) for each in (low, high, pixels))
    scale = 255.0 / tf.maximum(high - low, 1.0)
    stretched = tf.floor(tf.clip_by_value(values * scale - low * scale, 0.0, 255.0))
    return tf.cast(tf.where(high > low, stretched, values), tf.float32)


def _sides(pixels):
    shape = tf.shape(pixels)
    return shape[0], shape[1]


def _half(number):
    # Half to even, as Python rounds in `data.pictures`.
    return tf.cast(tf.round(tf.cast(number, tf.float64) / 2.0), tf.int32)


def _resize(pixels, height, width):
    # First the width, then the height, each rounded to integers, as Pillow does.
    for shape in ([_sides(pixels)[0], width], [height, width]):
        resized = tf.image.resize(pixels, shape, method="lanczos3", antialias=True)
        pixels = tf.clip_by_value(tf.round(resized), 0.0, 255.0)
    return pixels


def _to_grey(pixels):
    # Pillow's weights (ITU-R 601-2).
    return tf.round(tf.tensordot(pixels, tf.constant([[0.299], [0.587], [0.114]]), axes=1))

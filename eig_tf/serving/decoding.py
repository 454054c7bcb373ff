"""Encoded images to the pixels that Q takes, inside the graph: what `data.pictures` does with files.

PNG and JPEG alone, as `pictures` reads them but for EXIF rotation, which TensorFlow does not read: first
over white where transparent, then square by the run's rule, then resized by a Lanczos filter.
"""

import tensorflow as tf

from eig_tf.data.pictures import PAD
from eig_tf.serving import checks

# Bounds the memory that one image can claim; a camera of 24 megapixels is within.
MAX_PIXELS = 25_000_000

_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
# Of a PNG file: signature, length and name of its first chunk, then width and height of 4 bytes each.
_PNG_SIZES_AT, _PNG_SIZES_LENGTH = 16, 8


def decode(image_bytes, image_shape, rule):
    """Decodes, makes square and resizes encoded images.

    Args:
        image_bytes: PNG or JPEG, string [N].
        image_shape: (S, S, channels) of what comes out.
        rule: `crop` or `pad`, see `data.pictures.fit`.

    Returns:
        float32 [N, S, S, channels] in [0, 1]. Reading it raises `tf.errors.InvalidArgumentError` where a
        row is no such image, is damaged or has more than `MAX_PIXELS`.
    """
    size, _, channels = image_shape

    def decode_row(row):
        pixels = _pixels(*row)
        pixels = pixels if channels == 3 else _to_grey(pixels)
        square = _resize_padded(pixels, size) if rule == PAD else _resize_cropped(pixels, size)
        return square / 255.0

    rows = tf.range(tf.shape(image_bytes)[0])
    # One after the other, so that no more than one is held at its full size.
    return tf.map_fn(decode_row, (rows, image_bytes), parallel_iterations=1,
                     fn_output_signature=tf.TensorSpec(image_shape, tf.float32))


def _pixels(row, content):
    """float32 [H, W, 3] in [0, 255]."""
    is_png = tf.strings.substr(content, 0, len(_PNG)) == _PNG
    is_jpeg = tf.strings.substr(content, 0, len(_JPEG)) == _JPEG
    content = checks.checked(content, is_png | is_jpeg, "image_bytes has row {}, which is neither PNG nor "
                             "JPEG; expected one of them", lambda: row)
    pixels = tf.cond(is_png, lambda: _decode_png(row, content), lambda: _decode_jpeg(row, content))
    return tf.ensure_shape(pixels, [None, None, 3])


def _decode_png(row, content):
    content = checks.checked(
        content, tf.strings.length(content) >= _PNG_SIZES_AT + _PNG_SIZES_LENGTH,
        "image_bytes has row {}, a PNG file that ends within its header; expected a whole file", lambda: row)
    header = tf.io.decode_raw(tf.strings.substr(content, _PNG_SIZES_AT, _PNG_SIZES_LENGTH), tf.uint8)
    width, height = tf.unstack(tf.linalg.matvec(
        tf.cast(tf.reshape(header, [2, 4]), tf.int64), tf.constant([2**24, 2**16, 2**8, 1], tf.int64)))
    content = _check_size(row, content, height, width)
    coloured = tf.cast(tf.io.decode_png(content, channels=4), tf.float32)
    opacity = coloured[..., 3:] / 255.0
    return tf.round(coloured[..., :3] * opacity + 255.0 * (1.0 - opacity))


def _decode_jpeg(row, content):
    height, width, _ = tf.unstack(tf.cast(tf.image.extract_jpeg_shape(content), tf.int64))
    content = _check_size(row, content, height, width)
    # The slower method is the one that Pillow decodes by.
    return tf.cast(tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE"), tf.float32)


def _check_size(row, content, height, width):
    # Each side alone first: the product of two huge ones would overflow.
    fits = (width >= 1) & (height >= 1) & (width <= MAX_PIXELS) & (height <= MAX_PIXELS)
    fits &= width * height <= MAX_PIXELS
    return checks.checked(
        content, fits, "image_bytes has row {}, which says it is {} pixels wide and {} high; expected 1 or "
        f"more of both, and at most {MAX_PIXELS:,} in all", lambda: row, lambda: width, lambda: height)


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


def _sides(pixels):
    shape = tf.shape(pixels)
    return shape[0], shape[1]


def _half(number):
    # To even, as Python rounds in `data.pictures`.
    return tf.cast(tf.round(tf.cast(number, tf.float64) / 2.0), tf.int32)


def _resize(pixels, height, width):
    # One direction after the other with whole numbers between, as Pillow does.
    for shape in ([_sides(pixels)[0], width], [height, width]):
        resized = tf.image.resize(pixels, shape, method="lanczos3", antialias=True)
        pixels = tf.clip_by_value(tf.round(resized), 0.0, 255.0)
    return pixels


def _to_grey(pixels):
    # Pillow's weights (ITU-R 601-2).
    return tf.round(tf.tensordot(pixels, tf.constant([[0.299], [0.587], [0.114]]), axes=1))

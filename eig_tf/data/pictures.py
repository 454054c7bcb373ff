"""One picture file, of whatever kind, to uint8 pixels of the size that the networks take."""

import warnings

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
CROP, PAD = "crop", "pad"

# Turns that make a picture upright, by the orientation that its EXIF data holds.
_TURNS = dict(zip(range(2, 9), (
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90)))

# Pillow warns of large pictures and of odd metadata, with its own lines as the place. Not inside `read`:
# `warnings.catch_warnings` is not made for the threads that decode.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unreadable(Exception):
    """A file that cannot be decoded; the text says why, without the file's name."""


def read(path, channels=3):
    """Reads a picture: first frame, upright by its EXIF rotation, transparency over white.

    Args:
        path: a PNG, JPEG, WebP, BMP or GIF file of 1 to 16 bits a channel. Of 16 bits the upper 8 are
            kept, whatever range the picture makes use of.
        channels: 1 for grey or 3 for RGB.

    Returns:
        A PIL image of mode `L` or `RGB`.

    Raises:
        Unreadable: it is none of these, truncated, damaged, may not be read, or its header says that it
            has more than Pillow's limit of pixels, twice `Image.MAX_IMAGE_PIXELS`.
    """
    mode = {1: "L", 3: "RGB"}[channels]
    try:
        with Image.open(path, formats=FORMATS) as picture:
            picture.load()
            return _flatten(_upright(picture)).convert(mode)
    except Image.DecompressionBombError:
        raise Unreadable("too large, perhaps a decompression bomb; expected at most "
                         f"{2 * Image.MAX_IMAGE_PIXELS:,} pixels") from None
    except UnidentifiedImageError:
        raise Unreadable("no picture; expected PNG, JPEG, WebP, BMP or GIF") from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble on.
        if isinstance(error, OSError) and error.strerror:
            raise Unreadable(error.strerror) from None
        reason = " ".join(str(error).split())[:120]
        raise Unreadable(f"damaged ({type(error).__name__}: {reason})") from None


def fit(picture, size, rule=CROP):
    """Makes a picture square and resizes it, smoothing where it shrinks.

    Args:
        picture: a PIL image of mode `L` or `RGB`.
        size: S.
        rule: `crop` takes the largest centred square, `pad` repeats the border's pixels around it.

    Returns:
        uint8 [S, S, channels].
    """
    if rule == PAD:
        # Resized before it is padded: as a square, a line of pixels would fill the memory.
        scale = size / max(picture.size)
        width, height = (max(1, round(length * scale)) for length in picture.size)
        return to_array(crop(_resize(picture, width, height), width / 2, height / 2, size, size))
    side = min(picture.size)
    return to_array(_resize(crop(picture, picture.width / 2, picture.height / 2, side, side), size, size))


def crop(picture, x, y, width, height):
    """Cuts out a box by its centre; what lies outside the picture repeats its border.

    Args:
        picture: a PIL image.
        x, y: centre of the box, pixels.
        width, height: its size, pixels, above 0.

    Returns:
        A PIL image of round(width) x round(height), at least 1 x 1.
    """
    left, right = _bounds(x, width)
    upper, lower = _bounds(y, height)
    if min(left, upper) >= 0 and right <= picture.width and lower <= picture.height:
        return picture.crop((left, upper, right, lower))
    columns = np.clip(np.arange(left, right), 0, picture.width - 1)
    rows = np.clip(np.arange(upper, lower), 0, picture.height - 1)
    return Image.fromarray(np.asarray(picture)[rows[:, np.newaxis], columns])


def crop_to(picture, box, size):
    """Cuts out a box and resizes it to a square, smoothing where it shrinks.

    Args:
        picture: a PIL image of mode `L` or `RGB`.
        box: centre x, centre y, width and height; see `crop`.
        size: S.

    Returns:
        uint8 [S, S, channels].
    """
    return to_array(_resize(crop(picture, *box), size, size))


def to_array(picture):
    """uint8 [H, W, channels] of a PIL image of mode `L` or `RGB`."""
    array = np.asarray(picture)
    return array[..., np.newaxis] if array.ndim == 2 else array


def _resize(picture, width, height):
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _bounds(centre, length):
    length = max(1, round(length))
    start = round(centre - length / 2)
    return start, start + length


def _upright(picture):
    """Turns by the EXIF data alone: `ImageOps.exif_transpose` also writes them anew, and fails where
    those that nobody needs are damaged."""
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation))
    return picture if turn is None else picture.transpose(turn)


def _flatten(picture):
    """8 bits a channel, without palette and transparency."""
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        # The upper bits, as Pillow takes them of colours; its own conversion cuts off what is above 255.
        shown = values if transparent is None else np.where(values == transparent, 65535, values)
        return Image.fromarray((shown >> 8).astype(np.uint8))
    if transparent is not None or picture.mode in ("RGBA", "LA", "PA"):
        opaque = picture.convert("RGBA")
        white = Image.new("RGB", opaque.size, "white")
        white.paste(opaque, mask=opaque)
        return white
    return picture

"""Reading one image file of any supported format, cropping and resizing."""

from __future__ import annotations

import os
import warnings

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
CROP, PAD = "crop", "pad"
# Raise it when the pixels that this module returns change; docs/datasets.md, The cache, says more.
DECODER_VERSION = 1

# Transpositions that make a picture upright, by the orientation in its EXIF data.
_TRANSPOSITIONS = dict(zip(range(2, 9), (
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90)))

# Pillow warns of large pictures and of unusual metadata, naming its own lines. The filter is not set inside
# `read`, since `warnings.catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Unreadable(Exception):
    """A file that cannot be decoded; the text says why, without the name of the file."""


def read(path: str | os.PathLike, channels: int = 3) -> Image.Image:
    """Read a picture: the first frame, upright by its EXIF orientation, transparency over white.

    Args:
        path: a PNG, JPEG, WebP, BMP or GIF file of 1 to 16 bits per channel. Of 16 bits the upper 8 are
            kept, whichever range the picture uses.
        channels: 1 for grey or 3 for RGB.

    Returns:
        A PIL image of mode `L` or `RGB`.

    Raises:
        Unreadable: the file has another format, is truncated or damaged, cannot be opened, or its header
            states more pixels than Pillow's limit, twice `Image.MAX_IMAGE_PIXELS`.
    """
    mode = {1: "L", 3: "RGB"}[channels]
    try:
        with Image.open(path, formats=FORMATS) as picture:
            picture.load()
            return _flatten(_upright(picture)).convert(mode)
    except Image.DecompressionBombError:
        raise Unreadable("too large, perhaps a decompression bomb; expected at most "
                         f"{2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except UnidentifiedImageError:
        raise Unreadable("not an image; expected PNG, JPEG, WebP, BMP or GIF") from None
    except Exception as error:  # Pillow's decoders raise exceptions of any type for damaged files.
        if isinstance(error, OSError) and error.strerror:
            raise Unreadable(error.strerror) from None
        reason = " ".join(str(error).split())[:120]
        raise Unreadable(f"damaged ({type(error).__name__}: {reason})") from None


def fit(picture: Image.Image, size: int, rule: str = CROP) -> np.ndarray:
    """Make a picture square and resize it, with antialiasing.

    Args:
        picture: a PIL image of mode `L` or `RGB`.
        size: S.
        rule: `crop` takes the largest centred square; `pad` repeats the border pixels around the picture.

    Returns:
        uint8 [S, S, channels].
    """
    if rule == PAD:
        # Resize before padding: as a square, a picture of one long line would fill the memory.
        scale = size / max(picture.size)
        width, height = (max(1, round(length * scale)) for length in picture.size)
        return to_array(crop(_resize(picture, width, height), width / 2, height / 2, size, size))
    side = min(picture.size)
    return crop_to(picture, (picture.width / 2, picture.height / 2, side, side), size)


def crop(picture: Image.Image, x: float, y: float, width: float, height: float) -> Image.Image:
    """Cut out a box given by its centre; outside the picture, border pixels are repeated.

    Args:
        picture: a PIL image.
        x: horizontal centre of the box, in pixels.
        y: vertical centre of the box, in pixels.
        width: width of the box in pixels, above 0.
        height: height of the box in pixels, above 0.

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


def crop_to(picture: Image.Image, box: tuple[float, ...], size: int) -> np.ndarray:
    """Cut out a box and resize it to a square, with antialiasing.

    Args:
        picture: a PIL image of mode `L` or `RGB`.
        box: centre x, centre y, width and height; see `crop`.
        size: S.

    Returns:
        uint8 [S, S, channels].
    """
    return to_array(_resize(crop(picture, *box), size, size))


def to_array(picture: Image.Image) -> np.ndarray:
    """Return uint8 [H, W, channels] of a PIL image of mode `L` or `RGB`."""
    array = np.asarray(picture)
    return array[..., np.newaxis] if array.ndim == 2 else array


def _resize(picture: Image.Image, width: int, height: int) -> Image.Image:
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _bounds(centre: float, length: float) -> tuple[int, int]:
    length = max(1, round(length))
    start = round(centre - length / 2)
    return start, start + length


def _upright(picture: Image.Image) -> Image.Image:
    # `ImageOps.exif_transpose` also rewrites the EXIF data, and fails when unrelated parts are damaged.
    transposition = _TRANSPOSITIONS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    return picture if transposition is None else picture.transpose(transposition)


def _flatten(picture: Image.Image) -> Image.Image:
    """Return 8 bits per channel, without palette and transparency."""
    transparent = picture.info.get("transparency")
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        # Keep the upper bits, as Pillow does for colours. Its own conversion of grey clips above 255.
        shown = values if transparent is None else np.where(values == transparent, 65535, values)
        return Image.fromarray((shown >> 8).astype(np.uint8))
    if transparent is not None or picture.mode in ("RGBA", "LA", "PA"):
        opaque = picture.convert("RGBA")
        white = Image.new("RGB", opaque.size, "white")
        white.paste(opaque, mask=opaque)
        return white
    return picture

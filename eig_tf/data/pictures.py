"""One picture file, of whatever kind, to uint8 pixels of the size that the networks take."""

import warnings

import numpy as np
from PIL import Image, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
CROP, PAD = "crop", "pad"


class Unreadable(Exception):
    """A file that cannot be decoded; the text says why, without the file's name."""


def read(path, channels=3):
    """Reads a picture: first frame, upright by its EXIF rotation, transparency over white.

    Args:
        path: a PNG, JPEG, WebP, BMP or GIF file of 8 or 16 bits a channel.
        channels: 1 for grey or 3 for RGB.

    Returns:
        A PIL image of mode `L` or `RGB`.

    Raises:
        Unreadable: it is none of these, truncated, damaged, may not be read or is larger than
            Pillow's limit, twice `Image.MAX_IMAGE_PIXELS`.
    """
    mode = {1: "L", 3: "RGB"}[channels]
    try:
        with warnings.catch_warnings():
            # Pillow warns from half its limit on; a picture above the limit is refused by its header.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                picture.load()
                return _flatten(ImageOps.exif_transpose(picture)).convert(mode)
    except Image.DecompressionBombError as error:
        raise Unreadable(f"too large, a decompression bomb ({error})") from None
    except PermissionError:
        raise Unreadable("may not be read; expected read permission") from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file makes them stumble on.
        if isinstance(error, Unreadable):
            raise
        reason = " ".join(str(error).split())
        raise Unreadable(f"no readable picture ({type(error).__name__}: {reason})"[:200]) from None


def fit(picture, size, rule=CROP):
    """Makes a picture square and resizes it, smoothing where it shrinks.

    Args:
        picture: a PIL image of mode `L` or `RGB`.
        size: S.
        rule: `crop` takes the largest centred square, `pad` repeats the border's pixels around it.

    Returns:
        uint8 [S, S, channels].
    """
    side = min(picture.size) if rule == CROP else max(picture.size)
    square = crop(picture, picture.width / 2, picture.height / 2, side, side)
    return to_array(square.resize((size, size), Image.Resampling.LANCZOS))


def crop(picture, x, y, width, height):
    """Cuts out a box by its centre; what lies outside the picture repeats its border.

    Args:
        picture: a PIL image.
        x, y: centre of the box, pixels.
        width, height: its size, pixels, above 0.

    Returns:
        A PIL image of round(width) x round(height), at least 1 x 1.
    """
    columns = _clamped(x, width, picture.width)
    rows = _clamped(y, height, picture.height)
    return Image.fromarray(np.asarray(picture)[rows[:, np.newaxis], columns])


def to_array(picture):
    """uint8 [H, W, channels] of a PIL image of mode `L` or `RGB`."""
    array = np.asarray(picture)
    return array[..., np.newaxis] if array.ndim == 2 else array


def _clamped(centre, length, limit):
    length = max(1, round(length))
    start = round(centre - length / 2)
    return np.clip(np.arange(start, start + length), 0, limit - 1)


def _flatten(picture):
    """8 bits a channel, without palette and transparency."""
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture)
        if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
            raise Unreadable(f"pixels of mode {picture.mode} from {values.min()} to {values.max()}; expected "
                             "8 or 16 bits a channel")
        return Image.fromarray((values.astype(np.uint32) * 255 // 65535).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        opaque = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", opaque.size, "white"), opaque)
    return picture

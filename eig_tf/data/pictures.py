"""Reading one image file of any supported format, cropping and resizing."""

from __future__ import annotations

import contextlib
import os
import warnings
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features

# Suffixes by Pillow's name of the format. Formats for which Pillow may run other programs are left out.
_SUFFIXES = {"PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "WEBP": (".webp",), "BMP": (".bmp",),
             "GIF": (".gif",), "PPM": (".ppm", ".pgm", ".pbm", ".pnm"), "TIFF": (".tif", ".tiff")}
if features.check("avif"):
    _SUFFIXES["AVIF"] = (".avif",)
with contextlib.suppress(ImportError):
    import pillow_heif
    pillow_heif.register_heif_opener()
    _SUFFIXES["HEIF"] = (".heic", ".heif")
FORMATS = tuple(_SUFFIXES)
SUFFIXES = tuple(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
CROP, PAD = "crop", "pad"
# Percent of the pixels that `stretch_contrast` lets end at each bound of the range.
CUT_PERCENT = 2
# Raise it when the pixels that this module returns change; docs/datasets.md, The cache, says more.
DECODER_VERSION = 2

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


def read(path: str | os.PathLike | BinaryIO, channels: int = 3) -> Image.Image:
    """Read a picture: the first frame or page, upright by its EXIF orientation, transparency over white.

    Args:
        path: a file of one of `FORMATS`, or its open binary file. Of 16 bits per channel the upper 8 are
            kept, whichever range the picture uses. Floating-point values are shares of the range; if one
            exceeds 1, they are in [0, 255].
        channels: 1 for grey or 3 for RGB.

    Returns:
        A PIL image of mode `L` or `RGB`.

    Raises:
        Unreadable: the file has another format, is truncated or damaged, cannot be opened, has values out
            of range, or its header states more pixels than Pillow's limit, twice `Image.MAX_IMAGE_PIXELS`.
    """
    return read_reduced(path, channels)[0]


def read_reduced(path: str | os.PathLike | BinaryIO, channels: int = 3,
                 side: int | None = None) -> tuple[Image.Image, int]:
    """Read a picture, of which only a small version is needed.

    Args:
        path: see `read`.
        channels: see `read`.
        side: both sides of the result may be reduced as long as they are no shorter than this, which makes
            decoding of large JPEG files faster; full size when None.

    Returns:
        The picture, and the length of its shorter side in the file in pixels.

    Raises:
        Unreadable: see `read`.
    """
    mode = {1: "L", 3: "RGB"}[channels]
    try:
        # Given a name, Pillow maps uncompressed TIFF files into memory, and turns oriented ones wrongly.
        with (open(path, "rb") if isinstance(path, (str, os.PathLike)) else contextlib.nullcontext(path)
              ) as file, Image.open(file, formats=FORMATS) as picture:
            shorter = min(picture.size)
            if side is not None:
                picture.draft(None, (side, side))
            picture.load()
            return _flatten(_upright(picture)).convert(mode), shorter
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable("too large, perhaps a decompression bomb; expected at most "
                         f"{2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except UnidentifiedImageError:
        raise Unreadable(f"not an image; expected {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None
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


def stretch_contrast(image: np.ndarray) -> np.ndarray:
    """Stretch the brightness of an image to the whole range, its colours with it.

    Args:
        image: uint8 [H, W, 1 or 3].

    Returns:
        uint8 of the same shape: 2 % of the pixels are at each end of the range by their luminance. Images of
        one brightness stay as they are.
    """
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    return to_array(ImageOps.autocontrast(picture, cutoff=CUT_PERCENT, preserve_tone=True))


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
    if picture.mode == "F":
        return _from_floats(np.asarray(picture))
    if picture.mode.startswith("I"):
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise Unreadable(f"has integers from {values.min()} to {values.max()}; expected 0 to 65535")
        # Keep the upper bits, as Pillow does for colours. Its own conversion of grey clips above 255.
        shown = values if transparent is None else np.where(values == transparent, 65535, values)
        return Image.fromarray((shown >> 8).astype(np.uint8))
    if transparent is not None or picture.mode in ("RGBA", "LA", "PA", "RGBa"):
        opaque = picture.convert("RGBA")
        white = Image.new("RGB", opaque.size, "white")
        white.paste(opaque, mask=opaque)
        return white
    return picture


def _from_floats(values: np.ndarray) -> Image.Image:
    low, high = values.min(), values.max()
    # Written so that NaN fails too.
    if not (low >= 0 and high <= 255):
        raise Unreadable(f"has floating-point values from {low:g} to {high:g}; expected 0 to 1, or 0 to 255")
    return Image.fromarray(np.round(values * (255 if high <= 1 else 1)).astype(np.uint8))

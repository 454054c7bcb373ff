"""Pictures made of many images of one size; needs neither TensorFlow nor matplotlib."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image

from eig_tf import files

GAP = 2  # pixels
SIDE = 64
_WHITE = 255


def tile(images: np.ndarray, columns: int, gap: int = GAP) -> np.ndarray:
    """Return a picture of images in rows of `columns`, with white gaps between them.

    Args:
        images: uint8 [N, H, W, C], row by row.
        columns: images in each row.
        gap: pixels between two images.

    Returns:
        uint8 [height, width, C]; what the last row lacks stays white.
    """
    rows = -(-len(images) // columns)
    height, width, channels = images.shape[1:]
    picture = np.full([rows * (height + gap) - gap, columns * (width + gap) - gap, channels],
                      _WHITE, np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        picture[top:top + height, left:left + width] = image
    return picture


def pad_rows(rows: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """Return R rows of images as one array; shorter rows end in white images.

    Args:
        rows: R arrays, uint8 [n, H, W, C], each of its own n.

    Returns:
        uint8 [R, largest n, H, W, C].
    """
    padded = np.full([len(rows), max(map(len, rows)), *np.shape(rows[0])[1:]], _WHITE, np.uint8)
    for place, row in zip(padded, rows):
        place[:len(row)] = row
    return padded


def enlarge(images: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Return images [..., H, W, C] with each pixel repeated, so that their sides are about `side`."""
    factor = max(1, round(side / images.shape[-2]))
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def shrink(images: np.ndarray, side: int | None) -> np.ndarray:
    """Return uint8 images [..., S, S, C] resampled to `side` if S is larger; None keeps any size."""
    if side is None or images.shape[-2] <= side:
        return images
    flat = images.reshape(-1, *images.shape[-3:])
    small = [np.asarray(to_image(image).resize([side, side], Image.Resampling.LANCZOS)) for image in flat]
    return np.reshape(small, [*images.shape[:-3], side, side, images.shape[-1]])


def to_image(pixels: np.ndarray) -> Image.Image:
    """Return the PIL image of uint8 pixels [height, width, 1 or 3]."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def save_png(picture: np.ndarray, path: str | os.PathLike) -> None:
    """Write a uint8 picture [height, width, 1 or 3] as PNG, atomically."""
    with files.replacing(path) as temporary:
        to_image(picture).save(temporary)

"""Sprites: WebP pictures of many thumbnails, as data URIs, of which a page shows one part at a time."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from eig_tf.data.image_set import StoredImages
from eig_tf.figures import tiling

THUMBNAIL = 96  # pixels, at most
_QUALITY = 70
_COLUMNS = 16
# Thumbnails of the map are all images of a run: their pixels are limited together, those of each on its own.
_MAP_PIXELS, _MAP_SIDES, _MAP_SHEET = 2**24, (24, 64), 256


class Cell(NamedTuple):
    """The place of a thumbnail: the number of its sprite, and CSS percentages of `background-position`."""

    sprite: int
    left: float
    top: float


class Sprite(NamedTuple):
    """A picture of thumbnails in `columns` columns and `rows` rows, as a data URI."""

    uri: str
    columns: int
    rows: int


class Sprites:
    """The sprites of a page, numbered in the order in which they are added."""

    def __init__(self) -> None:
        self.all: list[Sprite] = []

    def add(self, images: np.ndarray) -> list[Cell]:
        """Add a sprite of images, uint8 [n, H, W, C]; return the place of each thumbnail."""
        if not len(images):
            return []
        sprite = _make_sprite(tiling.shrink(np.asarray(images), THUMBNAIL))
        self.all.append(sprite)
        return [Cell(len(self.all) - 1, _percent(index % sprite.columns, sprite.columns),
                     _percent(index // sprite.columns, sprite.rows)) for index in range(len(images))]


class MapSheets(NamedTuple):
    """Thumbnails of all images of a run, in order.

    Attributes:
        uris: data URIs of pictures of `per_sheet` thumbnails each; the last one may have fewer.
        columns: thumbnails in each row of a picture.
        per_sheet: thumbnails of a picture.
        side: pixels of a thumbnail.
    """

    uris: Sequence[str]
    columns: int
    per_sheet: int
    side: int


def make_map_sheets(images: np.ndarray | StoredImages) -> MapSheets:
    """Return thumbnails of all images, smaller the more there are; one sheet of them is in memory at a time.

    Args:
        images: uint8 [N, S, S, C], N at least 1.
    """
    side = min(map_side(len(images)), images.shape[1])
    sheets = (tiling.shrink(np.asarray(images[start:start + _MAP_SHEET]), side)
              for start in range(0, len(images), _MAP_SHEET))
    return MapSheets([_make_sprite(sheet).uri for sheet in sheets], _COLUMNS, _MAP_SHEET, side)


def map_side(num: int) -> int:
    """Return the largest side of the thumbnails of `num` images on the map, in pixels."""
    return int(np.clip((_MAP_PIXELS / num) ** 0.5, *_MAP_SIDES))


def to_data_uri(picture: Image.Image) -> str:
    """Return a picture as the data URI of a WebP file."""
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _make_sprite(thumbnails):
    picture = tiling.to_image(tiling.tile(thumbnails, _COLUMNS, gap=0))
    return Sprite(to_data_uri(picture), _COLUMNS, -(-len(thumbnails) // _COLUMNS))


def _percent(index, num):
    return round(100 * index / (num - 1), 4) if num > 1 else 0.0

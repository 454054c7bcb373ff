"""Pictures laid out of many images, and written; needs no TensorFlow."""

import numpy as np
from PIL import Image

from eig_tf import files

_GAP = 2


def tile(images, columns):
    """Lays images [N, H, W, C] out in rows of `columns`, with a white gap between them."""
    rows = -(-len(images) // columns)
    height, width, channels = images.shape[1:]
    picture = np.full([rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, channels],
                      255, np.uint8)
    for index, image in enumerate(images):
        top = index // columns * (height + _GAP)
        left = index % columns * (width + _GAP)
        picture[top:top + height, left:left + width] = image
    return picture


def to_image(pixels):
    """A PIL image of uint8 pixels [height, width, 1 or 3]."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def save_png(picture, path):
    """Writes a uint8 picture [height, width, 1 or 3] as PNG."""
    with files.replacing(path) as temporary:
        to_image(picture).save(temporary)

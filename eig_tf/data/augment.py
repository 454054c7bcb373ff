"""delta: the identity-preserving transformation that makes the positive view (section 4)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tensorflow as tf
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf.config import METHODS
from eig_tf.data import addons, colour
from eig_tf.errors import UserError
from eig_tf.random_streams import WHOLE_BATCH, BatchPart

# What is drawn. The position is the random stream: append new draws, or published views change.
_DRAWS = ("rotation", "zoom", "flip", "crop_x", "crop_y", "enlarge_x", "enlarge_y", "gamma", "brightness",
          "contrast", "saturation", "hue", "greyscale", "blur")
# Operations that need colour images, by the fields that switch them on.
_COLOUR_ONLY = ("saturation", "hue", "greyscale")


def make_view_function(config: config_dict.ConfigDict) -> Callable[..., tf.Tensor] | None:
    """Return the delta of a config, (images, stateless seed, part) -> views; None when it needs no views.

    Raises:
        UserError: an operation on colours is on, but the images are grey.
    """
    if METHODS[config.method].contrastive_term is None:
        return None
    for name in _COLOUR_ONLY:
        if config.augment[name] and config_lib.image_shape(config)[-1] == 1:
            raise UserError(f"{config_lib.flag(f'augment.{name}')} is {config.augment[name]}, but the images "
                            f"of --dataset={config.dataset} are grey; expected 0")
    return functools.partial(positive_view, **config.augment)


def positive_view(
        images: tf.Tensor, seed: tf.Tensor, rotation: float = 10.0, zoom: float = 0.1, flip: bool = False,
        crop: float = 1.0, enlarge: float = 1.0, gamma_min: float = 1.0, gamma_max: float = 1.0,
        brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0, hue: float = 0.0,
        greyscale: float = 0.0, blur: float = 0.0, part: BatchPart = WHOLE_BATCH) -> tf.Tensor:
    """Transform every image by its own uniform random amounts.

    The operations are applied in the order of the arguments. An operation that is off is left out of the
    graph, and does not change the draws of the others.

    Args:
        images: float [N, H, W, C] in [-1, 1].
        seed: a stateless seed, int32 [2]; the same seed gives the same views.
        rotation: largest rotation in degrees, in both directions; 0 is off.
        zoom: largest change of size in both directions, as a share of the size, below 1; 0 is off.
        flip: whether to mirror an image, left to right, with probability 1/2.
        crop: side of a random window that is cut out and resized, as a share of the image's; 1 is off.
        enlarge: scale, after which a random window of the image's size is cut out; 1 is off.
        gamma_min: smallest power of the intensities in [0, 1], above 0; off when both powers are 1.
        gamma_max: largest power of the intensities.
        brightness: largest shift of the intensities in [0, 1], in both directions; 0 is off.
        contrast: largest change of the factor of the contrast, at most 1; 0 is off.
        saturation: largest change of the factor of the saturation, at most 1; 0 is off; colour images only.
        hue: largest shift of the hue in turns, 0.5 for all hues; 0 is off; colour images only.
        greyscale: probability of removing the colour; 0 is off; colour images only.
        blur: largest standard deviation of a Gaussian in pixels; 0 is off.
        part: the place of the images in a global batch, for which the amounts are drawn.

    Returns:
        Views [N, H, W, C] in [-1, 1].
    """
    draw = functools.partial(_draw_amounts, images, seed, part)
    warps = []
    if rotation:
        warps.append(addons.rotation(images, draw("rotation", -rotation, rotation)))
    if zoom:
        warps.append(addons.zoom(images, draw("zoom", 1.0 - zoom, 1.0 + zoom)))
    if flip:
        warps.append(addons.mirroring(images, draw("flip") < 0.5))
    if crop != 1.0:
        warps.append(addons.window(images, crop, draw("crop_x"), draw("crop_y")))
    if enlarge != 1.0:
        # A window of the image's size in the enlarged image is one of 1 / enlarge in the image itself.
        warps.append(addons.window(images, 1.0 / enlarge, draw("enlarge_x"), draw("enlarge_y")))

    # Functions of (images in [0, 1], further arguments).
    changes: list[tuple] = []
    if (gamma_min, gamma_max) != (1.0, 1.0):
        changes.append((colour.gamma, draw("gamma", gamma_min, gamma_max)))
    if brightness:
        changes.append((colour.brightness, draw("brightness", -brightness, brightness)))
    if contrast:
        changes.append((colour.contrast, draw("contrast", 1.0 - contrast, 1.0 + contrast)))
    if saturation or hue:
        changes.append((colour.saturation_and_hue,
                        draw("saturation", 1.0 - saturation, 1.0 + saturation) if saturation else None,
                        draw("hue", -hue, hue) if hue else None))
    if greyscale:
        changes.append((colour.greyscale, draw("greyscale") < greyscale))
    if blur:
        changes.append((colour.blur, draw("blur", 0.0, blur)))

    views = addons.transform(images, warps) if warps else images
    if not changes:
        return views
    # Rounding in the interpolation may leave the range, where a power is not defined.
    intensities = tf.clip_by_value((views + 1.0) / 2.0, 0.0, 1.0)
    for change, *arguments in changes:
        intensities = change(intensities, *arguments)
    return intensities * 2.0 - 1.0


def _draw_amounts(images: tf.Tensor, seed: tf.Tensor, part: BatchPart, name: str, low: float = 0.0,
                  high: float = 1.0) -> tf.Tensor:
    """Return uniform amounts [N], one for each image, from the stream of an operation."""
    # A stream that depends on the name alone stays the same when operations are added.
    stream = tf.random.experimental.stateless_fold_in(seed, _DRAWS.index(name))
    return part.rows(tf.random.stateless_uniform(
        tf.shape(images)[:1] * part.parts, stream, minval=low, maxval=high))

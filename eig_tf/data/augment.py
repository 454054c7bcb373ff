"""delta: the identity-preserving transformation that makes the positive view (section 4)."""

import functools

import tensorflow as tf

from eig_tf import config as config_lib
from eig_tf.config import METHODS
from eig_tf.data import addons, colour
from eig_tf.errors import UserError

# Each operation draws from its own stream, so that switching one on or off does not change the others.
_OPERATIONS = ("rotation", "zoom", "flip", "crop_x", "crop_y", "enlarge_x", "enlarge_y", "gamma", "brightness",
               "contrast", "saturation", "hue", "greyscale", "blur")
_COLOUR_ONLY = ("saturation", "hue", "greyscale")


def make_view_function(config):
    """The delta of a config as (images, stateless seed) -> views; None when its method needs no views.

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


def positive_view(images, seed, rotation=10.0, zoom=0.1, flip=False, crop=1.0, enlarge=1.0, gamma_min=1.0,
                  gamma_max=1.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0, greyscale=0.0,
                  blur=0.0):
    """Transforms every image by amounts of its own, drawn uniformly.

    The operations come in the order of the arguments. Each has its own stream of draws, so that none
    changes those of another, and is left out of the graph at the value that says so.

    Args:
        images: float [N, H, W, C] in [-1, 1].
        seed: a stateless seed, int32 [2]; the same seed gives the same view.
        rotation: largest rotation either way, degrees; off at 0.
        zoom: largest change of size either way, as a share of the size, below 1; off at 0.
        flip: whether left and right are swapped with probability 1/2.
        crop: sides of a window that is cut out anywhere and resized, as a share of the image's; off at 1.
        enlarge: scale, after which a window of the image's size is cut out anywhere; off at 1.
        gamma_min: smallest power of the intensities in [0, 1], above 0; off where it and the largest are 1.
        gamma_max: largest power.
        brightness: largest shift of the intensities in [0, 1] either way; off at 0.
        contrast: largest change of the factor either way, at most 1; off at 0.
        saturation: the same of the saturation; off at 0, colour images only.
        hue: largest turn of the hue either way, 0.5 for all hues; off at 0, colour images only.
        greyscale: probability of losing the colour; off at 0, colour images only.
        blur: largest standard deviation of a Gaussian, pixels; off at 0.

    Returns:
        [N, H, W, C] in [-1, 1].
    """
    views = _warp(images, seed, rotation, zoom, flip, crop, enlarge)
    gammas = (gamma_min, gamma_max)
    if gammas != (1.0, 1.0) or any((brightness, contrast, saturation, hue, greyscale, blur)):
        # Rounding in the interpolation may leave the range, where a power is not defined.
        intensities = tf.clip_by_value((views + 1.0) / 2.0, 0.0, 1.0)
        recoloured = _recolour(
            intensities, seed, gammas, brightness, contrast, saturation, hue, greyscale, blur)
        views = recoloured * 2.0 - 1.0
    return views


def _warp(images, seed, rotation, zoom, flip, crop, enlarge):
    """What moves pixels, in one interpolation."""
    draw = functools.partial(_draw, images, seed)
    transformations = []
    if rotation:
        transformations.append(addons.rotation(images, draw("rotation", -rotation, rotation)))
    if zoom:
        transformations.append(addons.zoom(images, draw("zoom", 1.0 - zoom, 1.0 + zoom)))
    if flip:
        transformations.append(addons.mirroring(images, draw("flip") < 0.5))
    if crop != 1.0:
        transformations.append(addons.window(images, crop, draw("crop_x"), draw("crop_y")))
    if enlarge != 1.0:
        # A window of the image's size in the enlarged image is one of 1 / enlarge in the image itself.
        transformations.append(addons.window(images, 1.0 / enlarge, draw("enlarge_x"), draw("enlarge_y")))
    return addons.transform(images, transformations) if transformations else images


def _recolour(images, seed, gammas, brightness, contrast, saturation, hue, greyscale, blur):
    """What changes intensities and colours, for images in [0, 1]."""
    draw = functools.partial(_draw, images, seed)
    if gammas != (1.0, 1.0):
        images = colour.gamma(images, draw("gamma", *gammas))
    if brightness:
        images = colour.brightness(images, draw("brightness", -brightness, brightness))
    if contrast:
        images = colour.contrast(images, draw("contrast", 1.0 - contrast, 1.0 + contrast))
    if saturation or hue:
        images = colour.saturation_and_hue(
            images, draw("saturation", 1.0 - saturation, 1.0 + saturation) if saturation else None,
            draw("hue", -hue, hue) if hue else None)
    if greyscale:
        images = colour.greyscale(images, draw("greyscale") < greyscale)
    if blur:
        images = colour.blur(images, draw("blur", 0.0, blur))
    return images


def _draw(images, seed, name, low=0.0, high=1.0):
    """Amounts [N], one for each image."""
    stream = tf.random.experimental.stateless_fold_in(seed, _OPERATIONS.index(name))
    return tf.random.stateless_uniform(tf.shape(images)[:1], stream, minval=low, maxval=high)

"""Changes of brightness and colour, each image of a batch by an amount of its own.

All functions take and return float images [N, H, W, C] in [0, 1] and amounts [N]. Brightness, contrast,
saturation and hue are those of `tf.image`, which SimCLR uses; `tf.image` takes one amount for a whole batch.
"""

import tensorflow as tf

# Of red, green and blue in the brightness that people see (ITU-R BT.601), as in tf.image.
_GREY_WEIGHTS = (0.2989, 0.587, 0.114)


def gamma(images, powers):
    """Raises the intensities to a power above 0: below 1 brightens, black and white stay."""
    # exp(power * log(x)), where 0 stays 0: five times as fast as tf.pow on a CPU.
    return tf.exp(tf.math.log(images) * _each(powers))


def brightness(images, shifts):
    """Adds to the intensities."""
    return _clip(images + _each(shifts))


def contrast(images, factors):
    """Scales the distance of the intensities from each channel's mean, by 0 or more."""
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    return _clip(mean + (images - mean) * _each(factors))


def saturation_and_hue(images, factors, turns):
    """Scales the saturation and turns the hue of colour images, in one pass through HSV.

    Args:
        images: [N, H, W, 3] in [0, 1].
        factors: of the saturation, 0 or more [N]; None leaves it.
        turns: of the hue, 1 once around the colour circle [N]; None leaves it.
    """
    hue, saturation, value = tf.unstack(tf.image.rgb_to_hsv(images), axis=-1)
    if factors is not None:
        saturation = tf.minimum(saturation * factors[:, tf.newaxis, tf.newaxis], 1.0)
    if turns is not None:
        hue = tf.math.floormod(hue + turns[:, tf.newaxis, tf.newaxis], 1.0)
    return _clip(tf.image.hsv_to_rgb(tf.stack([hue, saturation, value], axis=-1)))


def greyscale(images, chosen):
    """Takes the colour out of the images [N, H, W, 3] that are `chosen`, bool [N]."""
    grey = tf.reduce_sum(images * tf.constant(_GREY_WEIGHTS), axis=-1, keepdims=True)
    return tf.where(_each(chosen), _clip(grey), images)


def blur(images, sigmas):
    """Smooths with a Gaussian of standard deviation `sigmas`, pixels, 0 or more.

    Near the border the kernel is cut off there and its weights are scaled to sum to one.
    """
    height, width = tf.unstack(tf.shape(images)[1:3])
    # A matrix for each image and direction: a convolution takes one kernel for the whole batch.
    rows = tf.einsum("nij,njwc->niwc", _gaussian(sigmas, height), images)
    return _clip(tf.einsum("nij,nhjc->nhic", _gaussian(sigmas, width), rows))


def _gaussian(sigmas, length):
    """[N, length, length]; row i holds the weights of the pixels that make pixel i."""
    places = tf.range(tf.cast(length, tf.float32))
    squares = tf.square(places[:, tf.newaxis] - places)
    # So narrow a kernel is a single pixel, and 0 / 0 does not arise.
    variances = tf.square(tf.maximum(sigmas, 1e-3))[:, tf.newaxis, tf.newaxis]
    weights = tf.exp(-squares / (2.0 * variances))
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)


def _each(amounts):
    return amounts[:, tf.newaxis, tf.newaxis, tf.newaxis]


def _clip(images):
    return tf.clip_by_value(images, 0.0, 1.0)

"""What the networks make of a fixed sample: what their copies in other formats are compared with."""

from typing import Dict, NamedTuple

import numpy as np
import tensorflow as tf

from eig_tf.models.base import Latents

# Of rows at once, which bounds the memory that large networks take.
_BATCH = 16
_LEAST_ROWS = 64

# How far float32 copies may be from the networks: 1/40 of a level of 255. Rounding alone makes less than
# 1e-5 of trained networks.
TOLERANCE = 1e-4


class Reference(NamedTuple):
    """A sample and what the Keras networks make of it, as NumPy arrays.

    Attributes:
        latents: what G took: `code` [N, K], `noise` [N, Z] and, when C > 0, `continuous` [N, C].
        images: G's, [N, H, W, channels] in [0, 1].
        recognized: Q's `probabilities` [N, K], `code` [N] and `feature` [N, 128] of these images.
    """

    latents: Dict[str, np.ndarray]
    images: np.ndarray
    recognized: Dict[str, np.ndarray]


def reference(model, seed=0):
    """Draws a sample and runs the networks on it.

    Noise and continuous codes are drawn as in training. The codes take turns: in a sample of the learned
    prior the rare ones would be missing.

    Args:
        model: an `InfoGAN` in float32.
        seed: of the sample.

    Returns:
        `Reference` of 64 rows, or of K where that is more.
    """
    num_codes = model.num_codes
    num = max(_LEAST_ROWS, num_codes)
    drawn = model.sample_latents(num, [seed, 0], tf.one_hot(tf.range(num) % num_codes, num_codes))
    images = _generated(model, drawn)
    latents = {name: values.numpy() for name, values in drawn._asdict().items() if values.shape[-1]}
    return Reference(latents, images, _recognized(model, images))


def batches(arrays):
    """Cuts a dictionary of arrays [N, ...] into dictionaries of a few rows each, in order."""
    num = len(next(iter(arrays.values())))
    return [{name: values[start:start + _BATCH] for name, values in arrays.items()}
            for start in range(0, num, _BATCH)]


def run(network, arrays):
    """What a function makes of a dictionary of arrays [N, ...], a few rows at a time.

    Args:
        network: from a dictionary of arrays to another.
        arrays: what it takes.

    Returns:
        A dictionary of NumPy arrays [N, ...].
    """
    results = [network(batch) for batch in batches(arrays)]
    return {name: np.concatenate([result[name] for result in results]) for name in results[0]}


def largest_difference(expected, images, recognized):
    """How far a copy's results are from the networks'.

    Args:
        expected: `Reference`.
        images: what the copied G makes of `expected.latents`.
        recognized: what the copied Q makes of `expected.images`.

    Returns:
        The largest difference among images, probabilities and, against the largest of them, features;
        NaN when there is one among the results.
    """
    scale = max(1.0, np.abs(expected.recognized["feature"]).max())
    return float(np.max([
        np.abs(images - expected.images).max(),
        np.abs(recognized["probabilities"] - expected.recognized["probabilities"]).max(),
        np.abs(recognized["feature"] - expected.recognized["feature"]).max() / scale]))


def check(what, difference):
    """Raises a `RuntimeError` unless the `difference` of `what` is at most `TOLERANCE`; NaN is not."""
    if not difference <= TOLERANCE:
        raise RuntimeError(f"{what} differ from the networks by {difference:.2g}; expected at most "
                           f"{TOLERANCE:.0e}")


def size_lines(sizes):
    """Bytes of files, by name, as lines of text."""
    width = max(map(len, sizes))
    return [f"{name:<{width}}  {size / 1e6:8.2f} MB" for name, size in sizes.items()]


def _generated(model, latents):
    def generate(batch):
        return {"images": (model.generate(Latents(**batch)) + 1.0) / 2.0}
    return run(generate, latents._asdict())["images"]


def _recognized(model, images):
    def recognize(batch):
        feature, logits, _ = model.encode(batch["images"] * 2.0 - 1.0)
        return {"probabilities": tf.nn.softmax(logits), "code": tf.argmax(logits, axis=-1),
                "feature": feature}
    return run(recognize, {"images": images})

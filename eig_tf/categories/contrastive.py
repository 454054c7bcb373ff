"""Contrastive training of the categorizer's encoder on real images, before any categories are known."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zipfile
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files, progress
from eig_tf.categories.categorizer import bound_delta, decaying_adam
from eig_tf.data import augment
from eig_tf.data.image_set import StoredImages
from eig_tf.data.pipeline import to_float
from eig_tf.models.losses import nt_xent_loss
from eig_tf.networks.categorizer import build_encoder, build_projection
from eig_tf.networks.precision import policy
from eig_tf.random_streams import Stream, stream_seed

_BATCH = 256
_RATE = 2e-3
_TEMPERATURE = 0.2
# Views that keep only what identifies an image (Chen et al. 2020, section 3). Each is at least as
# strong as the run's own delta. The blur is in pixels of images that were averaged down, see `average_down`.
_LEAST = {"zoom": 0.2, "brightness": 0.3, "contrast": 0.3, "gamma_max": 2.0, "blur": 0.5}
_MOST = {"crop": 0.8, "gamma_min": 0.5}
_OTHER_COLOURS = {"saturation": 0.5, "hue": 0.1, "greyscale": 0.2}


def contrastive_delta(delta: dict[str, Any], ignore_colours: bool) -> dict[str, Any]:
    """Return arguments of `augment.positive_view` for contrastive training.

    Args:
        delta: those of the run; rotation and mirroring stay as they are.
        ignore_colours: whether views differ in saturation and hue, so that features ignore them; colour
            images only.
    """
    return bound_delta(delta, {**_LEAST, **(_OTHER_COLOURS if ignore_colours else {})}, _MOST)


def load_or_train_encoder(path: str | os.PathLike, images: np.ndarray, delta: dict[str, Any], seed: int,
                          steps: int) -> keras.Model:
    """Return the encoder of `train_contrastive_encoder`, from a file if it was trained on the same before.

    A training that was interrupted later, or that is to find another number of categories, need not learn the
    features again.

    Args:
        path: an `.npz` file, which is replaced if it is damaged or was made from anything else.
        images, delta, seed, steps: see `train_contrastive_encoder`.

    Raises:
        OSError: the file cannot be written.
    """
    settings = json.dumps([delta, seed, steps, images.shape], sort_keys=True)
    key = hashlib.sha256(settings.encode() + images.tobytes()).hexdigest()
    # A file that is missing, damaged or of other images is replaced.
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), \
            np.load(path) as saved:
        if str(saved["key"]) == key:
            encoder = _build(images)
            encoder.set_weights([saved[f"weights_{index}"] for index in range(len(saved.files) - 1)])
            return encoder
    encoder = train_contrastive_encoder(images, delta, seed, steps)
    weights = {f"weights_{index}": value for index, value in enumerate(encoder.get_weights())}
    with files.replacing(path) as temporary:
        np.savez(temporary, key=key, **weights)
    return encoder


def train_contrastive_encoder(images: np.ndarray | StoredImages, delta: dict[str, Any], seed: int,
                              steps: int) -> keras.Model:
    """Train a categorizer's encoder with NT-Xent on two views of each image (SimCLR, Chen et al. 2020).

    The loss is that of equation 3, on the outputs of a projection that is not kept.

    Args:
        images: uint8 [N, H, W, C], N at least 2.
        delta: arguments of `augment.positive_view`, see `contrastive_delta`.
        seed: root of all randomness.
        steps: number of steps, with 256 images each, or all of them when there are fewer.

    Returns:
        The encoder; see `build_encoder`.
    """
    generator = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    with policy("float32"):
        encoder, projection = _build(images), build_projection()
        optimizer = decaying_adam(_RATE, steps)
    train_step = _make_train_step(encoder, projection, optimizer, delta)
    size = min(_BATCH, len(images))
    with progress.stage(f"learns features of {len(images):,} images", steps) as advance:
        for step in range(steps):
            batch = np.sort(generator.choice(len(images), size, replace=False))
            seeds = [stream_seed(seed, Stream.CONTRASTIVE, step, view) for view in range(2)]
            advance(values=[("loss", train_step(images[batch], seeds))])
    return encoder


def _build(images):
    height, width, channels = images.shape[1:]
    with policy("float32"):
        return build_encoder((height, width, channels))


def _make_train_step(encoder, projection, optimizer, delta):
    @tf.function
    def train_step(images, seeds):
        views = tf.concat([augment.positive_view(to_float(images), seed, **delta) for seed in seeds], axis=0)
        with tf.GradientTape() as tape:
            one, other = tf.split(projection(encoder(views, training=True), training=True), 2)
            loss = tf.reduce_mean(nt_xent_loss(one, other, _TEMPERATURE))
        variables = encoder.trainable_variables + projection.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss
    return train_step

"""The training of the categorizer by self-labelling, and its predictions for images."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files, progress
from eig_tf.data import augment
from eig_tf.data.image_set import StoredImages
from eig_tf.data.pipeline import to_float
from eig_tf.errors import UserError
from eig_tf.networks.categorizer import LARGEST_SIDE, build_categorizer
from eig_tf.networks.precision import policy
from eig_tf.random_streams import Stream, stream_seed

ROUNDS = 4
_BATCH = 128
_RATE = 1e-3
_LABEL_SMOOTHING = 0.1
# The images with the most confident pseudo-labels count fully; their share grows from this one to all of them
# over the rounds. The others have a small weight instead of none, so that a rare category is not lost.
_FIRST_SHARE, _UNSURE_WEIGHT = 0.5, 0.05
_AT_A_TIME = 500
_SINKHORN_ITERATIONS = 50
# At least this much of the operations that change no category; others are those of the run's own delta.
_LEAST, _MOST = {"zoom": 0.15, "contrast": 0.2}, {"crop": 0.9}


def train_categorizer(images: np.ndarray | StoredImages, first: np.ndarray, partition: np.ndarray,
                      num_categories: int, delta: dict[str, Any], seed: int, steps_per_round: int,
                      report: Callable[[str], None] = print, start: keras.Model | None = None
                      ) -> keras.Model:
    """Train a categorizer on a partition of some images, then on its own labels of all images.

    After each round, every image gets the label of the transport plan between images and categories that is
    nearest to the network's probabilities and keeps the categories' sizes near what they were (see
    `balance_probabilities`); the surest labels train the next round.

    Args:
        images: uint8 [N, H, W, C].
        first: int64 [n], indices of the images whose groups are given.
        partition: int64 [n], their groups, in [0, M).
        num_categories: M.
        delta: arguments of `augment.positive_view` that keep the identity of an image.
        seed: root of all randomness.
        steps_per_round: steps of 128 images between two labellings.
        report: called with a line of text after each round.
        start: an encoder whose weights are those to start from; random ones when None.

    Returns:
        The categorizer; see `build_categorizer`.
    """
    labels = np.zeros(len(images), np.int64)
    weights = np.zeros(len(images))
    labels[first], weights[first] = partition, 1.0
    sizes = np.bincount(partition, minlength=num_categories) / len(partition)
    generator = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    with policy("float32"):
        height, width, channels = images.shape[1:]
        categorizer = build_categorizer((height, width, channels), num_categories)
        if start is not None:
            keras.Model(categorizer.input, categorizer.outputs[0]).set_weights(start.get_weights())
        optimizer = decaying_adam(_RATE, ROUNDS * steps_per_round)
    train_step = _make_train_step(categorizer, optimizer, num_categories, strong_delta(delta))
    for round_number in range(ROUNDS):
        # Images of little weight are drawn rarely, instead of often with little weight.
        chances = weights / weights.sum()
        with progress.stage(None, steps_per_round) as advance:
            for step in range(steps_per_round):
                batch = generator.choice(len(images), _BATCH, p=chances)
                order, inverse = np.unique(batch, return_inverse=True)
                view_seed = stream_seed(seed, Stream.CATEGORIZER, round_number * steps_per_round + step)
                loss = train_step(images[order][inverse], labels[batch], view_seed)
                advance(values=[("loss", loss)])
        probabilities = categorize_in_batches(categorizer, images)
        sizes = (sizes + probabilities.mean(axis=0)) / 2
        balanced = balance_probabilities(probabilities, sizes).argmax(axis=1)
        changed = np.mean(balanced != labels) if round_number else np.mean(balanced[first] != partition)
        labels = balanced
        confidence = probabilities[np.arange(len(labels)), labels]
        share = _FIRST_SHARE + (1 - _FIRST_SHARE) * (round_number + 1) / ROUNDS
        weights = np.where(confidence >= np.quantile(confidence, 1 - share), 1.0, _UNSURE_WEIGHT)
        report(f"categorizer, round {round_number + 1}/{ROUNDS}: {100 * changed:.1f} % of the labels changed")
    return categorizer


def decaying_adam(rate: float, steps: int) -> keras.optimizers.Optimizer:
    """Return Adam whose learning rate falls from `rate` to 0 in `steps` steps, along half a cosine."""
    # On a GPU, Keras would compile the update with XLA first, and these trainings are short.
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps), jit_compile=False)


def strong_delta(delta: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of `augment.positive_view` that are at least as strong as those of a run."""
    return bound_delta(delta, _LEAST, _MOST)


def bound_delta(delta: dict[str, Any], least: dict[str, float], most: dict[str, float]) -> dict[str, Any]:
    """Return arguments of `augment.positive_view`, clipped to lower and upper bounds."""
    return {**delta, **{name: max(bound, delta.get(name, 0.0)) for name, bound in least.items()},
            **{name: min(bound, delta.get(name, 1.0)) for name, bound in most.items()}}


def balance_probabilities(probabilities: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the transport plan nearest to probabilities whose column sums follow given sizes.

    The plan minimizes KL(plan || probabilities) under the constraints that each row sums to one and the
    columns sum to N times `sizes`; Sinkhorn's iterations find it (Cuturi 2013; Asano et al. 2020).

    Args:
        probabilities: float [N, M], rows sum to one.
        sizes: float [M], which sum to one; a category of size zero gets nothing.

    Returns:
        float64 [N, M], rows sum to one.
    """
    plan = np.asarray(probabilities, np.float64) + 1e-12
    for _ in range(_SINKHORN_ITERATIONS):
        plan *= len(plan) * sizes / np.maximum(plan.sum(axis=0), 1e-300)
        plan /= plan.sum(axis=1, keepdims=True)
    return plan


def categorize_in_batches(categorizer: keras.Model, images: np.ndarray | StoredImages) -> np.ndarray:
    """Return the probabilities of the categories, float32 [N, M], of images uint8 [N, H, W, C], N > 0."""
    return np.concatenate([tf.nn.softmax(logits) for _, logits in _batch_outputs(categorizer, images)])


def embed_in_batches(categorizer: keras.Model, images: np.ndarray | StoredImages
                     ) -> tuple[np.ndarray, np.ndarray]:
    """Return a categorizer's features and predictions for images.

    Args:
        categorizer: see `build_categorizer`.
        images: uint8 [N, H, W, C], N at least 1.

    Returns:
        The features, float32 [N, F], and the probabilities of the categories, float32 [N, M].
    """
    features, logits = (np.concatenate(arrays) for arrays in zip(*_batch_outputs(categorizer, images)))
    return features, tf.nn.softmax(logits).numpy()


def encode_in_batches(encoder: keras.Model, images: np.ndarray | StoredImages) -> np.ndarray:
    """Return an encoder's features, float32 [N, F], of images uint8 [N, H, W, C], N at least 1."""
    return np.concatenate(list(_batch_outputs(encoder, images)))


def average_down(images: np.ndarray) -> np.ndarray:
    """Return uint8 images averaged down as a categorizer does, so that no step transforms large ones.

    Args:
        images: uint8 [N, H, W, C].
    """
    while images.shape[1] > LARGEST_SIDE:
        height, width = images.shape[1] // 2, images.shape[2] // 2
        halved = np.empty([len(images), height, width, images.shape[3]], np.uint8)
        for start in range(0, len(images), _AT_A_TIME):
            part = images[start:start + _AT_A_TIME, :2 * height, :2 * width].astype(np.float32)
            fours = part.reshape(len(part), height, 2, width, 2, -1)
            halved[start:start + len(part)] = np.rint(fours.mean(axis=(2, 4)))
        images = halved
    return images


def _batch_outputs(network, images):
    for start in range(0, len(images), _AT_A_TIME):
        yield network(to_float(images[start:start + _AT_A_TIME]), training=False)


def save_categorizer(categorizer: keras.Model, path: str | os.PathLike) -> None:
    """Write a categorizer as a `.keras` file, atomically."""
    with files.replacing(path) as temporary:
        categorizer.save(temporary)


def load_categorizer(path: str | os.PathLike) -> keras.Model:
    """Read what `save_categorizer` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, EOFError,
            zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path} cannot be read: {reason}; expected the network that "
                        "tools/find_categories.py writes") from None


def _make_train_step(categorizer, optimizer, num_categories, delta):
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=_LABEL_SMOOTHING)

    @tf.function
    def train_step(images, labels, seed):
        views = augment.positive_view(to_float(images), seed, **delta)
        with tf.GradientTape() as tape:
            logits = categorizer(views, training=True)[1]
            loss = smoothed(tf.one_hot(labels, num_categories), logits)
        variables = categorizer.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss
    return train_step

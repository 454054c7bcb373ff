"""The training of judges: a fixed number of steps on digits, early stopping on sets of few images."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import progress
from eig_tf.data import augment
from eig_tf.data.holdout import per_class_split
from eig_tf.data.image_set import ImageSet
from eig_tf.data.pipeline import gather, to_float

SEED = 0

# For 28x28 images.
STEPS = 2000
_DIGIT_BATCH = 128
_DIGIT_RATE = 1e-3

# For sets with few images. A round is the number of steps between two validations.
ROUNDS = 40
PATIENCE = 8
# A smaller decrease of the validation loss, in nats, does not count as an improvement.
_MIN_DELTA = 0.01
_BATCH = 64
_VALIDATION_SHARE = 0.15
_MIN_STEPS_PER_ROUND = 20
_RATE = 1e-3
_RATE_PRETRAINED = 1e-4
# Generated images are blurrier, cleaner or noisier than real ones, and the judge must still predict their
# classes. Stronger augmentation costs accuracy on faces.
_AUGMENTATION = {"rotation": 6.0, "zoom": 0.05, "crop": 0.95, "brightness": 0.1, "contrast": 0.15,
                 "blur": 0.7}
_NOISE = 0.02


def fit_digits(model: keras.Model, image_set: ImageSet) -> dict[str, Any]:
    """Train with Adam and cosine decay for a fixed number of steps, on slightly warped images.

    Args:
        model: images in [-1, 1] to logits.
        image_set: the images to train on.

    Returns:
        Details for the judge's report.
    """
    _compile(model, _DIGIT_RATE, STEPS, steps_per_execution=50)
    labels = tf.constant(image_set.labels)
    order = tf.data.Dataset.range(len(image_set.labels)).shuffle(len(image_set.labels), seed=SEED)

    def make_batch(step, indices):
        batch = to_float(gather(image_set.images, indices))
        seed = tf.stack([SEED, tf.cast(step, tf.int32)])
        return augment.positive_view(batch, seed), tf.gather(labels, indices)

    batches = order.repeat().batch(_DIGIT_BATCH).enumerate().map(make_batch).prefetch(tf.data.AUTOTUNE)
    model.fit(batches, steps_per_epoch=STEPS, verbose=int(progress.on_terminal()))
    return {"steps": STEPS}


def fit_few(model: keras.Model, image_set: ImageSet, mirrored: bool,
            pretrained: bool = False) -> dict[str, Any]:
    """Train with Adam and cosine decay on balanced, augmented batches, with early stopping.

    A part of every class is kept for validation. The final weights are those of the last round that
    decreased the validation loss by a hundredth of a nat or more. Sets too small to keep anything are
    validated on the training images.

    Args:
        model: images in [-1, 1] to logits.
        image_set: the images to train on.
        mirrored: whether an image and its mirror image are of the same class.
        pretrained: whether the model starts from pretrained weights, which take a smaller learning rate.

    Returns:
        Details for the judge's report.
    """
    train_indices, validation_indices = per_class_split(
        image_set.labels, SEED + 1, _VALIDATION_SHARE)
    training = image_set.subset(train_indices)
    validation = image_set.subset(validation_indices) if len(validation_indices) else training
    steps = max(_MIN_STEPS_PER_ROUND, -(-len(train_indices) // _BATCH))
    _compile(model, _RATE_PRETRAINED if pretrained else _RATE, steps * ROUNDS, steps_per_execution=steps)
    stopping = keras.callbacks.EarlyStopping(
        "val_loss", min_delta=_MIN_DELTA, patience=PATIENCE, restore_best_weights=True)
    with progress.stage(None, ROUNDS, "round") as advance:
        counting = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: advance())
        history = model.fit(_balanced_batches(training, steps * ROUNDS, mirrored), steps_per_epoch=steps,
                            epochs=ROUNDS, validation_data=_batches(validation),
                            callbacks=[stopping, counting], verbose=0).history
    # Keras restores the best weights only when it stops before the last round.
    model.set_weights(stopping.best_weights)
    return {"steps": steps * (stopping.best_epoch + 1), "num_validation": len(validation_indices),
            "validation_accuracy": round(float(history["val_accuracy"][stopping.best_epoch]), 4)}


def balanced_indices(labels: np.ndarray, seed: int) -> Iterator[int]:
    """Yield indices of images without end, from each class equally often.

    Args:
        labels: int [N], of C different classes.
        seed: seed of the order of the classes and of the images of each class.

    Yields:
        Indices into `labels`; every C in a row hold one image of each class.
    """
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    waiting: list[list[int]] = [[] for _ in members]
    while True:
        for label in generator.permutation(len(members)):
            if not waiting[label]:
                waiting[label] = generator.permutation(members[label]).tolist()
            yield waiting[label].pop()


def _compile(model, rate, steps, steps_per_execution):
    model.compile(
        optimizer=keras.optimizers.legacy.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"], steps_per_execution=steps_per_execution)


def _balanced_batches(image_set, num, mirrored):
    labels = tf.constant(image_set.labels)
    order = np.fromiter(itertools.islice(balanced_indices(image_set.labels, SEED), num * _BATCH), np.int64)

    def make_batch(step, indices):
        images = to_float(gather(image_set.images, indices))
        seed = tf.stack([SEED, tf.cast(step, tf.int32)])
        augmented = augment.positive_view(images, seed, flip=mirrored, **_AUGMENTATION)
        noise = _NOISE * tf.random.stateless_normal(tf.shape(augmented), seed)
        return augmented + noise, tf.gather(labels, indices)

    return tf.data.Dataset.from_tensor_slices(order.reshape(num, _BATCH)).enumerate().map(
        make_batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)


def _batches(image_set):
    labels = tf.constant(image_set.labels)
    return tf.data.Dataset.range(len(image_set.labels)).batch(_BATCH).map(
        lambda indices: (to_float(gather(image_set.images, indices)), tf.gather(labels, indices)))

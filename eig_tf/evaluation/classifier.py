"""The classifier that judges generated images: trained once a data set, then cached."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf import files
from eig_tf.data import augment
from eig_tf.data.holdout import per_class_split
from eig_tf.data.pipeline import gather, to_float
from eig_tf.errors import UserError
from eig_tf.networks.classifiers import small_cnn

BATCH_SIZE = 128
STEPS = 2000
LEARNING_RATE = 1e-3
SEED = 0
# Part of the cache's key: raise it when anything about the training above changes.
_RECIPE = 1
# Images read at a time, to be looked at and to be hashed.
_PREDICTED, _HASHED = 500, 1000
_WEIGHTS, _REPORT = "classifier.weights.h5", "report.json"


class Judge(NamedTuple):
    """A trained classifier and how far it can be trusted.

    Attributes:
        model: images in [-1, 1] to logits.
        report: `accuracy` on the held-out fifth of every class, and the image counts behind it.
    """

    model: keras.Model
    report: dict


def load_or_train(image_set, cache_dir, name):
    """The judge of a data set, from the cache or newly trained on four fifths of every class.

    Args:
        image_set: the whole data set, not a split of it.
        cache_dir: where judges are kept.
        name: the data set's name, for people who look into the cache.

    Returns:
        A `Judge`.

    Raises:
        UserError: what the cache holds is damaged.
        OSError: the cache cannot be written.
    """
    directory = Path(cache_dir).expanduser() / "classifiers" / f"{name}-{_digest(image_set)}"
    if not directory.exists():
        print(f"trains the evaluation classifier of {name} once; it is kept in {directory}")
        _store(train(image_set), directory)
    model = _build(image_set)
    try:
        model.load_weights(directory / _WEIGHTS)
        return Judge(model, json.loads((directory / _REPORT).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{directory} holds a classifier that cannot be read: {reason}; delete the "
                        "directory, and the classifier is trained anew") from None


def train(image_set):
    """Trains a judge: Adam with cosine decay for a fixed number of steps, on slightly warped images.

    Nothing is chosen on the held-out fifth; it is looked at once, at the end.

    Returns:
        A `Judge`.
    """
    train_indices, test_indices = per_class_split(image_set.labels, SEED)
    keras.utils.set_random_seed(SEED)
    model = _build(image_set)
    model.compile(
        optimizer=keras.optimizers.legacy.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"], steps_per_execution=50)
    model.fit(_labelled_batches(image_set.subset(train_indices)), steps_per_epoch=STEPS, verbose=0)
    predicted = predict(model, image_set.subset(test_indices).images)
    accuracy = float(np.mean(predicted == image_set.labels[test_indices]))
    return Judge(model, {"accuracy": round(accuracy, 4), "num_train": len(train_indices),
                         "num_test": len(test_indices), "steps": STEPS, "architecture": "2 conv + 2 FC"})


def predict(model, images):
    """The classes that the judge sees in uint8 images [N, H, W, C]: int64 [N]."""
    return np.concatenate([
        np.argmax(model(to_float(images[start:start + _PREDICTED]), training=False), axis=-1)
        for start in range(0, len(images), _PREDICTED)])


def _build(image_set):
    return small_cnn(image_set.image_shape, len(image_set.class_names))


def _labelled_batches(image_set):
    labels = tf.constant(image_set.labels)
    order = tf.data.Dataset.range(len(image_set.labels)).shuffle(len(image_set.labels), seed=SEED)

    def make_batch(step, indices):
        batch = to_float(gather(image_set.images, indices))
        seed = tf.stack([SEED, tf.cast(step, tf.int32)])
        return augment.positive_view(batch, seed), tf.gather(labels, indices)

    return order.repeat().batch(BATCH_SIZE).enumerate().map(make_batch).prefetch(tf.data.AUTOTUNE)


def _store(judge, directory):
    """Puts a judge into the cache, whole; of two processes that trained the same one, the first wins."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        judge.model.save_weights(temporary / _WEIGHTS)
        files.write_json(judge.report, temporary / _REPORT)
        if not directory.exists():
            os.rename(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _digest(image_set):
    content = hashlib.sha256(f"{_RECIPE} {image_set.images.shape} {image_set.class_names}".encode())
    for start in range(0, len(image_set.images), _HASHED):
        content.update(image_set.images[start:start + _HASHED].tobytes())
    content.update(image_set.labels.tobytes())
    return content.hexdigest()[:16]

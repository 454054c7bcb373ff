"""The classifier that judges generated images: trained once a data set, then cached."""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np
from tensorflow import keras

from eig_tf import files
from eig_tf.config import image_shape
from eig_tf.data.holdout import per_class_split
from eig_tf.data.pipeline import to_float
from eig_tf.errors import UserError
from eig_tf.evaluation.judge import classifier_training, pretrained
from eig_tf.networks.classifiers import ARCHITECTURES

_DIGITS = (28, 28)
# Part of the cache's key: raise it when anything about the training of its kind changes.
_DIGITS_VERSION, _FEW_VERSION = 1, 1
# Images read at a time, to be looked at and to be hashed.
_PREDICTED, _HASHED = 500, 1000
_WEIGHTS, _REPORT = "classifier.weights.h5", "report.json"


class Recipe(NamedTuple):
    """What is trained, and from what.

    Attributes:
        architecture: a name in `networks.classifiers.ARCHITECTURES`.
        mirrored: whether an image swapped left to right is of the same class.
        weights: a file of Keras weights that the ResNet-50 starts from, or None.
    """

    architecture: str
    mirrored: bool = False
    weights: Optional[str] = None


class TrainedClassifier(NamedTuple):
    """A trained classifier and how far it can be trusted.

    Attributes:
        model: images in [-1, 1] to logits.
        report: its architecture, `accuracy` on the held-out fifth of every class, the image counts
            behind it, and what its training says of itself.
        directory: where it is kept; None for one that `train` returns.
        trained_before: whether it was there already.
    """

    model: keras.Model
    report: dict
    directory: Optional[Path] = None
    trained_before: bool = False


def choose(config, architecture=None, weights=None):
    """The recipe of a run: the paper's networks, or a small one for 28x28 images and the `cpu` presets.

    Args:
        config: see `eig_tf.config`.
        architecture: the one to take all the same.
        weights: a file of Keras weights that the ResNet-50 starts from, or None.

    Returns:
        A `Recipe`.

    Raises:
        UserError: there is no such architecture, or the weights are given for another one than they fit.
    """
    small = image_shape(config)[:2] == _DIGITS or config.preset == "cpu"
    architecture = architecture or ("small_cnn" if small else "resnet50")
    if architecture not in ARCHITECTURES:
        raise UserError(f"--classifier is {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")
    if weights is not None and architecture != "resnet50":
        raise UserError(f"--pretrained_weights is given, but the classifier is {architecture}; expected "
                        "--classifier=resnet50 with it")
    return Recipe(architecture, bool(config.augment.flip), weights)


def load_or_train(image_set, cache_dir, name, recipe):
    """The classifier of a data set, from the cache or newly trained on four fifths of every class.

    Args:
        image_set: the whole data set, not a split of it.
        cache_dir: where classifiers are kept.
        name: the data set's name, for people who look into the cache.
        recipe: see `choose`.

    Returns:
        A `TrainedClassifier`.

    Raises:
        UserError: the images have not two classes or none to hold out, the pretrained weights do not
            fit, or what the cache holds is damaged.
        OSError: the cache cannot be written.
    """
    check_images(image_set)
    directory = find(image_set, cache_dir, name, recipe)
    trained_before = directory.exists()
    if not trained_before:
        print(f"trains the evaluation classifier of {name} ({recipe.architecture}) once; it is kept in "
              f"{directory}", flush=True)
        _store(train(image_set, recipe), directory)
    model = _build(image_set, recipe)
    try:
        model.load_weights(directory / _WEIGHTS)
        report = json.loads((directory / _REPORT).read_text(encoding="utf-8"))
        # Classifiers of digits were once stored under another name of the same network.
        report = {**report, "architecture": recipe.architecture}
        return TrainedClassifier(model, report, directory, trained_before)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{directory} holds a classifier that cannot be read: {reason}; delete the "
                        "directory, and the classifier is trained anew") from None


def check_images(image_set):
    """Raises a `UserError` unless the images have two classes or more and some to hold out."""
    if len(image_set.class_names) < 2:
        found = f"one class, {image_set.class_names[0]}" if image_set.class_names else "no labels"
        raise UserError(f"{image_set.source}: the images have {found}; evaluation compares codes with two "
                        "classes or more (tools/categorize.py needs none)")
    check_held_out(image_set)


def check_held_out(image_set):
    """Raises a `UserError` unless a fifth of some class can be held out."""
    # `holdout.per_class_split` holds a fifth out, rounded to whole images: none of two.
    if image_set.class_counts().max() < 3:
        raise UserError(f"{image_set.source}: no class has more than {image_set.class_counts().max()} images "
                        "to evaluate on; expected 3 or more of one, to hold a fifth out")


def find(image_set, cache_dir, name, recipe):
    """The directory of a classifier in the cache, whether it is there or not.

    Raises:
        UserError: the file of pretrained weights cannot be read.
    """
    digest = _digest(image_set, recipe)
    return Path(cache_dir).expanduser() / "classifiers" / f"{name}-{digest}"


def train(image_set, recipe):
    """Trains a classifier on four fifths of every class.

    Nothing is chosen on the held-out fifth; it is looked at once, at the end.

    Returns:
        A `TrainedClassifier`.

    Raises:
        UserError: the pretrained weights do not fit.
    """
    train_indices, test_indices = per_class_split(image_set.labels, classifier_training.SEED)
    keras.utils.set_random_seed(classifier_training.SEED)
    model = _build(image_set, recipe)
    said = {}
    if recipe.weights is not None:
        said = pretrained.load(model, recipe.weights)
    training_set = image_set.subset(train_indices)
    if _is_of_digits(image_set, recipe):
        said.update(classifier_training.fit_digits(model, training_set))
    else:
        said.update(classifier_training.fit_few(
            model, training_set, recipe.mirrored, pretrained=recipe.weights is not None))
    right = predict(model, image_set.subset(test_indices).images) == image_set.labels[test_indices]
    return TrainedClassifier(model, {
        "architecture": recipe.architecture, "accuracy": round(float(np.mean(right)), 4),
        "num_train": len(train_indices), "num_test": len(test_indices), **said,
        "accuracy_of_classes": _accuracy_of_classes(right, image_set, test_indices)})


def predict(model, images):
    """The classes that the classifier sees in uint8 images [N, H, W, C]: int64 [N]."""
    return np.concatenate([
        np.argmax(model(to_float(images[start:start + _PREDICTED]), training=False), axis=-1)
        for start in range(0, len(images), _PREDICTED)])


def _accuracy_of_classes(right, image_set, indices):
    """Class name to share of its held-out images that are right; classes with none are left out."""
    labels = image_set.labels[indices]
    return {name: round(float(np.mean(right[labels == label])), 4)
            for label, name in enumerate(image_set.class_names) if np.any(labels == label)}


def _is_of_digits(image_set, recipe):
    return recipe.architecture == "small_cnn" and image_set.image_shape[:2] == _DIGITS


def _build(image_set, recipe):
    return ARCHITECTURES[recipe.architecture](image_set.image_shape, len(image_set.class_names))


def _store(trained, directory):
    """Puts a classifier into the cache, whole; of two processes that trained the same one, the first wins."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        trained.model.save_weights(temporary / _WEIGHTS)
        files.write_json(trained.report, temporary / _REPORT)
        if not directory.exists():
            os.rename(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _digest(image_set, recipe):
    if _is_of_digits(image_set, recipe):
        key = f"{_DIGITS_VERSION}"
    else:
        weights = "" if recipe.weights is None else pretrained.digest(recipe.weights)
        key = f"{_FEW_VERSION} {recipe.architecture} {recipe.mirrored} {weights}"
    content = hashlib.sha256(f"{key} {image_set.images.shape} {image_set.class_names}".encode())
    for start in range(0, len(image_set.images), _HASHED):
        content.update(image_set.images[start:start + _HASHED].tobytes())
    content.update(image_set.labels.tobytes())
    return content.hexdigest()[:16]

"""The judge: the classifier that predicts the classes of generated images, trained once for each data set."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import files, progress
from eig_tf.config import image_shape
from eig_tf.data.holdout import per_class_split
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.data.pipeline import to_float
from eig_tf.errors import UserError
from eig_tf.evaluation.judge import pretrained, training
from eig_tf.evaluation.paper import published_judge_accuracy
from eig_tf.networks.classifiers import ARCHITECTURES

_DIGITS = (28, 28)
# Part of the cache key: raise it when anything about the training of its kind changes.
_DIGITS_VERSION, _FEW_VERSION = 1, 1
# Number of images that are read at a time to be classified and to be hashed.
_PREDICTED, _HASHED = 500, 1000
_WEIGHTS, _REPORT = "classifier.weights.h5", "report.json"
# Number of classes that a report names.
_WORST = 5


class Recipe(NamedTuple):
    """What is trained, and from which weights.

    Attributes:
        architecture: a name in `networks.classifiers.ARCHITECTURES`.
        mirrored: whether an image and its mirror image are of the same class.
        weights: file of Keras weights that the ResNet-50 starts from, or None.
    """

    architecture: str
    mirrored: bool = False
    weights: str | None = None


class TrainedJudge(NamedTuple):
    """A trained judge and how reliable it is.

    Attributes:
        model: images in [-1, 1] to logits.
        report: architecture, `accuracy` on the held-out fifth of every class, the number of images behind
            it, `accuracy_of_classes`, and details of the training.
        directory: its place in the cache; None when it is not there.
        trained_before: whether it was in the cache already.
    """

    model: keras.Model
    report: dict[str, Any]
    directory: Path | None = None
    trained_before: bool = False

    def predict_classes(self, images: np.ndarray | StoredImages) -> np.ndarray:
        """Return the predicted classes, int64 [N], of uint8 images [N, H, W, C]."""
        return np.concatenate([
            np.argmax(self.model(to_float(images[start:start + _PREDICTED]), training=False), axis=-1)
            for start in range(0, len(images), _PREDICTED)])


def choose_recipe(config: config_dict.ConfigDict, architecture: str | None = None,
                  weights: str | None = None) -> Recipe:
    """Return the recipe of a run's judge: the paper's networks, or a small one for the `cpu` presets.

    Args:
        config: see `eig_tf.config`.
        architecture: architecture to use instead of the config's, or None.
        weights: file of Keras weights that the ResNet-50 starts from, or None.

    Raises:
        UserError: there is no such architecture, or weights are given for another one than the ResNet-50.
    """
    small = image_shape(config)[:2] == _DIGITS or config.preset == "cpu"
    architecture = architecture or ("small_cnn" if small else "resnet50")
    if architecture not in ARCHITECTURES:
        raise UserError(f"--classifier is {architecture!r}; expected one of {', '.join(ARCHITECTURES)}")
    if weights is not None and architecture != "resnet50":
        raise UserError(f"--pretrained_weights is given, but the classifier is {architecture}; expected "
                        "--classifier=resnet50 with it")
    return Recipe(architecture, bool(config.augment.flip), weights)


def load_or_train_judge(image_set: ImageSet, cache_dir: str | os.PathLike, name: str,
                        recipe: Recipe) -> TrainedJudge:
    """Load the judge of a data set from the cache, after training it when it is not there.

    A second process that needs the same judge waits for the first.

    Args:
        image_set: the whole data set, not a split of it. Images without a label are not used.
        cache_dir: directory of the cache.
        name: name of the data set, a part of the directory's name.
        recipe: see `choose_recipe`.

    Raises:
        UserError: the images do not have two classes or have none to hold out, the pretrained weights do
            not fit, the cache is damaged, or its file system has no locks.
        OSError: the cache cannot be written.
    """
    check_classes(image_set)
    image_set = image_set.labelled()
    directory = judge_directory(image_set, cache_dir, name, recipe)
    trained_before = directory.exists()
    if not trained_before:
        directory.parent.mkdir(parents=True, exist_ok=True)
        waiting = f"waits for another process that trains the evaluation classifier in {directory}"
        with files.locked(directory.with_name(f"{directory.name}.lock"), waiting):
            trained_before = directory.exists()
            if not trained_before:
                print(f"training the evaluation classifier of {name} ({recipe.architecture}), once; it is "
                      f"kept in {directory}", flush=True)
                save_judge(train_judge(image_set, recipe), directory)
    model = _build(image_set, recipe)
    try:
        model.load_weights(directory / _WEIGHTS)
        report = json.loads((directory / _REPORT).read_text(encoding="utf-8"))
        # Judges of digits were once stored under another name of the same architecture.
        report = {**report, "architecture": recipe.architecture}
        return TrainedJudge(model, report, directory, trained_before)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{directory} holds a classifier that cannot be read: {reason}; delete the "
                        "directory to train it again") from None


def check_classes(image_set: ImageSet) -> None:
    """Raise a `UserError` unless the images have two classes or more and a fifth of one can be held out."""
    if len(image_set.class_names) < 2:
        found = f"one class, {image_set.class_names[0]}" if image_set.class_names else "no labels"
        raise UserError(f"{image_set.source}: the images have {found}; evaluation compares codes with two "
                        "classes or more (tools/categorize.py needs none)")
    # A fifth of two images rounds to none.
    if image_set.class_counts().max() < 3:
        raise UserError(f"{image_set.source}: no class has more than {image_set.class_counts().max()} images "
                        "to evaluate on; expected 3 or more of one, to hold a fifth out")


def judge_directory(image_set: ImageSet, cache_dir: str | os.PathLike, name: str, recipe: Recipe) -> Path:
    """Return the directory of a judge in the cache, whether it exists or not.

    Raises:
        UserError: the file of pretrained weights cannot be read.
    """
    digest = _digest(image_set, recipe)
    return Path(cache_dir).expanduser() / "classifiers" / f"{name}-{digest}"


def train_judge(image_set: ImageSet, recipe: Recipe) -> TrainedJudge:
    """Train a judge on four fifths of every class; the held-out fifth is used once, for its accuracy.

    Raises:
        UserError: the pretrained weights do not fit.
    """
    train_indices, test_indices = per_class_split(image_set.labels, training.SEED)
    keras.utils.set_random_seed(training.SEED)
    model = _build(image_set, recipe)
    details = {}
    if recipe.weights is not None:
        details = pretrained.load_pretrained_weights(model, recipe.weights)
    training_set = image_set.subset(train_indices)
    if _is_of_digits(image_set, recipe):
        details.update(training.fit_digits(model, training_set))
    else:
        details.update(training.fit_few(
            model, training_set, recipe.mirrored, pretrained=recipe.weights is not None))
    with progress.stage(f"classifies {len(test_indices):,} held-out images"):
        predicted = TrainedJudge(model, {}).predict_classes(image_set.subset(test_indices).images)
    correct = predicted == image_set.labels[test_indices]
    return TrainedJudge(model, {
        "architecture": recipe.architecture, "accuracy": round(float(np.mean(correct)), 4),
        "num_train": len(train_indices), "num_test": len(test_indices), **details,
        "accuracy_of_classes": accuracy_of_classes(
            correct, image_set.labels[test_indices], image_set.class_names)})


def accuracy_of_classes(correct: np.ndarray, labels: np.ndarray,
                        class_names: tuple[str, ...]) -> dict[str, float]:
    """Return the share of correct predictions for each class that has any, by name.

    Args:
        correct: bool [N], whether the prediction is correct.
        labels: int [N].
        class_names: names of the classes.
    """
    return {name: round(float(np.mean(correct[labels == label])), 4)
            for label, name in enumerate(class_names) if np.any(labels == label)}


def save_judge(trained: TrainedJudge, directory: Path) -> None:
    """Write a judge to the cache, atomically; the first of two processes that trained the same one wins."""
    with files.replacing_directory(directory) as temporary:
        trained.model.save_weights(temporary / _WEIGHTS)
        files.write_json(trained.report, temporary / _REPORT)


def describe_judge(report: dict[str, Any]) -> str:
    """Return a judge's report in a few words: `resnet50 from vggface2.h5, 384 images`."""
    origin = f" from {report['pretrained_weights']}" if "pretrained_weights" in report else ""
    return f"{report['architecture']}{origin}, {report['num_test']} images"


def judge_warnings(report: dict[str, Any], dataset: str) -> list[str]:
    """Return a line that warns of a judge less accurate than the paper's, or no lines.

    Args:
        report: see `TrainedJudge`.
        dataset: name of the data set.
    """
    published = published_judge_accuracy(dataset)
    if published is None or report["accuracy"] >= published:
        return []
    return [f"warning: the classifier's accuracy on held-out images is {report['accuracy']:.4f}, below the "
            f"paper's {published:.2f}; metrics marked [classifier] are no more reliable than that"]


def format_judge_report(report: dict[str, Any], dataset: str) -> list[str]:
    """Return the lines of a judge's report: accuracy, the worst classes, and any warning.

    Args:
        report: see `TrainedJudge`.
        dataset: name of the data set.
    """
    lines = [f"classifier   {describe_judge(report)}, trained on {report['num_train']}",
             f"accuracy     {report['accuracy']:.4f} on the held-out fifth of every class"]
    # Judges of digits that an earlier version stored lack the accuracy of each class.
    by_class = sorted(report.get("accuracy_of_classes", {}).items(), key=lambda item: item[1])
    worst = [f"{name} {accuracy:.3f}" for name, accuracy in by_class if accuracy < 1.0]
    if worst:
        lines.append(f"worst        {', '.join(worst[:_WORST])}")
    return lines + judge_warnings(report, dataset)


def _is_of_digits(image_set: ImageSet, recipe: Recipe) -> bool:
    return recipe.architecture == "small_cnn" and image_set.image_shape[:2] == _DIGITS


def _build(image_set: ImageSet, recipe: Recipe) -> keras.Model:
    return ARCHITECTURES[recipe.architecture](image_set.image_shape, len(image_set.class_names))


def _digest(image_set: ImageSet, recipe: Recipe) -> str:
    if _is_of_digits(image_set, recipe):
        key = f"{_DIGITS_VERSION}"
    else:
        weights = "" if recipe.weights is None else pretrained.file_digest(recipe.weights)
        key = f"{_FEW_VERSION} {recipe.architecture} {recipe.mirrored} {weights}"
    content = hashlib.sha256(f"{key} {image_set.images.shape} {image_set.class_names}".encode())
    for start in range(0, len(image_set.images), _HASHED):
        content.update(image_set.images[start:start + _HASHED].tobytes())
    content.update(image_set.labels.tobytes())
    return content.hexdigest()[:16]

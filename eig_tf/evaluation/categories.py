"""Real images sorted by the learned categories: a table, a figure, and the number of images of each code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.evaluation import categories_table
from eig_tf.figures.image_grid import draw_categories
from eig_tf.figures.page import figure_style, save_figure
from eig_tf.models.base import GenerativeModel
from eig_tf.models.sampling import BATCH, encode_in_batches
from eig_tf.runs.run_directory import RunDirectory

_SURE = 10


class Categories(NamedTuple):
    """The codes of a set of images.

    Attributes:
        codes: int64 [N], the most probable code of each image, in [0, K).
        probabilities: float64 [N], the encoder's probability of that code, in [1 / K, 1].
        prior: float64 [K], the model's distribution of the codes.
        learned: whether that distribution was learned; otherwise it is fixed.
    """

    codes: np.ndarray
    probabilities: np.ndarray
    prior: np.ndarray
    learned: bool

    def counts(self) -> np.ndarray:
        """Return the number of images of each code, int64 [K]."""
        return np.bincount(self.codes, minlength=len(self.prior))

    def by_size(self) -> np.ndarray:
        """Return all codes [K], the one with the most images first and ties in ascending order."""
        return np.argsort(-self.counts(), kind="stable")

    def surest(self, code: int, num: int = _SURE) -> np.ndarray:
        """Return the indices of at most `num` images of a code, the most probable first."""
        members = np.flatnonzero(self.codes == code)
        return members[np.argsort(-self.probabilities[members], kind="stable")[:num]]


def categorize(run_dir: str | os.PathLike, output: Path, images: str | os.PathLike | None = None,
               data_dir: str | os.PathLike | None = None,
               cache_dir: str | os.PathLike | None = None) -> tuple[ImageSet, Categories]:
    """Sort images by the categories of a run's last checkpoint; write a table and a figure.

    Args:
        run_dir: the run directory.
        output: the CSV file; the figure is a PNG beside it.
        images: a folder of images, see `eig_tf.data.loaders.folder`; when None, all images of the run's own
            data set, also those that an imbalanced run was not trained on.
        data_dir: directory of the run's own data set; that of the training when None.
        cache_dir: directory of decoded sets; the user's cache directory when None.

    Returns:
        The images and their categories.

    Raises:
        UserError: there is no run or no checkpoint, the images cannot be loaded, or the run diverged.
        OSError: a file cannot be written.
    """
    directory = RunDirectory(run_dir)
    config, model, _ = directory.restore_model()
    if images is None:
        image_set = registry.load(
            config, data_dir or directory.load_environment().data_dir, cache_dir)
    else:
        image_set = registry.load(folder_config(config), images, cache_dir)
    categories = categorize_images(model, image_set.images)
    # Nested, so that neither file is replaced before both are written.
    with files.replacing(output) as table, files.replacing(figure_path(output)) as figure:
        write_csv(image_set, categories, table)
        with figure_style():
            examples = [categories.surest(code) for code in range(len(categories.prior))]
            save_figure(draw_categories(image_set.images, categories.counts(), examples), figure)
    return image_set, categories


def folder_config(config: config_dict.ConfigDict) -> config_dict.ConfigDict:
    """Return the config that reads a folder of images in the shape and with the resizing of a run's own."""
    other = config_lib.load_preset("folder")
    size, _, channels = config_lib.image_shape(config)
    other.data.image_size, other.data.channels = size, channels
    other.data.resize = config.data.get("resize", other.data.resize)
    return other


def figure_path(output: Path) -> Path:
    """Return the path of the figure that belongs to a table."""
    return output.with_suffix(".png")


def categorize_images(model: GenerativeModel, images: np.ndarray | StoredImages,
                      batch_size: int = BATCH) -> Categories:
    """Return the categories of images, in inference mode; one batch of them is in memory at a time.

    Args:
        model: the model.
        images: uint8 [N, H, W, C], N at least 1.
        batch_size: number of images in a batch.
    """
    codes, probabilities = [], []
    progress = keras.utils.Progbar(len(images), verbose=int(sys.stdout.isatty()), unit_name="image")
    for encoding in encode_in_batches(model, images, batch_size):
        # In float32 many images would have probability one, and could not be ordered.
        logits = encoding.code_logits.astype(np.float64)
        codes.append(np.argmax(logits, axis=-1))
        probabilities.append(1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
        progress.add(len(logits))
    return Categories(np.concatenate(codes), np.concatenate(probabilities),
                      np.asarray(model.prior.probabilities, np.float64), model.prior.learned)


def write_csv(image_set: ImageSet, categories: Categories, path: Path) -> None:
    """Write a row for each image: file (index where there are no files), code, probability and any class.

    Args:
        image_set: the images.
        categories: their categories.
        path: the CSV file, UTF-8 except for the bytes of file names, which are written unchanged.
    """
    names = range(len(image_set.images)) if image_set.names is None else image_set.names
    classes = None
    if image_set.labels is not None:
        classes = (image_set.class_names[label] for label in image_set.labels)
    categories_table.write(path, names, categories.codes, categories.probabilities, classes)


def format_categories(categories: Categories) -> str:
    """Return the number and share of the images of each code beside its prior, the largest first, as text."""
    counts = categories.counts()
    prior = "learned prior" if categories.learned else "fixed prior"
    lines = [f"code  {'images':>9}  {'share':>7}  {prior:>13}"]
    lines += [f"{code:>4}  {counts[code]:>9,}  {_percent(counts[code] / len(categories.codes)):>7}  "
              f"{_percent(categories.prior[code]):>13}" for code in categories.by_size()]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

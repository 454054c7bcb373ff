"""Real images sorted by the categories of a run: a table, a figure, and the size of each category.

A run whose codes are grouped has categories of its own, which its categorizer finds in images. For any other
run each code is a category.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files, progress
from eig_tf.categories.categorizer import categorize_in_batches
from eig_tf.categories.discovery import Discovery
from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.evaluation import categories_table
from eig_tf.evaluation.decisions import Decisions, load_decisions, run_identifier
from eig_tf.figures.image_grid import draw_categories
from eig_tf.figures.page import figure_style, save_figure
from eig_tf.models.base import GenerativeModel
from eig_tf.models.sampling import BATCH, encode_in_batches
from eig_tf.runs.category_files import load_categories
from eig_tf.runs.run_directory import RunDirectory

_SURE = 10


class Categories(NamedTuple):
    """The categories and codes of N images. Without a grouping of the K codes, each code is a category.

    Attributes:
        categories: int64 [N], the most probable category of each image, in [0, M).
        probabilities: float64 [N], the probability of that category, in [1 / M, 1].
        codes: int64 [N], the code that the encoder finds most probable, in [0, K).
        code_probabilities: float64 [N], the encoder's probability of that code, in [1 / K, 1].
        prior: float64 [M], the mass of each category in the model's distribution of the codes.
        learned: whether that distribution was learned; otherwise it is fixed.
        grouped: whether categories are groups of codes; otherwise they are the codes.
    """

    categories: np.ndarray
    probabilities: np.ndarray
    codes: np.ndarray
    code_probabilities: np.ndarray
    prior: np.ndarray
    learned: bool
    grouped: bool = False

    @property
    def noun(self) -> str:
        """What a category is called: `category`, or `code` without a grouping."""
        return "category" if self.grouped else "code"

    def counts(self) -> np.ndarray:
        """Return the number of images of each category, int64 [M]."""
        return np.bincount(self.categories, minlength=len(self.prior))

    def by_size(self) -> np.ndarray:
        """Return all categories [M], the one with the most images first and ties in ascending order."""
        return np.argsort(-self.counts(), kind="stable")

    def surest(self, category: int, num: int = _SURE) -> np.ndarray:
        """Return the indices of at most `num` images of a category, the most probable first."""
        members = np.flatnonzero(self.categories == category)
        return members[np.argsort(-self.probabilities[members], kind="stable")[:num]]

    def merge(self, merged_into: np.ndarray) -> Categories:
        """Return the images with merged categories instead of others; codes become categories.

        The probability of an image stays that of its category before.

        Args:
            merged_into: int64 [M], see `decisions.Decisions`.
        """
        prior = np.bincount(merged_into, weights=self.prior, minlength=len(self.prior))
        return self._replace(categories=merged_into[self.categories], prior=prior, grouped=True)


def categorize(run_dir: str | os.PathLike, output: Path, images: str | os.PathLike | None = None,
               data_dir: str | os.PathLike | None = None, cache_dir: str | os.PathLike | None = None,
               decisions_path: str | os.PathLike | None = None, recursive: bool = False
               ) -> tuple[ImageSet, Categories, list[str]]:
    """Sort images by the categories of a run's last checkpoint; write a table and a figure.

    Args:
        run_dir: the run directory.
        output: the CSV file; the figure is a PNG beside it.
        images: a folder, list or archive of images, see `eig_tf.data.loaders.folder`; when None, all images
            of the run's own data set, also those that an imbalanced run was not trained on.
        data_dir: directory of the run's own data set; that of the training when None.
        cache_dir: directory of decoded sets; the user's cache directory when None.
        decisions_path: decisions on the categories, see `load_decisions`; None for none.
        recursive: whether `images` are taken at any depth, also beside sub-folders.

    Returns:
        The images, their categories, and sentences for people, on files that were left out for example.

    Raises:
        UserError: there is no run or no checkpoint, the images cannot be loaded, the files of the categories
            are damaged, the decisions are damaged or of another run, or the run diverged.
        OSError: a file cannot be written.
    """
    directory = RunDirectory(run_dir)
    config, model, epochs = directory.restore_model()
    notes: list[str] = []
    discovery = load_categories(directory, model, epochs, notes)
    decisions = None
    if decisions_path is not None:
        num_categories = discovery.grouping.num_categories if discovery else model.num_codes
        identifier = run_identifier(directory, grouped=discovery is not None)
        decisions = load_decisions(decisions_path, identifier, epochs, num_categories)
    if images is None:
        image_set = registry.load(
            config, data_dir or directory.load_environment().data_dir, cache_dir)
    else:
        options = folder_config(config)
        # Files that cannot be read are named in a note: nothing is trained on what is left.
        options.data.recursive, options.data.max_unreadable = recursive, 1.0
        image_set = registry.load(options, images, cache_dir)
    categories = categorize_images(model, image_set.images, discovery)
    if decisions is not None:
        categories = categories.merge(decisions.merged_into)
    # Nested, so that neither file is replaced before both are written.
    with files.replacing(output) as table, files.replacing(figure_path(output)) as figure:
        write_csv(image_set, categories, table, decisions)
        with figure_style():
            examples = [categories.surest(category) for category in range(len(categories.prior))]
            save_figure(draw_categories(image_set.images, categories.counts(), examples,
                                        categories.prior if categories.grouped else None), figure)
    return image_set, categories, [*image_set.notes, *notes]


def folder_config(config: config_dict.ConfigDict) -> config_dict.ConfigDict:
    """Return the config that reads a folder of images in the shape and with the resizing of a run's own."""
    other = config_lib.load_preset("folder")
    size, _, channels = config_lib.image_shape(config)
    other.data.image_size, other.data.channels = size, channels
    for name in ("resize", "stretch_contrast"):
        other.data[name] = config.data.get(name, other.data[name])
    return other


def figure_path(output: Path) -> Path:
    """Return the path of the figure that belongs to a table."""
    return output.with_suffix(".png")


def categorize_images(model: GenerativeModel, images: np.ndarray | StoredImages,
                      discovery: Discovery | None = None, batch_size: int = BATCH) -> Categories:
    """Return the categories of images, in inference mode; one batch of them is in memory at a time.

    Args:
        model: the model.
        images: uint8 [N, H, W, C], N at least 1.
        discovery: the grouping of the model's codes and the categorizer; None if each code is a category.
        batch_size: number of images in a batch of the encoder.
    """
    found, found_probabilities = [], []
    with progress.stage(f"encodes {len(images):,} images", len(images), "image") as advance:
        for encoding in encode_in_batches(model, images, batch_size):
            # In float32 many images would have probability one, and could not be ordered.
            logits = encoding.code_logits.astype(np.float64)
            found.append(np.argmax(logits, axis=-1))
            found_probabilities.append(1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
            advance(len(logits))
    codes, code_probabilities = np.concatenate(found), np.concatenate(found_probabilities)
    prior, learned = np.asarray(model.prior.probabilities, np.float64), model.prior.learned
    if discovery is None:
        return Categories(codes, code_probabilities, codes, code_probabilities, prior, learned)
    with progress.stage(f"categorizes {len(images):,} images"):
        by_category = categorize_in_batches(discovery.categorizer, images).astype(np.float64)
    return Categories(by_category.argmax(axis=1), by_category.max(axis=1), codes, code_probabilities,
                      discovery.grouping.prior, learned, grouped=True)


def write_csv(image_set: ImageSet, categories: Categories, path: Path,
              decisions: Decisions | None = None) -> None:
    """Write a row for each image; `categories_table.write` describes the columns.

    Args:
        image_set: the images; where there are no files, their indices are the names.
        categories: their categories.
        path: the CSV file, UTF-8 except for the bytes of file names, which are written unchanged.
        decisions: what people decided on the categories, which columns show.
    """
    names = range(len(image_set.images)) if image_set.names is None else image_set.names
    classes = None
    if image_set.labels is not None:
        classes = ("" if label < 0 else image_set.class_names[label] for label in image_set.labels)
    by_category = (categories.categories, categories.probabilities) if categories.grouped else (None, None)
    decided = decisions and decisions.columns(categories.categories)
    categories_table.write(path, names, categories.codes, categories.code_probabilities, classes,
                           *by_category, decided)


def format_categories(categories: Categories) -> str:
    """Return the number and share of the images of each category beside the prior's mass, as text.

    The largest category is first.
    """
    counts = categories.counts()
    prior = "learned prior" if categories.learned else "fixed prior"
    width = len(categories.noun)
    lines = [f"{categories.noun}  {'images':>9}  {'share':>7}  {prior:>13}"]
    lines += [f"{category:>{width}}  {counts[category]:>9,}  "
              f"{_percent(counts[category] / len(categories.categories)):>7}  "
              f"{_percent(categories.prior[category]):>13}" for category in categories.by_size()]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

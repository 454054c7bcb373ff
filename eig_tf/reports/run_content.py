"""The images of a run by category, as its report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from eig_tf import progress
from eig_tf.categories.categorizer import embed_in_batches
from eig_tf.data import names
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import metrics
from eig_tf.evaluation.run_figures import PlottedRun
from eig_tf.figures import grids
from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.models.sampling import encode_in_batches, generate_images
from eig_tf.random_streams import Stream, stream_seed
from eig_tf.reports import ranking
from eig_tf.reports.sprites import Cell, Sprites

COLUMNS = 12  # images of each kind for a category
STEPS = 10  # of a traversal
MOST_LISTED = 60  # outliers, and images of another class


class SortedImages(NamedTuple):
    """A run's predictions for its N training images, with M categories.

    Attributes:
        image_set: the images.
        features: float [N, F], those of the categorizer, or of the encoder where codes are categories.
        probabilities: float [N, M], rows sum to one.
        categories: int64 [N], the most probable category.
        confidence: float [N], its probability.
        prior: float64 [M], the mass of each category in the model's distribution of the codes.
    """

    image_set: ImageSet
    features: np.ndarray
    probabilities: np.ndarray
    categories: np.ndarray
    confidence: np.ndarray
    prior: np.ndarray

    def name_of(self, index: int) -> str:
        """Return the file of an image, printable; its number where there are no files."""
        found = self.image_set.names
        return f"image {index}" if found is None else names.printable(str(found[index]))

    def class_of(self, index: int) -> str | None:
        """Return the class of an image, printable; None without a label."""
        if self.image_set.labels is None or self.image_set.labels[index] < 0:
            return None
        return names.printable(self.image_set.class_names[self.image_set.labels[index]])

    def class_counts(self) -> np.ndarray | None:
        """Return the number of images of each category and class, int64 [M, C]; None without labels."""
        if self.image_set.labels is None:
            return None
        return metrics.confusion_counts(self.categories, self.image_set.labels, len(self.prior),
                                        len(self.image_set.class_names))


class Thumbnail(NamedTuple):
    """A thumbnail with the text that stands for it, and the number of its image; None if it is generated."""

    cell: Cell
    text: str
    image: int | None = None


class Group(NamedTuple):
    """Thumbnails of one kind, with a title; `other` is the category that the title names at its end."""

    title: str
    thumbnails: list[Thumbnail]
    other: int | None = None


def sort_images(run: PlottedRun) -> SortedImages:
    """Return what a run says of its training images, in inference mode."""
    image_set = run.image_set
    with progress.stage(f"categorizes {len(image_set.images):,} images"):
        if run.discovery is None:
            encodings = [(encoding.features, encoding.code_logits)
                         for encoding in encode_in_batches(run.model, image_set.images)]
            features, logits = (np.concatenate(parts) for parts in zip(*encodings))
            probabilities, prior = softmax(logits.astype(np.float64), axis=1), run.probabilities
        else:
            features, probabilities = embed_in_batches(run.discovery.categorizer, image_set.images)
            prior = run.discovery.grouping.prior
    return SortedImages(image_set, features, probabilities, probabilities.argmax(axis=1),
                        probabilities.max(axis=1), prior)


def category_groups(run: PlottedRun, found: SortedImages, sprites: Sprites, noun: str) -> list[list[Group]]:
    """Return the groups of thumbnails of each category, and add their sprites.

    Args:
        run: the run.
        found: its images.
        sprites: gets a sprite for each category.
        noun: what a category is called.
    """
    seed, groups = run.options.seed, []
    num_categories = len(found.prior)
    with progress.stage(f"draws {num_categories} categories", num_categories, noun) as advance:
        if run.grouping is None:
            generated, codes = grids.code_images(run.model, range(num_categories), COLUMNS, seed), range(
                num_categories)
        else:
            generated = grids.category_images(run.model, run.grouping.code_distribution, COLUMNS, seed)
            codes = run.grouping.code_distribution.argmax(axis=1)
        for category in range(num_categories):
            title, traversal = traverse(run.model, int(codes[category]), STEPS, seed)
            made = [("Generated examples", generated[category]), (title, traversal)]
            groups.append(_groups_of(found, sprites, category, made))
            advance()
    return groups


def _groups_of(found, sprites, category, made):
    """The groups of one category, whose thumbnails share a sprite; `made` are generated images by title."""
    other = ranking.nearest_category(found.probabilities, category)
    kinds = [("Surest images", ranking.surest_images(found.probabilities, category, COLUMNS), None),
             ("Doubtful images, least probable first",
              ranking.doubtful_images(found.probabilities, category, COLUMNS), None)]
    if other is not None:
        between = ranking.images_between(found.probabilities, category, other, COLUMNS)
        kinds.append(("Images between this and", between, other))
    pictures = [*(images for _, images in made),
                *(found.image_set.images[indices] for _, indices, _ in kinds if len(indices))]
    cells = iter(sprites.add(np.concatenate([part for part in pictures if len(part)])))
    groups = [Group(title, [Thumbnail(next(cells), f"{title}, {number + 1} of {len(images)}")
                            for number in range(len(images))]) for title, images in made]
    groups += [Group(title, [Thumbnail(next(cells), describe_image(found, index), int(index))
                             for index in indices], other) for title, indices, other in kinds]
    # The categories are those of the real images, so generated images come last.
    return [*groups[len(made):], *(group for group in groups[:len(made)] if group.thumbnails)]


def traverse(model: GenerativeModel, code: int, steps: int, seed: int) -> tuple[str, np.ndarray]:
    """Return a title, and images of a code along its first continuous code or, without any, along its noise.

    The noise turns from one draw to another: cos(t) z_1 + sin(t) z_2 has the distribution of the draws.

    Args:
        model: the model.
        code: in [0, K).
        steps: number of images.
        seed: of the noise.

    Returns:
        The title and uint8 [steps, H, W, C]; no images for a model with neither.
    """
    if model.num_continuous:
        return "Along continuous code 0", grids.traversal_images(model, 0, [code], steps, seed)[0]
    if not model.noise_dim:
        return "", np.zeros([0, *model.image_shape], np.uint8)
    one_hot = tf.one_hot([code] * steps, model.num_codes)
    noise = model.sample_latents(2, stream_seed(seed, Stream.PICTURE), one_hot[:2]).noise
    angles = tf.linspace(0.0, np.pi / 2, steps)[:, tf.newaxis]
    return "From one noise vector to another", generate_images(model, Latents(
        tf.cos(angles) * noise[0] + tf.sin(angles) * noise[1], one_hot, tf.zeros([steps, 0])))


def describe_image(found: SortedImages, index: int) -> str:
    """Return an image's file, class and confidence, as one line."""
    label = found.class_of(index)
    return (f"{found.name_of(index)}{'' if label is None else f', class {label}'}, "
            f"{100 * found.confidence[index]:.1f} %")


def list_images(found: SortedImages, sprites: Sprites, indices: Sequence[int] | np.ndarray,
                **columns: np.ndarray) -> list[dict[str, Any]]:
    """Return a row for each of some images, with a thumbnail and the values of further columns, float [N]."""
    cells = sprites.add(found.image_set.images[np.asarray(indices, np.int64)]) if len(indices) else []
    return [{"thumbnail": Thumbnail(cell, describe_image(found, index), int(index)),
             "file": found.name_of(index), "category": int(found.categories[index]),
             "class": found.class_of(index) or "", "confidence": float(found.confidence[index]),
             **{name: float(values[index]) for name, values in columns.items()}}
            for cell, index in zip(cells, indices)]


def disagreeing_images(found: SortedImages) -> np.ndarray:
    """Return the indices of images whose class is not the most frequent one of their category.

    The most confident come first; there are none without labels.
    """
    counts = found.class_counts()
    if counts is None:
        return np.zeros(0, np.int64)
    labels = found.image_set.labels
    wrong = np.flatnonzero((labels >= 0) & (counts.argmax(axis=1)[found.categories] != labels))
    return wrong[np.argsort(-found.confidence[wrong], kind="stable")]

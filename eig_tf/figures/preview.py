"""One picture of a training set: the size of each class, its images, and the positive views of some."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from eig_tf import files
from eig_tf.data import augment, imbalance, pipeline
from eig_tf.data.image_set import ImageSet
from eig_tf.figures import tiling
from eig_tf.figures.image_grid import ImageGrid
from eig_tf.figures.page import Page, class_label, figure_style, save_figure

MAX_CLASSES = 100
_FEW_CLASSES = 12
_SAMPLES, _SAMPLE_COLUMNS = 60, 15
_PAIRS, _PAIR_ROWS, _PAIR_GAP = 30, 3, 14
_NAME_LENGTH = 24
# Values that switch an operation of `augment` off, where these are not 0.
_OFF = {"crop": 1.0, "enlarge": 1.0, "gamma_min": 1.0, "gamma_max": 1.0}


def save_preview(whole: ImageSet, subset: ImageSet, config: Any, path: str | os.PathLike) -> None:
    """Write the figure of `draw_preview`, which explains the arguments, as PNG, atomically."""
    with figure_style():
        figure = draw_preview(whole, subset, config)
        with files.replacing(Path(path)) as temporary:
            save_figure(figure, temporary)


def draw_preview(whole: ImageSet, subset: ImageSet, config: Any) -> Figure:
    """Draw the images that a training would use.

    Args:
        whole: the images that the subset is drawn from.
        subset: the images that are trained on.
        config: the run's config. Its `augment` and method decide the pairs, its seed decides which images
            are shown and how their views are drawn.

    Raises:
        UserError: the augmentation does not suit the images.
    """
    pairs = make_pairs(subset, config)
    generator = np.random.default_rng(config.seed)
    if subset.labels is None:
        grid = None
        samples = tiling.enlarge(subset.images[generator.permutation(len(subset.images))[:_SAMPLES]])
        page = Page(_SAMPLE_COLUMNS * (samples.shape[2] + tiling.GAP) - tiling.GAP)
    else:
        grid = _class_grid(whole, subset, generator)
        page = Page(grid.width)
    page.add_heading(_describe_set(whole, subset, config), size=10)
    if grid is None:
        page.add_picture(tiling.tile(samples, _SAMPLE_COLUMNS))
    else:
        page.add_heading(_describe_bars(whole, subset))
        grid.add_to(page)
    if pairs is None:
        page.add_heading(f"no pairs: --method={config.method} is trained without positive views")
    else:
        operations = _describe_augmentation(config.augment)
        page.add_heading(f"pairs of an image and its positive view ({operations})")
        page.add_picture(_tile_pairs(pairs, page.width))
    return page.make_figure()


def make_pairs(subset: ImageSet, config: Any) -> np.ndarray | None:
    """Return images drawn with the config's seed, and their positive views.

    Args:
        subset: the images to draw from.
        config: see `draw_preview`.

    Returns:
        uint8 [n, 2, S, S, C], each image before its view; n is 30, or fewer for a smaller set. None if the
        config's method takes no views.
    """
    make_view = augment.make_view_function(config)
    if make_view is None:
        return None
    chosen = np.random.default_rng([config.seed, 1]).permutation(len(subset.images))[:_PAIRS]
    images = subset.images[chosen]
    views = make_view(pipeline.to_float(tf.constant(images)), tf.constant([config.seed, 0], tf.int32)).numpy()
    return np.stack([images, pipeline.to_uint8(views)], axis=1)


def _class_grid(whole, subset, generator):
    """Return a grid with a row for each class: its name, some of its images, and bars of its counts."""
    num_classes = min(MAX_CLASSES, len(subset.class_names))
    shown, chart_width = (10, 220) if num_classes <= _FEW_CLASSES else (6, 130)
    members = (np.flatnonzero(subset.labels == label) for label in range(num_classes))
    rows = [subset.images[np.sort(generator.permutation(indices)[:shown])] for indices in members]
    counts, trained_counts = whole.class_counts(), subset.class_counts()
    longest = max(1, counts[:num_classes].max())

    def draw_bars(axes, labels):
        positions = range(len(labels))
        axes.barh(positions, counts[labels], 0.62, color="0.85")
        axes.barh(positions, trained_counts[labels], 0.62, color="tab:blue")
        for position, label in zip(positions, labels):
            axes.text(counts[label] + 0.03 * longest, position, f"{trained_counts[label]:,}", va="center")
        axes.set_xlim(0, 1.5 * longest)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)

    names = [class_label(name, _NAME_LENGTH) for name in subset.class_names[:num_classes]]
    return ImageGrid(rows, names, chart=draw_bars, chart_width=chart_width)


def _tile_pairs(pairs, width):
    """Return a picture of the pairs that fit into rows as wide as the page."""
    pairs = tiling.enlarge(pairs)
    pictures = np.stack([tiling.tile(pair, 2) for pair in pairs])
    columns = max(1, int((width + _PAIR_GAP) // (pictures.shape[2] + _PAIR_GAP)))
    return tiling.tile(pictures[:_PAIR_ROWS * columns], columns, _PAIR_GAP)


def _describe_set(whole, subset, config):
    num, num_whole = len(subset.images), len(whole.images)
    text = f"{config.dataset}: {num:,}{'' if num == num_whole else f' of {num_whole:,}'} images"
    return f"{text} " + (
        "without labels" if subset.labels is None else f"in {len(subset.class_names)} classes")


def _describe_bars(whole, subset):
    text = "images of each class"
    if len(subset.class_names) > MAX_CLASSES:
        text = f"{text}, for the first {MAX_CLASSES} of {len(subset.class_names)}"
    if len(whole.images) != len(subset.images):
        text += " (blue: trained on, grey: available)"
    false_negatives = imbalance.expected_false_negatives(subset.class_fractions())
    return f"{text}; expected share of false negatives {false_negatives:.3f}"


def _describe_augmentation(settings):
    """Return the operations that are on, in their order, with their amounts."""
    order = [name for name in inspect.signature(augment.positive_view).parameters if name in settings]
    on = [name if settings[name] is True else f"{name} {settings[name]:g}"
          for name in order if settings[name] != _OFF.get(name, 0)]
    return ", ".join(on) or "all operations are off"

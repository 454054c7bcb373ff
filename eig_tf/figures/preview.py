"""One picture of a training set: how much there is of each class, how it looks, what delta does to it."""

import inspect
import math
import textwrap
import warnings

import matplotlib
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from eig_tf import files
from eig_tf.data import augment, imbalance, pipeline

MAX_CLASSES = 100
# Lengths are pixels, so that an image's pixels are the picture's and nothing is blurred.
_DPI, _MARGIN, _HEADING, _LINE = 120, 24, 44, 22
_CELL = 64
_LETTER, _NAME_LENGTH = 9, 26
_LONG_COLUMN = 12
_SAMPLES, _PAIR_ROWS, _PAIR_GAP = (4, 15), 3, 14
_LINE_GREY, _WHITE = 205, 255
# Values at which an operation of `augment` is off, where that is not 0.
_OFF = {"crop": 1.0, "enlarge": 1.0, "gamma_min": 1.0, "gamma_max": 1.0}


def draw(whole, subset, config, path):
    """Writes the picture as PNG, whole or not at all.

    Args:
        whole: the `ImageSet` that the subset is drawn from.
        subset: the `ImageSet` that is trained on.
        config: see `eig_tf.config`; its `augment` and method decide the pairs, its seed which images are
            shown and how the views are drawn.
        path: the PNG file.

    Raises:
        UserError: delta does not go with the images.
    """
    pairs = make_pairs(subset, config)
    generator = np.random.default_rng(config.seed)
    # Names of classes are the user's: a $ in them is no formula, and a letter that the font lacks no error.
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 9}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        if subset.labels is None:
            body, width = _samples(subset, generator)
        else:
            body, width = _classes(whole, subset, generator)
        body = [_heading(_describe(whole, subset, config), width, bold=True), *body,
                *_pairs(pairs, config, width)]
        _save(body, width, path)


def make_pairs(subset, config):
    """Images drawn with the config's seed, and their positive views.

    Args:
        subset: an `ImageSet`.
        config: see `draw`.

    Returns:
        uint8 [n, 2, S, S, C], the image first; n is 30, or all images of a smaller set. None when the
        config's method takes no views.
    """
    make_view = augment.make_view_function(config)
    if make_view is None:
        return None
    chosen = np.random.default_rng([config.seed, 1]).permutation(len(subset.images))[:30]
    images = np.asarray(subset.images[chosen])
    views = make_view(pipeline.to_float(tf.constant(images)), tf.constant([config.seed, 0], tf.int32)).numpy()
    return np.stack([images, np.clip(np.rint((views + 1.0) * 127.5), 0, 255).astype(np.uint8)], axis=1)


def mosaic(rows, num_columns):
    """Images in a grid with thin lines between them, small ones enlarged by a whole number.

    Args:
        rows: for each row up to `num_columns` images, uint8 [n, H, W, C] with C 1 or 3.
        num_columns: cells of a row; those without an image stay white.

    Returns:
        uint8 [rows * cell, num_columns * cell, 3].
    """
    cell = cell_size(rows[0].shape[1])
    grid = np.full((len(rows) * cell, num_columns * cell, 3), _WHITE, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            place = grid[row * cell:(row + 1) * cell, column * cell:(column + 1) * cell]
            place[:] = _LINE_GREY
            factor = (cell - 2) // image.shape[0]
            place[1:-1, 1:-1] = image.repeat(factor, axis=0).repeat(factor, axis=1)
    return grid


def cell_size(size):
    """Side of a cell of `mosaic` for images of that size: the image and a line of one pixel around it."""
    return size * max(1, round(_CELL / size)) + 2


def _describe(whole, subset, config):
    text = f"{config.dataset}: {_count(len(subset.images), len(whole.images))} images"
    return f"{text} without labels" if subset.labels is None else (
        f"{text} in {len(subset.class_names)} classes")


def _count(part, whole):
    return f"{part:,}" if part == whole else f"{part:,} of {whole:,}"


def _samples(subset, generator):
    """A grid of images for a set without labels, and the picture's width."""
    num_rows, num_columns = _SAMPLES
    chosen = generator.permutation(len(subset.images))[:num_rows * num_columns]
    images = np.asarray(subset.images[chosen])
    grid = mosaic([images[start:start + num_columns] for start in range(0, len(images), num_columns)],
                  num_columns)
    return [_placed(grid)], grid.shape[1] + 2 * _MARGIN


def _classes(whole, subset, generator):
    """A row a class with its name, its count as a bar and images; two columns where there are many."""
    num_classes = min(MAX_CLASSES, len(subset.class_names))
    num_columns = 1 if num_classes <= _LONG_COLUMN else 2
    shown, bar = (10, 220) if num_columns == 1 else (6, 130)
    length = math.ceil(num_classes / num_columns)
    cell = cell_size(subset.image_shape[0])
    names = [_label(name) for name in subset.class_names[:num_classes]]
    name_width = _LETTER * (max(map(len, names)) + 1)
    column_width = name_width + bar + shown * cell
    chosen = [_some(np.flatnonzero(subset.labels == label), shown, generator) for label in range(num_classes)]
    counts = whole.class_counts(), subset.class_counts()

    def paint(page, top):
        for first in range(0, num_classes, length):
            labels = range(first, min(first + length, num_classes))
            left = _MARGIN + first // length * (column_width + _MARGIN)
            axes = page.axes(left + name_width, top, bar, len(labels) * cell)
            _bars(axes, labels, *counts, [names[label] for label in labels])
            rows = [np.asarray(subset.images[chosen[label]]) for label in labels]
            page.image(mosaic(rows, shown), left + name_width + bar, top)

    width = num_columns * (column_width + _MARGIN) + _MARGIN
    return [_heading(_bars_text(whole, subset, num_classes), width), (paint, length * cell)], width


def _some(indices, number, generator):
    return np.sort(generator.permutation(indices)[:number])


def _bars_text(whole, subset, num_classes):
    text = "images a class"
    if num_classes < len(subset.class_names):
        text += f" of the first {num_classes} of {len(subset.class_names)}"
    if len(whole.images) != len(subset.images):
        text += " (blue: trained on, grey: all there are)"
    false_negatives = imbalance.expected_false_negatives(subset.class_fractions())
    return f"{text}; expected share of false negatives {false_negatives:.3f}"


def _bars(axes, labels, whole, subset, names):
    positions = np.arange(len(labels))
    axes.barh(positions, whole[labels], 0.62, color="0.85")
    axes.barh(positions, subset[labels], 0.62, color="tab:blue")
    longest = max(1, whole.max())
    for position, label in zip(positions, labels):
        axes.text(whole[label] + 0.03 * longest, position, f"{subset[label]:,}", va="center", fontsize=8)
    axes.set_xlim(0, 1.5 * longest)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(positions, names)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _label(name):
    """A class's name as it fits beside its row."""
    text = " ".join(name.encode("utf-8", "replace").decode().split())
    return text if len(text) <= _NAME_LENGTH else f"{text[:_NAME_LENGTH - 1]}…"


def _pairs(pairs, config, width):
    """Pairs in rows as wide as the picture, below a line that names what delta does."""
    if pairs is None:
        return [_heading(f"no pairs: --method={config.method} is trained without positive views", width)]
    cell = cell_size(pairs.shape[2])
    pair = 2 * cell + _PAIR_GAP
    num_columns = (width - 2 * _MARGIN + _PAIR_GAP) // pair
    shown = pairs[:_PAIR_ROWS * num_columns]
    num_rows = math.ceil(len(shown) / num_columns)

    def paint(page, top):
        for number, images in enumerate(shown):
            row, column = divmod(number, num_columns)
            page.image(mosaic([images], 2), _MARGIN + column * pair, top + row * (cell + _PAIR_GAP // 2))

    heading = f"pairs: an image and its positive view ({_operations(config.augment)})"
    return [_heading(heading, width), (paint, num_rows * (cell + _PAIR_GAP // 2))]


def _operations(settings):
    """The operations of delta that are on, in their order, with their amounts."""
    order = [name for name in inspect.signature(augment.positive_view).parameters if name in settings]
    on = [name if settings[name] is True else f"{name} {settings[name]:g}"
          for name in order if settings[name] != _OFF.get(name, 0)]
    return ", ".join(on) or "all operations are off"


class _Page:
    """A figure on which places are pixels from the top left."""

    def __init__(self, width, height):
        self._width, self._height = width, height
        self.figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)

    def axes(self, left, top, width, height):
        return self.figure.add_axes((left / self._width, 1 - (top + height) / self._height,
                                     width / self._width, height / self._height))

    def image(self, pixels, left, top):
        self.figure.figimage(pixels, left, self._height - top - len(pixels), origin="upper")

    def text(self, text, left, top, **style):
        self.figure.text(left / self._width, 1 - top / self._height, text, va="top", **style)


def _heading(text, width, bold=False):
    """A line of text, or as many as it takes, and its height."""
    lines = textwrap.wrap(text, (width - 2 * _MARGIN) // (12 if bold else 8))

    def paint(page, top):
        page.text("\n".join(lines), _MARGIN, top + 14, weight="bold" if bold else "normal",
                  fontsize=11 if bold else 9)
    return paint, _HEADING + (len(lines) - 1) * _LINE


def _placed(pixels):
    return lambda page, top: page.image(pixels, _MARGIN, top), len(pixels)


def _save(body, width, path):
    page = _Page(width, sum(height for _, height in body) + _MARGIN)
    top = 0
    for paint, height in body:
        paint(page, top)
        top += height
    with files.replacing(path) as temporary:
        # The version of matplotlib in the file would make equal pictures differ.
        page.figure.savefig(temporary, dpi=_DPI, metadata={"Software": None})

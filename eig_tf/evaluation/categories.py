"""Real images sorted by the learned categories: a table, a picture, and how many there are of each code."""

import sys
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.data import pipeline, registry
from eig_tf.evaluation import categories_table
from eig_tf.figures import preview
from eig_tf.runs.run_directory import RunDirectory

MAX_ROWS = 100
_BATCH = 500
_SURE = 10
# Lengths of the picture are pixels, so that an image's pixels are the picture's and nothing is blurred.
_DPI, _TEXT_WIDTH, _HEADING = 120, 170, 48


class Categories(NamedTuple):
    """What Q makes of a set of images.

    Attributes:
        codes: int64 [N], the most probable code of each image, in [0, K).
        probabilities: float64 [N], Q's probability of that code, in [1 / K, 1].
        prior: float64 [K], the model's distribution of the codes.
        learned: whether that distribution was learned; else it was given.
    """

    codes: np.ndarray
    probabilities: np.ndarray
    prior: np.ndarray
    learned: bool

    def counts(self):
        """Images of each code, int64 [K]."""
        return np.bincount(self.codes, minlength=len(self.prior))

    def by_size(self):
        """All codes [K], that with the most images first, equally many in their own order."""
        return np.argsort(-self.counts(), kind="stable")

    def surest(self, code, num=_SURE):
        """Indices of the images, at most `num`, that are most probably of a code; the surest first."""
        members = np.flatnonzero(self.codes == code)
        return members[np.argsort(-self.probabilities[members], kind="stable")[:num]]


def categorize(run_dir, output, images=None, data_dir=None, cache_dir=None):
    """Sorts images by the categories of a run's last checkpoint; writes a table and a picture.

    Args:
        run_dir: the run directory.
        output: the CSV file; the picture lies beside it as PNG.
        images: a folder of images, see `eig_tf.data.loaders.folder`; all images of the run's own data set, of
            which an imbalanced run was trained on a part, when None.
        data_dir: where the run's own data set lies; where it lay in training when None.
        cache_dir: where decoded sets are kept; the user's cache directory when None.

    Returns:
        The `ImageSet` and its `Categories`.

    Raises:
        UserError: no run, no checkpoint, the images cannot be loaded, or the run diverged.
        OSError: a file cannot be written.
    """
    directory = RunDirectory(run_dir)
    config, model, _ = directory.restore_model()
    if images is None:
        image_set = registry.load(
            config, data_dir or directory.load_environment().get("data_dir"), cache_dir)
    else:
        image_set = registry.load(folder_config(config), images, cache_dir)
    categories = categorize_images(model, image_set.images)
    # Nested, so that neither is in place before both are written.
    with files.replacing(output) as table, files.replacing(picture_path(output)) as picture:
        write_csv(image_set, categories, table)
        draw(image_set.images, categories, picture)
    return image_set, categories


def folder_config(config):
    """The config that reads a folder of other images into the shape of a run's own, by its resize rule."""
    other = config_lib.load_preset("folder")
    size, _, channels = config_lib.image_shape(config)
    other.data.image_size, other.data.channels = size, channels
    other.data.resize = config.data.get("resize", other.data.resize)
    return other


def picture_path(output):
    """The picture's path for that of the table."""
    return output.with_suffix(".png")


def categorize_images(model, images, batch_size=_BATCH):
    """What Q makes of images, in inference mode; holds one batch of them in memory.

    Args:
        model: an `InfoGAN`.
        images: uint8 [N, H, W, C], an array or `StoredImages`; N is 1 or more.
        batch_size: images a pass.

    Returns:
        `Categories`.
    """
    codes, probabilities = [], []
    progress = keras.utils.Progbar(len(images), verbose=int(sys.stdout.isatty()), unit_name="image")
    for start in range(0, len(images), batch_size):
        batch = images[start:start + batch_size]
        _, logits, _ = model.encode(pipeline.to_float(batch))
        # In float32 the surest images would all have probability one, and no order.
        logits = logits.numpy().astype(np.float64)
        codes.append(np.argmax(logits, axis=-1))
        probabilities.append(1 / np.exp(logits - logits.max(axis=-1, keepdims=True)).sum(axis=-1))
        progress.add(len(batch))
    return Categories(np.concatenate(codes), np.concatenate(probabilities),
                      model.prior.probabilities.numpy().astype(np.float64), model.prior.learned)


def write_csv(image_set, categories, path):
    """Writes a row an image: file, or its index where there are no files, code, probability, any class.

    Args:
        image_set: an `ImageSet`.
        categories: its `Categories`.
        path: the CSV file, UTF-8 but for the bytes of file names, which are written as they are.
    """
    names = range(len(image_set.images)) if image_set.names is None else image_set.names
    classes = None
    if image_set.labels is not None:
        classes = (image_set.class_names[label] for label in image_set.labels)
    categories_table.write(path, names, categories.codes, categories.probabilities, classes)


def draw(images, categories, path):
    """Draws the ten surest images of each code, a row a code and the largest first, as PNG.

    Codes without images are left out, and so are all but the `MAX_ROWS` largest, as the heading says.

    Args:
        images: see `categorize_images`.
        categories: their `Categories`.
        path: the PNG file.
    """
    counts = categories.counts()
    used = [code for code in categories.by_size() if counts[code]]
    shown = used[:MAX_ROWS]
    grid = preview.mosaic([np.asarray(images[categories.surest(code)]) for code in shown], _SURE)
    height, width = grid.shape[0] + _HEADING, grid.shape[1] + _TEXT_WIDTH
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
    figure.figimage(grid, _TEXT_WIDTH, 0, origin="upper")
    some = "" if len(shown) == len(used) else f", the {len(shown)} largest"
    figure.text(10 / width, 1 - _HEADING / 2 / height, va="center", fontsize=9, weight="bold",
                s=f"{len(images):,} images in {len(used)} of {len(counts)} codes{some}; the surest first")
    cell = preview.cell_size(images.shape[1])
    for row, code in enumerate(shown):
        figure.text(10 / width, 1 - (_HEADING + (row + 0.5) * cell) / height, va="center", fontsize=8,
                    s=f"code {code}\n{counts[code]:,} images\n{_percent(counts[code] / len(images))}")
    # The version of matplotlib in the file would make equal pictures differ.
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})


def table(categories):
    """Number and share of the images of every code, the largest first, beside its prior, as text."""
    counts = categories.counts()
    prior = "learned prior" if categories.learned else "fixed prior"
    lines = [f"code  {'images':>9}  {'share':>7}  {prior:>13}"]
    lines += [f"{code:>4}  {counts[code]:>9,}  {_percent(counts[code] / len(categories.codes)):>7}  "
              f"{_percent(categories.prior[code]):>13}" for code in categories.by_size()]
    return "\n".join(lines)


def _percent(share):
    return f"{100 * share:.1f} %"

"""The figures of a run, registered by name.

A new figure is one function here, decorated with `register_figure`, and a line in the help of tools/plot.py.
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Union

import numpy as np
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import is_valid_linkage

from eig_tf.categories.grouping import CodeGrouping
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation import knn, metrics
from eig_tf.evaluation.record import EvaluationRecord, load_record
from eig_tf.figures import charts, grids, hierarchy, overview, tiling
from eig_tf.figures.image_grid import draw_image_grid
from eig_tf.figures.neighbours import draw_neighbours
from eig_tf.figures.page import class_label
from eig_tf.models import sampling
from eig_tf.runs.category_files import GROUPING, load_categories
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.training_images import load_training_images

# Three lines of a label fit beside images of this side.
_SMALL_SIDE = 52
_LONGEST_NAME = 18  # letters; a percentage follows


class FigureOptions(NamedTuple):
    """How figures look.

    Attributes:
        columns: images of each code, and steps of a traversal.
        codes: codes to show in grids, in that order; None for all.
        as_columns: whether a code is a column of a grid instead of a row.
        seed: seed of the latents, of the samples, of the split into queries and neighbours, and of the
            choice of queries.
        small: whether files are kept small, by images of at most 52 pixels and PNG files of 128 colours.
    """

    columns: int = grids.COLUMNS
    codes: Sequence[int] | None = None
    as_columns: bool = False
    seed: int = 0
    small: bool = False


class PlottedRun:
    """The last checkpoint of a run, and what figures need of it; images are loaded when first used.

    Args:
        run_dir: the run directory.
        options: how the figures look.
        data_dir: directory of the run's data set; that of the training if None.
        cache_dir: directory of decoded data sets; the user's cache directory if None.

    Attributes:
        directory: the `RunDirectory`.
        config, model: the run's config and `GenerativeModel`.
        probabilities: float64 [K], the model's distribution of the codes.
        record: the `EvaluationRecord`, or None if the run was not evaluated.
        epochs: number of epochs of the checkpoint.
        discovery: the grouping of the codes and the categorizer of the checkpoint, or None if codes are not
            grouped into categories.
        grouping: the `CodeGrouping` of `discovery`, or None.
        options: how the figures look.
        about: the run in a few words, for titles.
        notes: sentences for people on what is missing or old.

    Raises:
        UserError: `run_dir` is not a run directory, or it has no checkpoint, or its weights are not finite,
            or the options name codes that the run does not have, or a file of it is damaged.
    """

    def __init__(self, run_dir: str | os.PathLike, options: FigureOptions, data_dir: str | None = None,
                 cache_dir: str | None = None) -> None:
        self.directory, self.options = RunDirectory(run_dir), options
        self._data_dir, self._cache_dir = data_dir, cache_dir
        _check_codes(options.codes, self.directory.load_config().networks.num_codes)
        self.config, self.model, epochs = self.directory.restore_model()
        self.epochs = epochs
        self.probabilities = self.model.prior.probabilities.numpy().astype(np.float64)
        self.record = load_record(self.directory.evaluation, self.model.num_codes)
        self.about = (f"{self.config.dataset}, {self.config.method}, split {self.config.split}, "
                      f"seed {self.config.seed}, {epochs} epoch{'s' * (epochs != 1)}")
        self.notes = []
        if self.record is None:
            self.notes.append("the run is not evaluated: matched classes and the confusion of generated "
                              f"images are left out; tools/evaluate.py {run_dir} finds them")
        elif self.record.epochs != epochs:
            self.notes.append(f"evaluation.json is of epoch {self.record.epochs}, the checkpoint of epoch "
                              f"{epochs}: matched classes may be wrong; tools/evaluate.py {run_dir} updates "
                              "them")
        self.discovery = load_categories(self.directory, self.model, epochs, self.notes)
        self.grouping = self.discovery.grouping if self.discovery else None

    @functools.cached_property
    def image_set(self) -> ImageSet:
        """The training images."""
        _, image_set = load_training_images(self.directory, self.config, self._data_dir, self._cache_dir)
        return image_set

    @property
    def learned(self) -> bool:
        """Whether the distribution of the codes was learned; otherwise it is fixed."""
        return self.model.prior.learned

    @property
    def side(self) -> int | None:
        """Pixels to which larger images are shrunk; None keeps them."""
        return _SMALL_SIDE if self.options.small else None


FigureFunction = Callable[[PlottedRun], Union[Figure, "dict[str, Figure]", None]]
FIGURES: dict[str, FigureFunction] = {}


def register_figure(name: str) -> Callable[[FigureFunction], FigureFunction]:
    """Register a function that draws a figure of a run, for `plot_run`.

    Args:
        name: stem of the figure's file.

    Returns:
        A decorator. Its function takes a `PlottedRun` and returns a figure, or several by the stems of their
        files, or None if the run lacks what the figure shows; then it appends a sentence to the run's notes.
    """
    def register(function):
        FIGURES[name] = function
        return function
    return register


@register_figure("overview")
def _draw_overview(run):
    seed, columns = run.options.seed, overview.CODE_COLUMNS
    prior, noun, matches = run.probabilities, "code", run.record and run.record.code_to_class
    # Codes that are asked for are shown as such.
    grouped = run.grouping is not None and run.options.codes is None
    if grouped:
        prior, noun = run.grouping.prior, "category"
        matches = run.record and match_categories(run.grouping, run.record)
    shown = run.options.codes or order_codes(prior)[0]
    if run.options.codes and len(shown) > overview.MAX_ROWS:
        run.notes.append(f"the overview shows the first {overview.MAX_ROWS} of the {len(shown)} codes")
    shown = shown[:overview.MAX_ROWS]
    num_samples = overview.SAMPLE_COLUMNS * len(shown)
    images = run.image_set.images
    samples = images[np.random.default_rng(seed).permutation(len(images))[:num_samples]]
    labels, true = [f"{noun} {number}" for number in shown], None
    if matches is not None:
        shown_matches = [matches[number] for number in shown]
        true = np.array([np.nan if match is None else run.record.true_fractions[match]
                         for match in shown_matches])
        labels = [label if match is None else f"{label}\n{class_label(run.record.class_names[match])}"
                  for label, match in zip(labels, shown_matches)]
    if grouped:
        rows = grids.category_images(run.model, run.grouping.code_distribution[shown], columns, seed)
    else:
        rows = grids.code_images(run.model, shown, columns, seed)
    return overview.draw_overview(samples, rows, labels, prior[shown], true, run.learned, len(prior), noun)


@register_figure("codes")
def _draw_codes(run):
    columns, seed = run.options.columns, run.options.seed
    return _draw_code_grid(run, lambda codes: grids.code_images(run.model, codes, columns, seed))


@register_figure("hierarchy")
def _draw_hierarchy(run):
    grouping = run.grouping
    if grouping is None:
        run.notes.append("the run has no categories; the hierarchy of its codes is left out; "
                         f"tools/find_categories.py {run.directory.path} finds them")
        return None
    if not is_valid_linkage(grouping.linkage):
        raise UserError(f"{run.directory.categories / GROUPING}: linkage is no hierarchy of the codes; "
                        "tools/find_categories.py writes it again")
    codes = range(run.model.num_codes)
    rows = grids.code_images(run.model, codes, hierarchy.IMAGES, run.options.seed)
    labels = [f"code {code}, p = {run.probabilities[code]:.3f}, {100 * grouping.agreement[code]:.0f} %"
              for code in codes]
    category_labels = [f"category {category}: prior {100 * mass:.1f} %, images {100 * share:.1f} %"
                       for category, (mass, share) in enumerate(zip(grouping.prior, grouping.fractions))]
    title = (f"{run.about}: {len(codes)} codes form {grouping.num_categories} categories. The height of a "
             "link is the mean probability that images of two codes differ in category, plus 1 between "
             f"categories. p is the {'learned' if run.learned else 'fixed'} probability of a code, the "
             "percentage beside it the share of its images that the categorizer puts into its category; "
             "beside a category are the prior's mass and the share of the training images")
    return hierarchy.draw_hierarchy(grouping.linkage, grouping.code_to_category, rows, labels,
                                    category_labels, title)


@register_figure("traversal")
def _draw_traversals(run):
    columns, seed = run.options.columns, run.options.seed
    if not run.model.num_continuous:
        run.notes.append("the run has no continuous codes; traversals are left out")
    places = [f"{position:.3g}" for position in grids.traversal_positions(columns)]
    return {f"traversal_{index}": _draw_code_grid(
        run, lambda codes, index=index: grids.traversal_images(run.model, index, codes, columns, seed),
        f"continuous code {index} varies, ", places) for index in range(run.model.num_continuous)}


@register_figure("neighbours")
def _draw_neighbours(run):
    image_set = run.image_set.labelled()
    features, _ = sampling.encode_images(run.model, image_set.images)
    found = knn.find_neighbours(features, image_set.labels, run.options.seed)
    if found is None:
        run.notes.append("there are too few images to hold some out; neighbours are left out")
        return None
    return draw_neighbours(found.queries, found.found, image_set.images, image_set.labels,
                           image_set.class_names, _neighbours_title(found, run.about), run.side)


@register_figure("prior")
def _draw_prior(run):
    if run.record is None:
        return charts.draw_prior_by_rank(run.probabilities, run.image_set.class_fractions(), run.learned)
    by_class, unmatched = metrics.match_prior(
        run.probabilities, run.record.code_to_class, len(run.record.class_names))
    return charts.draw_prior(run.record.true_fractions, by_class, run.record.class_names, unmatched,
                             run.learned, len(run.probabilities))


@register_figure("prior_history")
def _draw_prior_history(run):
    path, num_codes = run.directory.prior, len(run.probabilities)
    table = read_table(path, run.notes)
    if table is None:
        return None
    epochs = table.pop("epoch")
    if len(table) != num_codes:
        raise UserError(f"{path} has {len(table)} codes, the run {num_codes}; expected the file that "
                        "training wrote")
    record = run.record
    classes = (record.code_to_class, record.class_names, record.true_fractions) if record else ()
    return charts.draw_prior_history(epochs, np.stack(list(table.values()), axis=1), *classes)


@register_figure("losses")
def _draw_losses(run):
    table = read_table(run.directory.history, run.notes)
    return None if table is None else charts.draw_losses(table.pop("epoch"), table)


@register_figure("confusion")
def _draw_confusion(run):
    record = run.record
    return record and charts.draw_confusion(record.confusion, record.code_to_class, record.class_names)


def order_codes(probabilities: np.ndarray, record: EvaluationRecord | None = None,
                grouping: CodeGrouping | None = None) -> tuple[list[int], str]:
    """Return all K codes in the order of a figure, and that order in words for its title.

    Args:
        probabilities: float [K].
        record: the run's evaluation, whose matched classes give the order, codes without a class last;
            None to begin with the most probable code.
        grouping: categories, which come before that order: the codes of each as `codes_of` orders them.
    """
    if grouping is not None:
        ordered = [grouping.codes_of(category) for category in range(grouping.num_categories)]
        return np.concatenate(ordered).tolist(), "ordered by category"
    if record is None:
        return np.argsort(-np.asarray(probabilities), kind="stable").tolist(), "the most probable first"
    return charts.order_by_class(record.code_to_class), "ordered by the classes that they match"


def code_label(code: int, probability: float, record: EvaluationRecord | None = None,
               category: int | None = None) -> str:
    """Return the text beside a code: its number, its probability, its matched class and how well it matches.

    Matching is one to one, so that it may give a code a class that few of its images show: the share of
    those that do stands beside the class. In place of the match, which few codes of a category can have, a
    code with a category has the class that most of its images show.
    """
    if category is None:
        lines = [f"code {code}", f"p = {probability:.3f}"]
    else:
        lines = [f"code {code}, category {category}", f"p = {probability:.3f}"]
    if record is not None:
        counts = record.confusion[code]
        match = record.code_to_class[code] if category is None else int(np.argmax(counts))
        if match is None:
            lines.append("no class")
        else:
            share = counts[match] / max(1, counts.sum())
            lines.append(f"{class_label(record.class_names[match], _LONGEST_NAME)}: {100 * share:.0f} %")
    return "\n".join(lines)


def match_categories(grouping: CodeGrouping, record: EvaluationRecord) -> list[int | None]:
    """Return the class of each category, one to one, None for those without one.

    As in the evaluation of categories, the most generated images agree; here their numbers are those expected
    of p(code | category) instead of one draw.

    Args:
        grouping: M categories of K codes.
        record: the evaluation of the K codes.
    """
    shares = record.confusion / np.maximum(1, record.confusion.sum(axis=1, keepdims=True))
    return metrics.match_codes(grouping.code_distribution @ shares)


def _check_codes(codes, num_codes):
    for code in codes or ():
        if not 0 <= code < num_codes:
            raise UserError(f"--codes has {code}; the run has {num_codes} codes, expected numbers from 0 to "
                            f"{num_codes - 1}")


def _draw_code_grid(run, make_rows, subject="", places=()):
    """Draw the rows of images that `make_rows` returns for the codes of the run's options."""
    codes, order = order_codes(run.probabilities, run.record, run.grouping)
    if run.options.codes is not None:
        codes, order = run.options.codes, "as chosen"
    categories = None if run.grouping is None else run.grouping.code_to_category
    labels = [code_label(code, run.probabilities[code], run.record,
                         None if categories is None else categories[code]) for code in codes]
    line, other = ("column", "row") if run.options.as_columns else ("row", "column")
    title = (f"{run.about}: {subject}one {line} for each categorical code, {order}. Images of one {other} "
             f"differ in that code alone. p is its {'learned' if run.learned else 'fixed'} probability")
    if run.record is not None:
        title += ", the percentage is the share of its images that the classifier assigns to the class"
        title += "" if categories is None else " beside it, the most frequent one"
    return draw_image_grid(tiling.shrink(make_rows(codes), run.side), labels, title, places,
                           run.options.as_columns)


def _neighbours_title(neighbours, about):
    num = neighbours.found.shape[1]
    text = f"{about}: real images and their {num} nearest neighbours by the encoder's features"
    if neighbours.share_right is None:
        return text
    some = "" if neighbours.all_classes else f", for {len(neighbours.queries)} of the classes"
    return (f"{text}{some}; red frames mark another class. Of the neighbours of all "
            f"{neighbours.num_held_out:,} held-out images, {100 * neighbours.share_right:.1f} % are of the "
            "right class")


def read_table(path: Path, notes: list[str]) -> dict[str, np.ndarray] | None:
    """Return the columns of a table of training, float64 [E] by name; None, and a note, if it is missing.

    Args:
        path: `history.csv` or `prior.csv` of a run directory.
        notes: gets the note.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        values = np.array(rows, np.float64)
        if header[0] != "epoch" or values.shape[1:] != (len(header),) or len(header) < 2:
            raise ValueError(f"its columns are {', '.join(header)} of {values.shape}")
    except FileNotFoundError:
        notes.append(f"{path} is missing; its figure is left out")
        return None
    except (ValueError, IndexError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}; expected the table that training wrote, or "
                        "none") from None
    return dict(zip(header, values.T))

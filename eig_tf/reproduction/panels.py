"""The paper's figures: generated images, neighbours and traversals of several runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from eig_tf.errors import UserError
from eig_tf.evaluation import knn
from eig_tf.evaluation.run_figures import FigureOptions, PlottedRun, code_label, order_codes
from eig_tf.figures import grids
from eig_tf.figures.image_grid import ImageGrid
from eig_tf.figures.neighbours import neighbour_places, neighbour_rows
from eig_tf.figures.page import MARGIN, TITLE_SIZE, Page
from eig_tf.models import sampling
from eig_tf.reproduction.evaluated_runs import Run

_GAP, _HEADING = 40, 24  # pixels


class PanelRuns(NamedTuple):
    """The runs of a figure.

    Attributes:
        runs: a run for each panel, None where there is none.
        why: a sentence on how they were chosen.
    """

    runs: list[Run | None]
    why: str


def choose_runs(panels: Sequence[tuple[str, str]], runs: dict[str, Sequence[Run]]) -> PanelRuns:
    """Choose the runs that a figure shows, on the split on which the last panel's method is at its median.

    The paper does not say which run it shows. The methods of the last panel's sweep are shown on the same
    class set, split and seed: of those that each of them with runs has, the one where the NMI of the last of
    them is its median, the lower one of two. Runs of other sweeps are on the same ones where they can be.

    Args:
        panels: (sweep, method) of each panel.
        runs: runs by sweep.

    Raises:
        UserError: no panel has a run.
    """
    by_panel = [{run.key: run for run in runs[sweep] if run.row == method} for sweep, method in panels]
    main_sweep, _ = panels[-1]
    paired = [found for (sweep, _), found in zip(panels, by_panel) if sweep == main_sweep and found]
    keys = set.intersection(*map(set, paired)) if paired else set()
    if not keys:
        names = ", ".join(f"{method} of {sweep}" for sweep, method in panels)
        raise UserError(f"there is no split on which all of {names} have a run; expected one at least")
    deciding = paired[-1]
    ordered = sorted(keys, key=lambda key: (deciding[key].value("nmi"), key))
    chosen = ordered[(len(ordered) - 1) // 2]
    shown = [found.get(chosen, next(iter(found.values()), None)) for found in by_panel]
    others = "the others" if all(run is None or run.key == chosen for run in shown) else (
        f"the others of the {main_sweep} sweep")
    why = (f"The paper does not say which runs it shows. Here {deciding[chosen].row} has its median NMI of "
           f"{len(keys)} run{'s' * (len(keys) != 1)}, and {others} have the same class set, split and "
           f"seed ({'/'.join(chosen)}).")
    return PanelRuns(shown, why)


def draw_figure(kind: str, runs: Sequence[Run | None], names: Sequence[str], columns: int = grids.COLUMNS,
                cache_dir: str | None = None) -> tuple[Figure, list[str]]:
    """Draw a figure with a panel for each run.

    Args:
        kind: `codes`, a row for each code; `columns`, a column for each code; `neighbours`; or `traversals`,
            a panel for each continuous code of each run.
        runs: the runs of the panels; None leaves a panel out.
        names: a text above each panel.
        columns: images of each code.
        cache_dir: directory of decoded data sets; the user's cache directory if None.

    Returns:
        The figure, and sentences on what is missing.

    Raises:
        UserError: a run has no checkpoint, or its data cannot be loaded.
    """
    options = FigureOptions(columns=columns)
    found, notes = [], []
    for run, name in zip(runs, names):
        if run is None:
            notes.append(f"{name} is missing: there is no run")
            continue
        directory = _run_directory(run)
        plotted = PlottedRun(directory, options, cache_dir=cache_dir)
        notes += plotted.notes
        found += [(f"{name}{part}", grid) for part, grid in _GRIDS[kind](plotted)]
    return _place_grids(found, stacked=kind in ("columns", "neighbours")), notes


def _place_grids(found: Sequence[tuple[str, ImageGrid]], stacked: bool) -> Figure:
    """Place named grids from left to right, or below each other."""
    widths = [grid.width for _, grid in found]
    page = Page(max(widths) if stacked else sum(widths) + _GAP * (len(found) - 1))
    left = 0.0
    for name, grid in found:
        top = (page.height + MARGIN if page.height else 0.0) if stacked else 0.0
        page.add_text(name, left + grid.label_width, top, ha="left", va="top", fontsize=TITLE_SIZE)
        grid.add_to(page, left, top + _HEADING)
        left += 0 if stacked else grid.width + _GAP
    return page.make_figure()


def _code_grids(run: PlottedRun, as_columns: bool = False) -> Iterator[tuple[str, ImageGrid]]:
    codes, _ = order_codes(run.probabilities, run.record)
    rows = grids.code_images(run.model, codes, run.options.columns, run.options.seed)
    yield "", ImageGrid(rows, _code_labels(run, codes), (), as_columns)


def _code_columns(run: PlottedRun) -> Iterator[tuple[str, ImageGrid]]:
    return _code_grids(run, as_columns=True)


def _traversal_grids(run: PlottedRun) -> Iterator[tuple[str, ImageGrid]]:
    codes, _ = order_codes(run.probabilities, run.record)
    columns = run.options.columns
    places = [f"{position:.3g}" for position in grids.traversal_positions(columns)]
    for index in range(run.model.num_continuous):
        rows = grids.traversal_images(run.model, index, codes, columns, run.options.seed)
        yield f", continuous code {index}", ImageGrid(rows, _code_labels(run, codes), places)


def _neighbour_grids(run: PlottedRun) -> Iterator[tuple[str, ImageGrid]]:
    image_set = run.image_set
    features, _ = sampling.encode_images(run.model, image_set.images)
    found = knn.find_neighbours(features, image_set.labels, run.options.seed)
    if found is None:
        raise UserError(f"{run.directory.path}: there are too few images to hold some out; expected five of "
                        "a class or more")
    rows, labels = neighbour_rows(found.queries, found.found, image_set.images, image_set.labels,
                                  image_set.class_names)
    part = f", {100 * found.share_right:.1f} % of the neighbours of all held-out images are right"
    yield part, ImageGrid(rows, labels, neighbour_places(found.found))


_GRIDS: dict[str, Callable[[PlottedRun], Iterator[tuple[str, ImageGrid]]]] = {
    "codes": _code_grids, "columns": _code_columns, "neighbours": _neighbour_grids,
    "traversals": _traversal_grids}


def _code_labels(run: PlottedRun, codes: Sequence[int]) -> list[str]:
    return [code_label(code, run.probabilities[code], run.record) for code in codes]


def _run_directory(run: Run) -> Path:
    directory = run.path.parent
    if not (directory / "checkpoints").is_dir():
        raise UserError(f"{run.path} is not in a run directory: there is no {directory / 'checkpoints'}; "
                        "figures expect evaluations of runs with checkpoints")
    return directory

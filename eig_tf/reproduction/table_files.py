"""The files of a table: Markdown, CSV, LaTeX and a picture."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eig_tf import files
from eig_tf.evaluation.plots import save_figures
from eig_tf.figures.page import figure_style
from eig_tf.reproduction.comparison import METRIC_NAMES, Cell, Difference, Table

MISSING = "missing"
_CSV_COLUMNS = ("table", "dataset", "row", "metric", "mean", "std", "runs", "paper", "paper_std",
                "difference", "low", "high", "differences", "difference_to")
_LATEX_ESCAPES = str.maketrans({"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "±": r"$\pm$"})
OWN_COLOUR, PAPER_COLOUR = "tab:blue", "0.45"


def write_table(table: Table, output: str | os.PathLike, remarks: Sequence[str] = ()) -> list[Path]:
    """Write `<name>.md`, `.csv`, `.tex` and `.png` of a table into a directory, which is made if missing.

    Args:
        table: the table.
        output: the directory.
        remarks: sentences below the tables of the Markdown file.

    Returns:
        The paths.
    """
    texts = {"md": format_markdown(table, remarks), "csv": format_csv(table), "tex": format_latex(table)}
    return write_files(table.name, texts, partial(draw_table, table), output)


def write_files(name: str, texts: Mapping[str, str], draw: Callable[[], Figure],
                output: str | os.PathLike) -> list[Path]:
    """Write texts by suffix and a picture, `<name>.png`, into a directory, which is made if missing.

    Returns:
        The paths.
    """
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for suffix, text in texts.items():
        files.write_text(text, output / f"{name}.{suffix}")
    with figure_style():
        pictures = save_figures({name: draw()}, output, ("png",))
    return [*(output / f"{name}.{suffix}" for suffix in texts), *pictures]


def format_markdown(table: Table, remarks: Sequence[str] = ()) -> str:
    """Return a section with a table for each data set, its settings, and remarks below all of them."""
    parts = [f"# {table.title}", table.about]
    if table.overview:
        for metric in table.metrics:
            parts += [f"## {METRIC_NAMES[metric]} on all data sets", _format_overview(table, metric)]
    for dataset, rows in table.rows.items():
        parts += [f"## {dataset}",
                  format_lines(_headings(table), [_texts(table, dataset, row) for row in rows]),
                  "\n".join(f"- {note}" for note in table.notes[dataset])]
    parts += ["\n".join(f"- {remark}" for remark in remarks)] if remarks else []
    return "\n\n".join(parts) + "\n"


def _format_overview(table: Table, metric: str) -> str:
    """Return a table of one metric with a column for each data set, without differences."""
    names = dict.fromkeys(row for rows in table.rows.values() for row in rows)
    lines = [[row, *(_own_text(table.cells[dataset, row, metric], table) if row in rows else MISSING
                     for dataset, rows in table.rows.items())] for row in names]
    return format_lines([table.row_heading, *table.rows], lines)


def format_lines(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [headings, ["---"] * len(headings), *lines])


def format_csv(table: Table) -> str:
    """Return one line for each data set, row and metric, with all digits; unknown numbers are empty."""
    return format_csv_lines(_CSV_COLUMNS, (
        [table.name, dataset, row, metric, cell.mean, cell.std, cell.num, *(cell.published or (None, None)),
         *(cell.difference or (None,) * 4), table.reference]
        for (dataset, row, metric), cell in table.cells.items()))


def format_csv_lines(headings: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    """Return a CSV table; None is empty."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([headings, *lines])
    return text.getvalue()


def format_latex(table: Table) -> str:
    """Return a `tabular` for each data set, which needs no package."""
    parts = [f"% {table.title}"]
    for dataset, rows in table.rows.items():
        lines = [_headings(table), *(_texts(table, dataset, row) for row in rows)]
        head, *body = (" & ".join(text.translate(_LATEX_ESCAPES) for text in line) + r" \\" for line in lines)
        parts.append("\n".join([
            *(f"% {note}" for note in (dataset, *table.notes[dataset])),
            rf"\begin{{tabular}}{{l{'r' * (len(_headings(table)) - 1)}}}", r"\hline", head, r"\hline", *body,
            r"\hline", r"\end{tabular}"]))
    return "\n\n".join(parts) + "\n"


def draw_table(table: Table) -> Figure:
    """Draw every number beside the paper's: a row of axes for each data set, a column for each metric.

    Bars are standard deviations.
    """
    names = [f"{row} ({table.cells[dataset, row, table.metrics[0]].num})"
             for dataset, rows in table.rows.items() for row in rows]
    heights = [0.5 + 0.22 * len(rows) for rows in table.rows.values()]
    width = 0.4 + 0.06 * max(map(len, names)) + 2.2 * len(table.metrics)
    figure = Figure(figsize=(width, 0.5 + sum(heights)), layout="constrained")
    axes = figure.subplots(len(table.rows), len(table.metrics), squeeze=False, sharey="row",
                           height_ratios=heights)
    for (dataset, rows), places in zip(table.rows.items(), axes):
        for place, metric in zip(places, table.metrics):
            for position, row in enumerate(rows):
                cell = table.cells[dataset, row, metric]
                draw_point(place, position + 0.17, cell.published or (None, None), PAPER_COLOUR, "D")
                draw_point(place, position - 0.17, (cell.mean, cell.std), OWN_COLOUR, "o")
        label_panels(places, [f"{dataset}: {METRIC_NAMES[metric]}" for metric in table.metrics],
                     names[:len(rows)])
        del names[:len(rows)]
    add_legend(figure, axes[0, 0], "this project (number of runs)",
               "paper" if _has(table, "published") else None)
    return figure


def draw_point(axes: Axes, position: float, value: tuple[float | None, float | None], colour: str,
               marker: str) -> None:
    """Draw a number and its deviation, where they are not None, at a height of a row of `axes`."""
    mean, deviation = value
    if mean is not None:
        axes.errorbar(mean, position, xerr=deviation, fmt=marker, color=colour, markersize=3.5,
                      elinewidth=0.8, capsize=1.5)


def label_panels(panels: Sequence[Axes], titles: Sequence[str], rows: Sequence[str]) -> None:
    """Write the titles of panels side by side, and the names of their common rows on the left."""
    for panel, title in zip(panels, titles):
        panel.set_title(title, fontsize=8)
        panel.tick_params(axis="x", labelsize=6)
        panel.grid(axis="x", linewidth=0.3)
    panels[0].set_yticks(range(len(rows)), rows, fontsize=6)
    panels[0].set_ylim(len(rows) - 0.5, -0.5)


def add_legend(figure: Figure, axes: Axes, own: str, paper: str | None) -> None:
    """Say above a figure what the points of `draw_point` are; None for no points of the paper."""
    kinds = [("o", OWN_COLOUR, own), *([("D", PAPER_COLOUR, paper)] if paper else [])]
    handles = [axes.plot([], [], marker, color=colour, markersize=4, label=label)[0]
               for marker, colour, label in kinds]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, fontsize=7)


def format_difference(difference: Difference | None, decimals: int = 3) -> str:
    """Return `-0.120 [-0.200, -0.040] (4)`, without an interval for a single one; empty for None."""
    if difference is None:
        return ""
    mean, low, high = (value if value is None else f"{value:+.{decimals}f}" for value in difference[:3])
    return f"{mean}{'' if low is None else f' [{low}, {high}]'} ({difference.num})"


def _headings(table):
    return [table.row_heading, *(heading for metric in table.metrics
                        for heading in _metric_headings(METRIC_NAMES[metric], table))]


def _metric_headings(name, table):
    return [name, *(["paper"] if _has(table, "published") else []),
            *([f"difference of {name} [95 %]"] if _has(table, "difference") else [])]


def _has(table, column):
    return any(getattr(cell, column) is not None for cell in table.cells.values())


def _texts(table, dataset, row) -> list[str]:
    return [row, *(text for metric in table.metrics
                   for text in _cell_texts(table.cells[dataset, row, metric], table))]


def _own_text(cell: Cell, table: Table) -> str:
    return f"{_with_deviation(cell.mean, cell.std, table.decimals)} ({cell.num})" if cell.num else MISSING


def _cell_texts(cell: Cell, table: Table) -> Iterator[str]:
    yield _own_text(cell, table)
    if _has(table, "published"):
        yield _with_deviation(*cell.published, table.decimals) if cell.published else ""
    if _has(table, "difference"):
        yield format_difference(cell.difference, table.decimals)


def _with_deviation(mean, std, decimals):
    return f"{mean:.{decimals}f}" + ("" if std is None else f" ± {std:.{decimals}f}")

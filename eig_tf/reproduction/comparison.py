"""Tables of evaluations beside the paper's, with differences that are paired by run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scipy import stats

from eig_tf.evaluation.paper import published_value
from eig_tf.reproduction.evaluated_runs import Run, check_equal_settings, choose_tuned, describe_settings
from eig_tf.reproduction.protocol import RANDOM_WEIGHTS

REFERENCE = "elastic_infogan"
CONFIDENCE = 0.95
METRIC_NAMES = {
    "nmi": "NMI", "ent": "ENT", "one_nn_accuracy": "1-NN", "prior_total_variation": "TV matched",
    "generated_total_variation": "TV generated", "expected_false_negatives": "E(F.N.)",
    "one_nn_accuracy_of_random_weights": "1-NN before training",
    "prior_total_variation_of_uniform": "TV matched of a uniform prior",
    "generated_total_variation_of_uniform": "TV generated from uniform codes"}
_ABOUT = (
    "Means over runs ± standard deviation (n - 1), with the number of runs in brackets; `missing` where "
    "there is no run. The difference is to {reference}, over pairs of runs of the same data set, class set, "
    "split and seed, with Student's 95 % interval and the number of independent differences: those of one "
    "class set, or of one split where there are no class sets, are averaged first. With a single split they "
    "are those of its seeds, and one difference has no interval.")
_ABOUT_PUBLISHED = (
    " The paper's numbers are of its own data and settings: compare with them only where the line below a "
    "table says that these are the same.")


class Difference(NamedTuple):
    """The mean of `num` independent differences to the reference; a single one has no interval."""

    mean: float
    low: float | None
    high: float | None
    num: int


class Cell(NamedTuple):
    """A number of a table.

    Attributes:
        mean: mean over the runs; None without any.
        std: standard deviation (n - 1); None for fewer than two runs.
        num: number of runs.
        published: the paper's number and its standard deviation, None where it states none; None where
            the paper has no such number.
        difference: to the reference; None without pairs and for the reference itself.
    """

    mean: float | None
    std: float | None
    num: int
    published: tuple[float, float | None] | None
    difference: Difference | None


class Table(NamedTuple):
    """A table of the paper with this project's numbers.

    Attributes:
        name: stem of its files.
        title: a sentence on what it shows.
        about: how its numbers are to be read.
        metrics: names of metrics.
        rows: names of rows by data set, each data set a column.
        cells: by data set, row and metric.
        notes: sentences on settings and choices, by data set.
        reference: the row that differences are to.
        decimals: of its numbers, except in the CSV file.
        row_heading: what its rows are.
        overview: whether the Markdown file starts with one table of all data sets for each metric.
    """

    name: str
    title: str
    about: str
    metrics: tuple[str, ...]
    rows: dict[str, tuple[str, ...]]
    cells: dict[tuple[str, str, str], Cell]
    notes: dict[str, tuple[str, ...]]
    reference: str = REFERENCE
    decimals: int = 3
    row_heading: str = "method"
    overview: bool = False


def compare_with_paper(name: str, title: str, published_table: str | None, metrics: Sequence[str],
                       rows: Sequence[str], runs: Sequence[Run], datasets: Sequence[str],
                       reference: str = REFERENCE, across_rows: bool = True) -> Table:
    """Build a table of methods beside the paper's.

    Args:
        name: stem of the table's files.
        title: a sentence on what it shows.
        published_table: the paper's table, see `paper.published_value`; None for none.
        metrics: names of metrics.
        rows: methods, also those without runs; `random_weights` is the encoder before training. Other
            methods of `runs` follow.
        runs: the evaluations.
        datasets: the columns, also those without runs.
        reference: the row that differences are to.
        across_rows: see `check_equal_settings`.

    Raises:
        UserError: two evaluations are of one run, runs of one column differ in their settings, or an
            evaluation lacks a metric.
    """
    found_rows: dict[str, tuple[str, ...]] = {}
    cells, notes = {}, {}
    for dataset in datasets:
        # A table with untrained weights has no place for other methods.
        of_column = [run for run in runs if run.dataset == dataset and (
            run.row in rows or RANDOM_WEIGHTS not in rows)]
        check_equal_settings(of_column, across_rows)
        chosen, remarks = choose_tuned(of_column)
        by_row: dict[str, list[Run]] = {}
        for run in chosen:
            by_row.setdefault(run.row, []).append(run)
        found_rows[dataset] = (*rows, *(row for row in by_row if row not in rows))
        for metric in metrics:
            values = {row: ({run.key: run.value(metric) for run in by_row.get(row, [])}
                            if row != RANDOM_WEIGHTS else untrained_accuracies(by_row, rows))
                      for row in found_rows[dataset]}
            for row, of_row in values.items():
                published = published_table and published_value(published_table, dataset, row, metric)
                difference = None if row == reference else paired_difference(
                    of_row, values.get(reference, {}), {run.key: run.data_group for run in chosen})
                cells[dataset, row, metric] = make_cell(list(of_row.values()), published or None, difference)
        notes[dataset] = (*describe_settings(chosen, None if across_rows else reference), *remarks)
    about = _ABOUT.format(reference=reference) + (_ABOUT_PUBLISHED if published_table else "")
    return Table(name, title, about, tuple(metrics), found_rows, cells, notes, reference)


def make_cell(values: Sequence[float], published: tuple[float, float | None] | None,
              difference: Difference | None) -> Cell:
    """Return the cell of the values of all runs of a row."""
    return Cell(statistics.mean(values) if values else None,
                statistics.stdev(values) if len(values) > 1 else None, len(values), published, difference)


def paired_difference(values: Mapping[tuple, float], reference: Mapping[tuple, float],
                      data_groups: Mapping[tuple, str]) -> Difference | None:
    """Return the mean of the differences of paired runs, with Student's interval of 95 % confidence.

    Runs on the same data are not independent: their differences are averaged first. In a single group, each
    run is a draw of the training's randomness, and its difference counts by itself.

    Args:
        values: value by key of the run.
        reference: the same for the reference.
        data_groups: `Run.data_group` by key of the run.

    Returns:
        values - reference over the keys that both have; None without any.
    """
    groups: dict[str, list[float]] = {}
    for key in sorted(values.keys() & reference.keys()):
        groups.setdefault(data_groups[key], []).append(values[key] - reference[key])
    if not groups:
        return None
    differences = [statistics.mean(group) for group in groups.values()]
    if len(groups) == 1:
        (differences,) = groups.values()
    mean, num = statistics.mean(differences), len(differences)
    if num == 1:
        return Difference(mean, None, None, 1)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, num - 1) * stats.sem(differences))
    return Difference(mean, mean - half, mean + half, num)


def untrained_accuracies(by_row: Mapping[str, Sequence[Run]], rows: Sequence[str]) -> dict[tuple, float]:
    """Return the 1-NN accuracy of each run's encoder before training, once for each data, split and seed.

    The methods of one seed begin with the same encoder, so that the last of `rows` with such a run counts.
    """
    return {run.key: run.value("one_nn_accuracy_of_random_weights")
            for row in rows for run in by_row.get(row, [])}

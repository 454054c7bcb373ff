"""The claims of the paper as paired differences on each data set, with a verdict."""

from __future__ import annotations

import os
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from eig_tf.evaluation.paper import published_value
from eig_tf.reproduction.comparison import METRIC_NAMES, Difference, paired_difference
from eig_tf.reproduction.evaluated_runs import Run, check_equal_settings, choose_tuned, describe_settings
from eig_tf.reproduction.protocol import CLAIMS, RANDOM_WEIGHTS, Claim
from eig_tf.reproduction.table_files import (
    MISSING,
    OWN_COLOUR,
    PAPER_COLOUR,
    add_legend,
    draw_point,
    format_csv_lines,
    format_difference,
    format_lines,
    label_panels,
    write_files,
)

_ABOUT = (
    "Each claim says that a metric of one method exceeds that of another. A cell is the mean difference, "
    "over pairs of runs of the same data set, class set, split and seed, with Student's 95 % interval and "
    "the number of independent differences, as in the other tables; `missing` where there is no pair. A "
    "claim holds on a data set if the interval is above 0, does not hold if it is below 0, and is open "
    "otherwise. The column over data sets is the mean of the differences of all data sets, each of which "
    "counts once, and its interval is over them. The intervals are not corrected for the number of claims.")
_CSV_COLUMNS = ("claim", "greater", "greater_metric", "less", "less_metric", "dataset", "difference", "low",
                "high", "differences", "verdict", "paper")
_METRICS_OF_TABLES = {"nmi": "table_1", "ent": "table_1", "one_nn_accuracy": "table_4"}
HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
OVER_DATASETS = "over data sets"


class ClaimResult(NamedTuple):
    """A claim on the data sets of a table.

    Attributes:
        claim: the claim.
        differences: by data set, and with two data sets or more `OVER_DATASETS`; None without a pair of runs.
        published: the same difference of the paper's numbers, None where it has none.
    """

    claim: Claim
    differences: dict[str, Difference | None]
    published: dict[str, float | None]

    def verdicts(self) -> dict[str, list[str]]:
        """Return where the claim holds, does not hold and is open, without the verdicts of nowhere."""
        found: dict[str, list[str]] = {HOLDS: [], FAILS: [], OPEN: []}
        for dataset, difference in self.differences.items():
            if difference is not None:
                found[judge(difference)].append(dataset)
        return {verdict: datasets for verdict, datasets in found.items() if datasets}


class ClaimTable(NamedTuple):
    """Claims on the data sets of a table.

    Attributes:
        results: the claims with their differences.
        notes: sentences on the settings of the runs by data set, see `describe_settings`.
    """

    results: list[ClaimResult]
    notes: dict[str, list[str]]


def judge(difference: Difference) -> str:
    """Return `HOLDS`, `FAILS` or `OPEN` by the interval of a difference that should be positive."""
    if difference.low is not None and difference.low > 0:
        return HOLDS
    return FAILS if difference.high is not None and difference.high < 0 else OPEN


def compare_claims(claims: Sequence[Claim], runs: Sequence[Run],
                   datasets: Sequence[str]) -> ClaimTable:
    """Compute the differences of claims.

    Args:
        claims: the claims.
        runs: the evaluations.
        datasets: the columns, also those without runs.

    Raises:
        UserError: two evaluations are of one run, runs of one column differ in their settings, or an
            evaluation lacks a metric.
    """
    by_dataset = {}
    for dataset in datasets:
        of_column = [run for run in runs if run.dataset == dataset]
        check_equal_settings(of_column)
        by_dataset[dataset], _ = choose_tuned(of_column)
    results = []
    for claim in claims:
        found = {dataset: _difference(claim, of_column) for dataset, of_column in by_dataset.items()}
        published = {dataset: _published_difference(claim, dataset) for dataset in datasets}
        if len(datasets) > 1:
            found[OVER_DATASETS] = _difference_over_datasets(found)
            known = [value for value in published.values() if value is not None]
            published[OVER_DATASETS] = statistics.mean(known) if known else None
        results.append(ClaimResult(claim, found, published))
    return ClaimTable(results, {dataset: describe_settings(of_column)
                                for dataset, of_column in by_dataset.items()})


def write_claims(table: ClaimTable, output: str | os.PathLike) -> list[Path]:
    """Write `claims.md`, `.csv` and `.png` into a directory, which is made if missing; return the paths."""
    texts = {"md": format_markdown(table), "csv": format_csv(table.results)}
    return write_files(CLAIMS, texts, partial(draw_claims, table.results), output)


def format_markdown(table: ClaimTable) -> str:
    """Return a table of differences and verdicts, one of the paper's differences, and the settings."""
    results = table.results
    columns = list(results[0].differences)
    found = [[result.claim.text, _compared(result.claim),
              *(format_difference(difference) or MISSING for difference in result.differences.values()),
              _format_verdicts(result.verdicts())] for result in results]
    published = [[result.claim.text, _compared(result.claim),
                  *("" if value is None else f"{value:+.3f}" for value in result.published.values())]
                 for result in results if any(value is not None for value in result.published.values())]
    parts = ["# Claims of the paper", _ABOUT,
             format_lines(["claim", "difference", *columns, "verdict"], found)]
    if published:
        parts += ["## The same differences of the paper's numbers",
                  format_lines(["claim", "difference", *columns], published)]
    for dataset, notes in table.notes.items():
        parts += [f"## {dataset}", "\n".join(f"- {note}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def format_csv(results: Sequence[ClaimResult]) -> str:
    """Return one line for each claim and data set, with all digits; unknown numbers are empty."""
    return format_csv_lines(_CSV_COLUMNS, (
        [result.claim.text, *result.claim.greater, *result.claim.less, dataset, *(difference or (None,) * 4),
         judge(difference) if difference else None, result.published[dataset]]
        for result in results for dataset, difference in result.differences.items()))


def draw_claims(results: Sequence[ClaimResult]) -> Figure:
    """Draw the differences with their intervals beside those of the paper, a panel for each data set."""
    datasets = list(results[0].differences)
    texts = ["\n".join(textwrap.wrap(f"{result.claim.text}: {_compared(result.claim)}".replace("`", ""), 70))
             for result in results]
    figure = Figure(figsize=(4.2 + 1.5 * len(datasets), 1 + 0.34 * len(results)), layout="constrained")
    axes = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    for place, dataset in zip(axes, datasets):
        place.axvline(0, color="0.7", linewidth=0.8)
        for position, result in enumerate(results):
            draw_point(place, position + 0.17, (result.published[dataset], None), PAPER_COLOUR, "D")
            found = result.differences[dataset]
            if found is not None:
                half = None if found.low is None else found.mean - found.low
                draw_point(place, position - 0.17, (found.mean, half), OWN_COLOUR, "o")
    label_panels(axes, datasets, texts)
    has_published = any(value is not None for result in results for value in result.published.values())
    add_legend(figure, axes[0], "this project (95 % interval)", "paper" if has_published else None)
    return figure


def _difference(claim: Claim, runs: Sequence[Run]) -> Difference | None:
    methods = {run.row for run in runs}
    if not {claim.greater[0], claim.less[0]} <= methods:
        return None
    greater, less = ({run.key: run.value(metric) for run in runs if run.row == method}
                     for method, metric in (claim.greater, claim.less))
    return paired_difference(greater, less, {run.key: run.data_group for run in runs})


def _difference_over_datasets(differences: Mapping[str, Difference | None]) -> Difference | None:
    means = {(dataset,): found.mean for dataset, found in differences.items() if found is not None}
    return paired_difference(means, dict.fromkeys(means, 0.0), {key: key[0] for key in means})


def _published_difference(claim: Claim, dataset: str) -> float | None:
    numbers = [_published(dataset, *side) for side in (claim.greater, claim.less)]
    return None if None in numbers else numbers[0] - numbers[1]


def _published(dataset: str, method: str, metric: str) -> float | None:
    if metric.endswith("_of_random_weights"):
        method, metric = RANDOM_WEIGHTS, metric.removesuffix("_of_random_weights")
    table = _METRICS_OF_TABLES.get(metric)
    found = table and published_value(table, dataset, method, metric)
    return found[0] if found else None


def _compared(claim: Claim) -> str:
    """Return what is subtracted from what, in the names of the other tables."""
    (method, metric), (other, other_metric) = claim.greater, claim.less
    if metric == other_metric:
        return f"{METRIC_NAMES[metric]}: `{method}` less `{other}`"
    return f"`{method}`: {METRIC_NAMES[metric]} less {METRIC_NAMES[other_metric]}"


def _format_verdicts(verdicts: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for verdict, columns in verdicts.items():
        datasets = [column for column in columns if column != OVER_DATASETS]
        places = [OVER_DATASETS] if OVER_DATASETS in columns else []
        places += [f"on {', '.join(datasets)}"] if datasets else []
        parts.append(f"{verdict} {' and '.join(places)}")
    return "; ".join(parts) or MISSING

"""The report of a sweep: its methods side by side on each data set."""

from __future__ import annotations

import collections
import os
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from PIL import Image

from eig_tf.data import names
from eig_tf.errors import UserError
from eig_tf.evaluation.record import EvaluationRecord, load_record
from eig_tf.evaluation.run_figures import read_table
from eig_tf.reports import charts
from eig_tf.reports.page import write_page
from eig_tf.reports.sprites import to_data_uri
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.sweeps.spec import SweepRun
from eig_tf.sweeps.sweep_directory import SweepDirectory, load_sweep

_GRID_SIDE = 420  # pixels of a sample grid, at most


class Column(NamedTuple):
    """A number of each run: its title, where it is in a record, and whether lower is better."""

    title: str
    read: Callable[[EvaluationRecord], float | None]
    lower_is_better: bool = False


def _metric(name):
    return lambda record: record.score(name)


def _distribution_error(record):
    return (record.categories or {}).get("distribution_error")


COLUMNS = (
    Column("NMI", _metric("nmi")), Column("ENT", _metric("ent"), True),
    Column("prior error", _metric("prior_total_variation"), True),
    Column("1-NN", _metric("one_nn_accuracy")), Column("accuracy", _metric("real_accuracy")),
    Column("distribution error", _distribution_error, True),
)


class EvaluatedRun(NamedTuple):
    """A run of a sweep with its evaluation."""

    run: SweepRun
    record: EvaluationRecord


def report_sweep(sweep_dir: str | os.PathLike, output: str | os.PathLike) -> tuple[str, list[str]]:
    """Write the report of a sweep, finished or not.

    Args:
        sweep_dir: the directory of the sweep.
        output: the HTML file, whose links to run directories are relative.

    Returns:
        What was found in one line, and sentences on what is missing.

    Raises:
        UserError: there is no sweep, or a file of it is damaged.
        OSError: the file cannot be written.
    """
    sweep, directory = load_sweep(sweep_dir), SweepDirectory(sweep_dir)
    notes: list[str] = []
    groups: dict[tuple[str, str], list[EvaluatedRun]] = collections.defaultdict(list)
    for run in sweep.spec.runs:
        if run.name in sweep.evaluations:
            record = load_record(sweep.evaluations[run.name])
            groups[run.label, run.setting].append(EvaluatedRun(run, record))
    states = collections.Counter(status.state for status in sweep.status.values())
    num = len(sweep.spec.runs)
    by_state = ", ".join(f"{count} {state}" for state, count in states.items())
    found = f"{num} run{'s' * (num != 1)}: {by_state}"
    shown = [column for column in COLUMNS if any(
        column.read(item.record) is not None for items in groups.values() for item in items)]
    place = Path(output).resolve().parent

    def link(path: Path) -> str:
        # A name may hold bytes that are not UTF-8, and letters that mean something in an address.
        return quote(os.fsencode(os.path.relpath(path.resolve(), place)))

    content = {
        "name": names.printable(Path(sweep_dir).resolve().name), "found": found,
        "columns": [column.title for column in shown],
        "rows": _comparison(groups, shown),
        "curves": [_curves(label, groups, directory, notes) for label in _labels(groups)],
        "examples": [_examples(label, method, items, directory, link)
                     for (label, method), items in groups.items()],
        "runs": [{"name": run.name, "label": run.label, "method": run.setting,
                  **sweep.status[run.name]._asdict(), "link": link(directory.run(run.name)),
                  "log": link(directory.log(run.name)) if directory.log(run.name).is_file() else None}
                 for run in sweep.spec.runs],
    }
    write_page("sweep.html", output, **content, notes=[names.printable(note) for note in notes])
    return found, notes


def _labels(groups):
    return list(dict.fromkeys(label for label, _ in groups))


def summarize_values(values: Iterable[float | None]) -> dict[str, Any]:
    """Return the mean, the standard deviation (n - 1) and the number of values that are not None.

    The mean is None without values, the deviation with fewer than two.
    """
    known = [value for value in values if value is not None]
    return {"mean": statistics.fmean(known) if known else None,
            "sd": statistics.stdev(known) if len(known) > 1 else None, "n": len(known)}


def _comparison(groups, shown):
    """A row for each data set and method, whose best means of each data set are marked."""
    rows = [{"label": label, "method": method, "n": len(items),
             "cells": [summarize_values(column.read(item.record) for item in items) for column in shown]}
            for (label, method), items in groups.items()]
    for label in _labels(groups):
        for number, column in enumerate(shown):
            cells = [row["cells"][number] for row in rows if row["label"] == label]
            means = [cell["mean"] for cell in cells if cell["mean"] is not None]
            best = (min if column.lower_is_better else max)(means, default=None)
            for cell in cells:
                cell["best"] = len(means) > 1 and cell["mean"] == best
    return rows


def _curves(label, groups, directory, notes):
    """Each loss over the epochs on one data set: a line for each method, the mean over its runs."""
    losses: dict[str, dict[str, np.ndarray]] = collections.defaultdict(dict)
    longest, methods = np.arange(1.0, 2.0), [method for of, method in groups if of == label]
    for (of, method), items in groups.items():
        tables = [read_table(RunDirectory(directory.run(item.run.name)).history, notes) for item in items]
        tables = [table for table in tables if table is not None] if of == label else []
        if not tables:
            continue
        # Runs of one method may differ in their length where more epochs were asked for later.
        shortest = min(tables, key=lambda table: len(table["epoch"]))
        num = len(shortest["epoch"])
        longest = max(longest, shortest["epoch"], key=len)
        for name in shortest.keys() - {"epoch"}:
            lines = [table[name][:num] for table in tables if name in table]
            losses[name][method] = np.mean(lines, axis=0)
    drawn = [charts.line_chart(name, longest, {
        method: np.pad(line, (0, len(longest) - len(line)), constant_values=np.nan)
        for method, line in lines.items()}, order=methods) for name, lines in sorted(losses.items())]
    return {"label": label, "charts": [chart for chart in drawn if chart is not None]}


def _examples(label, method, items, directory, link):
    """The best, the median and the worst run of a method by NMI, with samples, prior and true fractions."""
    ranked = sorted(items, key=lambda item: -(item.record.score("nmi") or 0.0))
    # Of few runs, one may be several of these.
    places = {0: "best", len(ranked) - 1: "worst", (len(ranked) - 1) // 2: "median"}
    if len(ranked) == 1:
        places = {0: "only"}
    elif len(ranked) == 2:
        places = {0: "best", 1: "worst"}
    return {"label": label, "method": method, "runs": [
        _example(places[place], ranked[place], directory.run(ranked[place].run.name), link)
        for place in sorted(places)]}


def _example(rank, item, path, link):
    record = item.record
    by_class, unmatched = record.prior_by_class()
    highest = max(record.true_fractions.max(), by_class.max(), 1e-9)
    classes = zip(record.class_names, record.true_fractions.tolist(), by_class.tolist())
    return {
        "rank": rank, "name": item.run.name, "link": link(path), "nmi": record.score("nmi"),
        "picture": _newest_samples(RunDirectory(path).samples), "unmatched": unmatched,
        "scale": 100 / highest,
        "classes": [{"name": names.printable(name), "true": true, "prior": prior}
                    for name, true, prior in classes],
    }


def _newest_samples(samples):
    """The last grid of codes of a run as a data URI; None without one."""
    grids = sorted(samples.glob("codes_epoch_*.png"))
    if not grids:
        return None
    try:
        with Image.open(grids[-1]) as image:
            picture = image.convert("RGB")
    except (OSError, SyntaxError) as error:
        raise UserError(f"{grids[-1]} cannot be read: {error}; expected the picture that training wrote, or "
                        "none") from None
    picture.thumbnail([_GRID_SIDE, _GRID_SIDE])
    return to_data_uri(picture)

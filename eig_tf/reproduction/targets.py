"""What `tools/reproduce.py` makes: the tables and figures of the paper, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from eig_tf import files, progress
from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import paper_results
from eig_tf.evaluation.plots import save_figures
from eig_tf.figures.page import figure_style
from eig_tf.reproduction import panels
from eig_tf.reproduction.claims import compare_claims, write_claims
from eig_tf.reproduction.comparison import REFERENCE, compare_with_paper
from eig_tf.reproduction.evaluated_runs import Run, choose_tuned, name_by_difference
from eig_tf.reproduction.false_negatives import compute_false_negatives
from eig_tf.reproduction.protocol import (
    ABLATIONS,
    ALL,
    CLAIMS,
    FALSE_NEGATIVES,
    RANDOM_WEIGHTS,
    TABLES,
    PaperTable,
    check_target,
    load_claims,
    load_protocol,
)
from eig_tf.reproduction.sources import GivenRuns, SweepRuns
from eig_tf.reproduction.table_files import write_table

_ABLATION_METRICS = ("nmi", "ent", "one_nn_accuracy", "prior_total_variation", "generated_total_variation")
_PAPER_COLUMNS = ("mnist", "ytf", "cars", "chairs", "shapenet")


class Source(Protocol):
    """Where runs come from: `SweepRuns` or `GivenRuns`."""

    @property
    def columns(self) -> list[str]:
        """The data sets of the tables."""

    def prepare(self, needs: dict[str, Collection[str] | None]) -> list[str]:
        """Make what is missing of the methods of each sweep, and return sentences on what failed."""

    def runs(self, name: str) -> list[Run]:
        """Return the evaluated runs of a sweep."""


def reproduce(target: str, output: str | os.PathLike, *, preset: str = "paper",
              evaluations: Iterable[str] | None = None, sweep_dir: str | os.PathLike | None = None,
              datasets: Sequence[str] | None = None, reference: str = REFERENCE,
              **options: Any) -> tuple[list[Path], list[str]]:
    """Make a table or a figure of the paper, or all of them; train first what is missing.

    Args:
        target: one of `protocol.target_names()`; `all` leaves the ablations out, which are not the paper's.
        output: directory of the files, which is made if it is missing.
        preset: `paper`, the paper's protocol, or `cpu`, small networks and substitute data.
        evaluations: see `GivenRuns`; nothing is trained, and `all` makes no figures.
        sweep_dir: directory of the sweeps; `sweeps` in `output` when None.
        datasets: columns to make; all when None.
        reference: the method that differences in tables 1 to 4 are to.
        options: see `SweepRuns`.

    Returns:
        The paths that were written, and sentences on runs that failed and on what `all` leaves out: figures
        without runs, and the claims if an evaluation lacks a metric.

    Raises:
        UserError: data are missing, the runs of a column are not alike, nothing can be shown, or `datasets`
            or `reference` has no effect on the target.
    """
    check_target(target)
    output, protocol = Path(output), load_protocol()
    source: Source
    if evaluations is None:
        source = SweepRuns(protocol["sweeps"][preset], sweep_dir or output / "sweeps", **options)
    else:
        source = GivenRuns(evaluations)
    columns = _columns(source, datasets)
    figures = {name: figure for name, figure in protocol["figures"].items()
               if target == name or (target == ALL and evaluations is None and _has_columns(figure, columns))}
    tables = {name: table for name, table in TABLES.items()
              if target == name or (target == ALL and _table_columns(table, columns))}
    _check_request(target, tables, columns, datasets, reference)
    claims = load_claims() if target == CLAIMS or (target == ALL and columns) else []
    problems = source.prepare(_needs(tables, figures, claims, columns, target == ABLATIONS))
    remarks = []
    if evaluations is None and preset == "paper":
        remarks = [*(f"departs from the paper: {remark}" for remark in protocol["departures"]),
                   *(f"not stated by the paper: {remark}" for remark in protocol["not_stated"])]
    paths = []
    for name, table in tables.items():
        paths += _make_table(name, table, source, columns, output, remarks, reference)
    # Figures need run directories and the claims every metric, which `all` can do without.
    optional: list[tuple[str, Callable[[], list[Path]]]] = [
        *([(CLAIMS, partial(_make_claims, claims, source, columns, output))] if claims else []),
        *((name, partial(_make_figure, name, figure, source, output, options))
          for name, figure in figures.items())]
    for name, make in optional:
        try:
            paths += make()
        except UserError as error:
            if target != ALL:
                raise
            problems.append(f"{name} is left out: {error}")
    if target in (FALSE_NEGATIVES, ALL):
        paths += write_table(compute_false_negatives(), output)
    if target == ABLATIONS:
        paths += _make_ablations(source, output)
    return paths, problems


def _check_request(target, tables, columns, datasets, reference):
    """Refuse what would have no effect or no result, before anything is trained."""
    with_columns = (*TABLES, CLAIMS, ALL)
    if datasets is not None and target not in with_columns:
        raise UserError(f"--datasets is given for {target}, which has no columns to choose from; expected it "
                        f"for one of {', '.join(with_columns)}")
    if target == CLAIMS and not columns:
        raise UserError("there are only runs on balanced data or with continuous codes; expected runs of a "
                        "column of the tables")
    if reference != REFERENCE and not tables:
        raise UserError(f"--reference is given for {target}, where it has no effect; expected it for "
                        f"{', '.join(TABLES)} or {ALL}")
    if target in tables and not _table_columns(tables[target], columns):
        raise UserError(f"{target} has no column: there are runs of {', '.join(columns) or 'no data set'}; "
                        f"expected runs of {', '.join(paper_results()[tables[target].published])}, or of a "
                        "set that is not in the paper")
    for name, table in tables.items():
        rows = [*_table_rows(table), *_own_methods(table)]
        if reference not in rows:
            raise UserError(f"--reference is {reference}, which is no row of {name}; expected one of "
                            f"{', '.join(rows)}")


def _columns(source: Source, datasets: Sequence[str] | None) -> list[str]:
    """Return the data sets of the tables, the paper's first and in its order."""
    found = source.columns
    if datasets is not None and not datasets:
        raise UserError(f"--datasets is empty; expected some of {', '.join(found)}")
    for dataset in datasets or ():
        if dataset not in found:
            raise UserError(f"--datasets has {dataset!r}; expected some of {', '.join(found)}")
    chosen = [dataset for dataset in found if datasets is None or dataset in datasets]
    return sorted(chosen, key=lambda dataset: (
        _PAPER_COLUMNS.index(dataset) if dataset in _PAPER_COLUMNS else len(_PAPER_COLUMNS), dataset))


def _table_columns(table: PaperTable, columns: Sequence[str]) -> list[str]:
    """Leave out data sets for which the paper has the other tables only."""
    published = paper_results()[table.published]
    return [column for column in columns if column in published or column not in _PAPER_COLUMNS]


def _table_rows(table: PaperTable) -> list[str]:
    return list(paper_results()[table.published]["mnist"])


def _own_methods(table: PaperTable) -> list[str]:
    """Return the methods that are not the paper's and are rows where a sweep has them; none of table 4."""
    return [] if RANDOM_WEIGHTS in _table_rows(table) else [
        name for name, method in METHODS.items() if method.codes_per_category]


def _has_columns(figure, columns):
    # Panels of other sweeps are of MNIST.
    return all(sweep in columns or (sweep not in _PAPER_COLUMNS and "mnist" in columns)
               for sweep, _ in figure["panels"])


def _needs(tables, figures, claims, columns, ablations) -> dict[str, Collection[str] | None]:
    """Return the methods that are needed of each sweep; None for all."""
    needs: dict[str, set[str]] = {}
    for table in tables.values():
        for column in _table_columns(table, columns):
            needs.setdefault(column, set()).update(_table_rows(table), _own_methods(table))
    for claim in claims:
        for column in columns:
            needs.setdefault(column, set()).update(method for method, _ in (claim.greater, claim.less))
    for figure in figures.values():
        for sweep, method in figure["panels"]:
            needs.setdefault(sweep, set()).add(method)
    return {**needs, **({ABLATIONS: None} if ablations else {})}


def _make_table(name, table, source, columns, output, remarks, reference):
    columns = _table_columns(table, columns)
    runs = _column_runs(source, columns)
    compared = compare_with_paper(name, table.title, table.published, table.metrics, _table_rows(table), runs,
                                  columns, reference)
    return write_table(compared._replace(overview=len(columns) > 1), output, remarks)


def _make_claims(claims, source, columns, output):
    return write_claims(compare_claims(claims, _column_runs(source, columns), columns), output)


def _column_runs(source, columns):
    return [run for column in columns for run in source.runs(column)]


def _make_ablations(source, output):
    runs = source.runs(ABLATIONS)
    if not runs:
        raise UserError("no run of the ablations is evaluated; expected one at least")
    datasets = sorted({run.dataset for run in runs})
    named = [run for dataset in datasets
             for run in name_by_difference([run for run in runs if run.dataset == dataset])]
    table = compare_with_paper(ABLATIONS, "Ablations: one setting differs in each row", None,
                               _ABLATION_METRICS, [REFERENCE], named, datasets, across_rows=False)
    return write_table(table._replace(row_heading="setting"), output)


def _make_figure(name, figure, source, output, options) -> list[Path]:
    """Draw a figure and write it with its caption, `<name>.png` and `<name>.md`."""
    places = [tuple(panel) for panel in figure["panels"]]
    tuned = {sweep: choose_tuned(source.runs(sweep)) for sweep, _ in places}
    chosen = panels.choose_runs(places, {sweep: runs for sweep, (runs, _) in tuned.items()})
    names = [method if sweep in _PAPER_COLUMNS else f"{method} ({sweep})" for sweep, method in places]
    with figure_style(), progress.stage(f"draws {name}"):
        drawn, notes = panels.draw_figure(figure["kind"], chosen.runs, names,
                                          cache_dir=options.get("cache_dir"))
    output.mkdir(parents=True, exist_ok=True)
    remarks = [remark for _, found in tuned.values() for remark in found]
    lines = [*(_describe_panel(panel, run) for panel, run in zip(names, chosen.runs) if run),
             *remarks, *notes]
    caption = "\n".join([f"# {figure['shows']}", "", chosen.why, "", *(f"- {line}" for line in lines)])
    with figure_style():
        paths = save_figures({name: drawn}, output, ("png",))
    files.write_text(caption + "\n", output / f"{name}.md")
    return [*paths, output / f"{name}.md"]


def _describe_panel(name: str, run: Run) -> str:
    row = run.evaluation.row
    source = run.evaluation.record.training.get("data_source")
    settings = f", {row.settings}" if row.settings else ""
    return (f"{name}: {run.path.parent.name}, NMI {run.value('nmi'):.3f}, epochs {row.epochs:,}, width "
            f"{row.width:g}{settings}; data: {source}")

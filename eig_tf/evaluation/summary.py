"""Means over several evaluations, as a Markdown table beside the paper's numbers."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eig_tf.data import class_sets
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import published_scores
from eig_tf.evaluation.record import EvaluationRecord, load_record

# Settings in which the runs of one row may differ; all others must agree.
_FREE = ("split", "seed", "training.epochs", "data.class_set")
_COLUMNS = ("data set", "method", "width", "epochs (steps)", "routing", "runs (split/seed)", "NMI",
            "ENT", "TV matched (uniform)", "TV generated (uniform)", "1-NN", "classifier", "paper NMI / ENT")


class Row(NamedTuple):
    """What the runs of one row of the table have in common; rows are sorted by it."""

    dataset: str
    method: str
    epochs: int
    routing: str
    width: float
    class_set: str


class Evaluation(NamedTuple):
    """An evaluation, its row of the table and its run: any class set of the paper, split and seed."""

    record: EvaluationRecord
    row: Row
    run: tuple


def read_evaluation(path: str | os.PathLike) -> Evaluation:
    """Read an `evaluation.json` for the table.

    Raises:
        UserError: the file is missing or damaged.
    """
    record = load_record(path)
    if record is None:
        raise UserError(f"{path}: no such file; expected an evaluation.json")
    config = record.flat_config()
    class_set = config.get("data.class_set", "")
    numbered = class_set in class_sets.class_set_numbers(config["dataset"])
    row = Row(config["dataset"], config["method"], record.epochs, config.get("loss.gradient_routing", ""),
               config["networks.width"], "" if numbered else class_set)
    run = (*([class_set] if numbered else []), config["split"], config["seed"])
    return Evaluation(record, row, run)


def markdown_table(evaluations: Iterable[Evaluation]) -> str:
    """Return a table with a row for each data set, method, number of epochs, routing, width and class set.

    The paper's five class sets of cars or chairs are one row, since the paper averages over them
    (section 4); their runs are named `set/split/seed`.

    Args:
        evaluations: one or more evaluations.

    Returns:
        The Markdown text. Numbers are means over the runs of a row, with the standard deviation of NMI and
        ENT (n - 1) where there are two runs or more. `classifier` is the accuracy of the judge on images
        held out from it.

    Raises:
        UserError: runs of one row differ in more than split, seed and the paper's class set, or lack a
            metric.
    """
    groups: dict[Row, list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation.row, []).append(evaluation)
    lines = [_COLUMNS, ["---"] * len(_COLUMNS)]
    lines += [_format_row(row, sorted(groups[row], key=lambda evaluation: evaluation.run))
              for row in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _format_row(row: Row, evaluations: Sequence[Evaluation]) -> list[str]:
    records = [evaluation.record for evaluation in evaluations]
    _check_same_settings(row, records)
    steps = statistics.mean(row.epochs * (record.training["num_training_images"]
                                          // record.config["training"]["batch_size"]) for record in records)
    runs = ", ".join("/".join(map(str, evaluation.run)) for evaluation in evaluations)

    def mean(metric: str) -> str:
        return f"{statistics.mean(_values(row, records, metric)):.3f}"

    def mean_and_deviation(metric: str) -> str:
        values = _values(row, records, metric)
        return mean(metric) + (f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else "")

    published = published_scores(row.dataset, row.method)
    return [
        row.dataset, row.method, f"{row.width:g}", f"{row.epochs:,} ({steps:,.0f})", row.routing,
        runs + (f" ({row.class_set})" if row.class_set else ""),
        mean_and_deviation("nmi"), mean_and_deviation("ent"),
        f"{mean('prior_total_variation')} ({mean('prior_total_variation_of_uniform')})",
        f"{mean('generated_total_variation')} ({mean('generated_total_variation_of_uniform')})",
        mean("one_nn_accuracy"),
        f"{statistics.mean(record.judge['accuracy'] for record in records):.3f}",
        f"{published[0]:.3f} / {published[1]:.3f}" if published else "",
    ]


def _values(row: Row, records: Sequence[EvaluationRecord], metric: str) -> list[float]:
    values = [value for value in (record.metrics.get(metric) for record in records) if value is not None]
    if len(values) < len(records):
        raise UserError(f"an evaluation of {', '.join(map(str, row))} has no {metric}; expected one that "
                        "tools/evaluate.py wrote")
    return values


def _check_same_settings(row: Row, records: Sequence[EvaluationRecord]) -> None:
    first, *others = ({**record.flat_config(), "images_per_code": record.images_per_code}
                      for record in records)
    for other in others:
        differing = sorted(field for field in first.keys() | other.keys()
                           if field not in _FREE and first.get(field) != other.get(field))
        if differing:
            raise UserError(f"evaluations of {', '.join(map(str, row))} differ in {', '.join(differing)}; "
                            "expected runs that differ only in split and seed")

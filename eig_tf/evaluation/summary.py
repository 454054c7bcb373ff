"""Means over several evaluations, as a Markdown table beside the paper's numbers."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from eig_tf.data import class_sets
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import published_scores
from eig_tf.evaluation.record import EvaluationRecord, load_record

# Settings in which the runs of one row may differ; all others must agree.
_FREE = ("split", "seed", "training.epochs", "data.class_set")
_COLUMNS = ("data set", "method", "width", "epochs (steps)", "routing", "runs (split/seed)", "NMI",
            "ENT", "TV matched (uniform)", "TV generated (uniform)", "1-NN", "classifier", "paper NMI / ENT")


class _Row(NamedTuple):
    """What the runs of one row have in common; rows are sorted by it."""

    dataset: str
    method: str
    epochs: int
    routing: str
    width: float
    class_set: str


class Evaluation(NamedTuple):
    """An evaluation as the table needs it.

    Attributes:
        row: the row that it belongs to.
        run: class set where the paper's are meant, split and seed.
        settings: the flattened config and the number of images for each code.
        record: the evaluation's record.
    """

    row: _Row
    run: tuple
    settings: dict[str, Any]
    record: EvaluationRecord


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
    row = _Row(config["dataset"], config["method"], record.epochs, config.get("loss.gradient_routing", ""),
               config["networks.width"], "" if numbered else class_set)
    run = (*([class_set] if numbered else []), config["split"], config["seed"])
    return Evaluation(row, run, {**config, "images_per_code": record.images_per_code}, record)


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
    groups = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation.row, []).append(evaluation)
    lines = [_COLUMNS, ["---"] * len(_COLUMNS)]
    lines += [_format_row(row, sorted(groups[row], key=lambda evaluation: evaluation.run))
              for row in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _format_row(row: _Row, evaluations: Sequence[Evaluation]) -> list[str]:
    _check_same_settings(row, evaluations)
    records = [evaluation.record for evaluation in evaluations]
    steps = statistics.mean(
        row.epochs * (evaluation.record.training["num_training_images"]
                      // evaluation.settings["training.batch_size"]) for evaluation in evaluations)
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


def _values(row: _Row, records: Sequence[EvaluationRecord], metric: str) -> list[float]:
    values = [record.metrics.get(metric) for record in records]
    if None in values:
        raise UserError(f"an evaluation of {', '.join(map(str, row))} has no {metric}; expected that "
                        "tools/evaluate.py wrote it")
    return values


def _check_same_settings(row: _Row, evaluations: Sequence[Evaluation]) -> None:
    first = evaluations[0].settings
    for other in (evaluation.settings for evaluation in evaluations[1:]):
        differing = sorted(field for field in first.keys() | other.keys()
                           if field not in _FREE and first.get(field) != other.get(field))
        if differing:
            raise UserError(f"evaluations of {', '.join(map(str, row))} differ in {', '.join(differing)}; "
                            "expected runs that differ only in split and seed")

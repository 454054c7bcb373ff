"""Means over several evaluations, as a Markdown table beside the paper's numbers."""

from __future__ import annotations

import functools
import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from eig_tf.config import flatten, load_preset
from eig_tf.data import class_sets
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import published_scores
from eig_tf.evaluation.record import EvaluationRecord, load_record

# Fields that have a column of their own, or in which the runs of one row may differ.
_NOT_SETTINGS = ("dataset", "preset", "method", "split", "seed", "training.epochs", "data.class_set",
                 "networks.width", "loss.gradient_routing")
_COLUMNS = ("data set", "method", "settings", "width", "epochs (steps)", "routing", "runs (split/seed)",
            "NMI", "ENT", "TV matched (uniform)", "TV generated (uniform)", "1-NN", "classifier",
            "paper NMI / ENT")

_CATEGORY_COLUMNS = ("data set", "method", "settings", "epochs", "runs (split/seed)", "M (K)",
                     "NMI / ENT, generated", "distribution error (prior; uniform)", "NMI / accuracy, real",
                     "held out", "k-means of pixels", "spectral, pixels", "spectral, features")
# Judges of digits were once recorded under another name of the same architecture.
_JUDGE_NAMES = {"2 conv + 2 FC": "small_cnn"}
_BASELINES = ("kmeans_pixels", "spectral_pca", "spectral_features")


class Row(NamedTuple):
    """What the runs of one row of the table have in common; rows are sorted by it."""

    dataset: str
    method: str
    epochs: int
    routing: str
    width: float
    class_set: str
    preset: str
    settings: str
    judge: str
    data_source: str


class Evaluation(NamedTuple):
    """An evaluation, its row of the table and its run: any class set of the paper, split and seed."""

    record: EvaluationRecord
    row: Row
    run: tuple


def read_evaluation(path: str | os.PathLike) -> Evaluation:
    """Read an `evaluation.json` for the table.

    Raises:
        UserError: the file is missing or damaged, or lacks the categories that its method is scored by.
    """
    record = load_record(path)
    if record is None:
        raise UserError(f"{path}: no such file; expected an evaluation.json")
    for group, name in ((record.judge, "accuracy"), (record.training, "num_training_images")):
        if not isinstance(group.get(name), (int, float)):
            raise UserError(f"{path} has the {name} {group.get(name)!r}; expected a number, which "
                            "tools/evaluate.py writes")
    if record.lacks_categories:
        raise UserError(f"{path} has no categories, and {record.config['method']} is scored by them; "
                        "expected an evaluation from after the end of the training")
    config = record.flat_config()
    class_set = config.get("data.class_set", "")
    numbered = class_set in class_sets.class_set_numbers(config["dataset"])
    row = Row(config["dataset"], config["method"], record.epochs, config.get("loss.gradient_routing", ""),
              config["networks.width"], "" if numbered else class_set, config["preset"],
              _settings(config), _judge_name(record), record.training.get("data_source", ""))
    run = (*([class_set] if numbered else []), config["split"], config["seed"])
    return Evaluation(record, row, run)


def markdown_table(evaluations: Iterable[Evaluation]) -> str:
    """Return a table with a row for each data set, method, number of epochs and other settings.

    `settings` names the preset, if it is not `paper`, and the fields that differ from it. The paper's five
    class sets of cars or chairs are one row, since the paper averages over them (section 4); their runs are
    named `set/split/seed`.

    Args:
        evaluations: one or more evaluations.

    Returns:
        The Markdown text. Numbers are means over the runs of a row, with the standard deviation of NMI and
        ENT (n - 1) where there are two runs or more. `classifier` is the accuracy of the judge on images
        held out from it.

    Raises:
        UserError: runs of one row differ in the number of images for each code, or lack a metric.
    """
    return _format_table(_COLUMNS, evaluations, _format_row)


def category_table(evaluations: Iterable[Evaluation]) -> str:
    """Return a table of categories beside the baselines, with the rows of `markdown_table`.

    Args:
        evaluations: one or more evaluations with categories.

    Returns:
        The Markdown text. Numbers are means over the runs of a row, as docs/evaluation.md defines them.
    """
    return _format_table(_CATEGORY_COLUMNS, evaluations, _format_category_row)


def _format_table(columns: Sequence[str], evaluations: Iterable[Evaluation],
                  format_row: Callable[[Row, Sequence[Evaluation]], list[str]]) -> str:
    groups: dict[Row, list[Evaluation]] = {}
    for evaluation in evaluations:
        group = groups.setdefault(evaluation.row, [])
        if any(evaluation.run == other.run for other in group):
            raise UserError(f"two evaluations are of one run of {', '.join(map(str, evaluation.row))}: "
                            f"{'/'.join(map(str, evaluation.run))}; expected one for each run")
        group.append(evaluation)
    lines = [columns, ["---"] * len(columns)]
    lines += [format_row(row, sorted(groups[row], key=lambda evaluation: evaluation.run))
              for row in sorted(groups)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _format_row(row: Row, evaluations: Sequence[Evaluation]) -> list[str]:
    records = [evaluation.record for evaluation in evaluations]
    if len({record.images_per_code for record in records}) > 1:
        raise UserError(f"evaluations of {', '.join(map(str, row))} differ in images_per_code; expected the "
                        "same number of images for each code")
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
        row.dataset, row.method, _preset_and_settings(row), f"{row.width:g}",
        f"{row.epochs:,} ({steps:,.0f})", row.routing,
        runs + (f" ({row.class_set})" if row.class_set else ""),
        mean_and_deviation("nmi"), mean_and_deviation("ent"),
        f"{mean('prior_total_variation')} ({mean('prior_total_variation_of_uniform')})",
        f"{mean('generated_total_variation')} ({mean('generated_total_variation_of_uniform')})",
        mean("one_nn_accuracy"),
        f"{statistics.mean(record.judge['accuracy'] for record in records):.3f}",
        f"{published[0]:.3f} / {published[1]:.3f}" if published else "",
    ]


def _format_category_row(row: Row, evaluations: Sequence[Evaluation]) -> list[str]:
    found = [evaluation.record.categories or {} for evaluation in evaluations]

    def mean(*path: str) -> float:
        values: list[Any] = [functools.reduce(lambda group, name: group[name], path, categories)
                             for categories in found]
        return statistics.mean(values)

    def pair(*path: str) -> str:
        return f"{mean(*path, 'nmi'):.3f} / {mean(*path, 'accuracy'):.3f}"

    numbers = {(categories["num_categories"], len(evaluation.record.prior))
               for categories, evaluation in zip(found, evaluations)}
    runs = ", ".join("/".join(map(str, evaluation.run)) for evaluation in evaluations)
    return [
        row.dataset, row.method, _preset_and_settings(row), f"{row.epochs:,}",
        runs + (f" ({row.class_set})" if row.class_set else ""),
        ", ".join(f"{num_categories} ({num_codes})" for num_categories, num_codes in sorted(numbers)),
        f"{mean('nmi'):.3f} / {mean('ent'):.3f}",
        f"{mean('distribution_error'):.3f} ({mean('distribution_error_of_prior'):.3f}; "
        f"{mean('distribution_error_of_uniform'):.3f})",
        pair("real"), pair("held_out") if all(categories["held_out"] for categories in found) else "",
        *(pair("baselines", name) for name in _BASELINES)]


def _values(row: Row, records: Sequence[EvaluationRecord], metric: str) -> list[float]:
    values = [value for value in (record.score(metric) for record in records) if value is not None]
    if len(values) < len(records):
        raise UserError(f"an evaluation of {', '.join(map(str, row))} has no {metric}; expected one that "
                        "tools/evaluate.py wrote")
    return values


def _preset_and_settings(row: Row) -> str:
    preset = [] if row.preset == "paper" else [f"preset={row.preset}"]
    return ", ".join([*preset, *([row.settings] if row.settings else [])])


def _settings(config: dict[str, Any]) -> str:
    """The fields of a flat config that differ from its preset: `vae.beta_discrete=10, ...`."""
    preset = flatten(load_preset(config["dataset"], config["preset"], config["method"]))
    return ", ".join(format_setting(name, value) for name, value in config.items()
                     if name not in _NOT_SETTINGS and value != preset.get(name))


def format_setting(name: str, value: Any) -> str:
    """Return `name=value`, with six digits of a float."""
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"


def _judge_name(record: EvaluationRecord) -> str:
    name = record.judge.get("architecture", "")
    return _JUDGE_NAMES.get(name, name)

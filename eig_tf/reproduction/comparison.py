"""Tables of evaluations beside the paper's, with differences that are paired by run."""

from __future__ import annotations

import os
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scipy import stats

from eig_tf.config import METHODS, flatten, load_preset
from eig_tf.data import registry
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import published_value
from eig_tf.evaluation.summary import Evaluation, format_setting, read_evaluation
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
    "are those of its seeds, and one difference has no interval. The paper's numbers are of its own data and "
    "settings: compare with them only where the line below a table says that these are the same.")
# In these the runs of one column may differ: they name the run, or do not change its result.
_FREE_FIELDS = ("dataset", "method", "split", "seed", "data.class_set", "training.epochs",
                "training.precision", "training.steps_per_execution", "training.checkpoint_minutes")
# The paper reports the best of several values for each data set (supplement 4.4).
_TUNED_FIELDS = ("vae.beta_continuous", "vae.beta_discrete")


class Run(NamedTuple):
    """One evaluated run.

    Attributes:
        path: its evaluation file.
        row: its row in a table: the method, or the setting of an ablation.
        evaluation: what the file holds.
    """

    path: Path
    row: str
    evaluation: Evaluation

    @property
    def dataset(self) -> str:
        """The column of a table: the data set, and for images of one's own the name of their folder."""
        dataset = self.evaluation.row.dataset
        if dataset != "folder":
            return dataset
        source = self.evaluation.record.training.get("data_source", dataset)
        name = re.sub(r"^the \w+ ", "", source)
        return source if name in registry.dataset_names() else name

    @property
    def data_group(self) -> str:
        """The class set, the seed that draws it, or the split: runs of a group share much of their data."""
        *class_set, split, seed = self.key
        if class_set:
            return f"class set {class_set[0]}"
        return f"classes of seed {seed}" if self.evaluation.row.class_set == "random" else f"split {split}"

    @property
    def key(self) -> tuple:
        """What pairs runs of one column: class set if numbered, split and seed."""
        return tuple(map(str, self.evaluation.run))

    def value(self, metric: str) -> float:
        """Return a metric of the run, see `EvaluationRecord.score`.

        Raises:
            UserError: the evaluation lacks it.
        """
        value = self.evaluation.record.score(metric)
        if value is None:
            raise UserError(f"{self.path} has no {metric}; expected an evaluation that tools/evaluate.py "
                            "wrote")
        return value


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


def read_runs(paths: Iterable[str | os.PathLike]) -> list[Run]:
    """Read `evaluation.json` files as runs in the rows of their methods.

    Raises:
        UserError: a file is missing or damaged, or lacks the categories that its method is scored by.
    """
    evaluations = [(Path(path), read_evaluation(path)) for path in paths]
    for path, evaluation in evaluations:
        if evaluation.record.lacks_categories:
            raise UserError(f"{path} has no categories, and {evaluation.row.method} is scored by them; expected "
                            "an evaluation from after the end of the training")
    return [Run(path, evaluation.row.method, evaluation) for path, evaluation in evaluations]


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
        # Rows that differ in their settings say themselves in what.
        described = chosen if across_rows else by_row.get(reference, chosen)
        notes[dataset] = (*describe_settings(described), *remarks)
    return Table(name, title, _ABOUT.format(reference=reference), tuple(metrics), found_rows, cells, notes,
                 reference)


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


def choose_tuned(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Keep the best of several betas of a row, as the paper does, and say so.

    The best has the largest mean NMI of those with the most runs.

    Args:
        runs: runs of one column.

    Returns:
        The runs that are kept, and a sentence for each row that was chosen from.

    Raises:
        UserError: two evaluations are of one run.
    """
    groups: dict[str, dict[tuple, list[Run]]] = {}
    for run in runs:
        config = run.evaluation.record.flat_config()
        tuned = tuple(config.get(field) for field in _TUNED_FIELDS)
        groups.setdefault(run.row, {}).setdefault(tuned, []).append(run)
    kept: list[Run] = []
    remarks = []
    for row, by_value in groups.items():
        for group in by_value.values():
            _check_different(group)
        best = max(by_value, key=lambda value: (
            len(by_value[value]), statistics.mean(run.value("nmi") for run in by_value[value])))
        kept += by_value[best]
        if len(by_value) > 1:
            remarks.append(f"{row}: of beta {', '.join(map(_join, sorted(by_value)))}, {_join(best)} has the "
                           "largest mean NMI among those with the most runs")
    return kept, remarks


def check_equal_settings(runs: Sequence[Run], across_rows: bool = True) -> None:
    """Check that runs of one column were made alike.

    A field is alike when it has one value, or in both runs that of the preset for its method. The betas of
    which `choose_tuned` takes the best may differ.

    Args:
        runs: runs of one column.
        across_rows: whether runs of different rows must be alike in the fields that both have. Otherwise they
            must only have the same preset, data, number of epochs, images for each code, and judge.

    Raises:
        UserError: they were not; the sentence names both files and the field.
    """
    first_runs: dict[str, tuple[Run, dict[str, tuple[Any, bool]]]] = {}
    first_of_key: dict[tuple, Run] = {}
    for run in runs:
        same_data = first_of_key.setdefault(run.key, run)
        numbers = [one.evaluation.record.training["num_training_images"] for one in (same_data, run)]
        if numbers[0] != numbers[1]:
            raise UserError(f"{same_data.path} and {run.path} differ in the number of training images: "
                            f"{numbers[0]} and {numbers[1]}; expected the same images for one split and seed")
        settings = {**_evaluation_settings(run), **_config_settings(run)}
        for row, (other, found) in first_runs.items():
            names = found.keys() if across_rows or row == run.row else _evaluation_settings(run).keys()
            for name in sorted(settings.keys() & names - ({"method"} if row != run.row else set())):
                (value, usual), (other_value, other_usual) = settings[name], found[name]
                if value != other_value and not (usual and other_usual):
                    raise UserError(f"{other.path} and {run.path} differ in {name}: {other_value} and "
                                    f"{value}; expected equal settings within a column")
        first_runs.setdefault(run.row, (run, settings))


def describe_settings(runs: Sequence[Run]) -> list[str]:
    """Return sentences on the settings that the runs of a column share, on their data and their judge."""
    if not runs:
        return ["no runs"]
    record = runs[0].evaluation.record
    rows = [run.evaluation.row for run in runs]
    widths = [f"{width:g}" for width in sorted({row.width for row in rows})]
    routing = sorted({row.routing for row in rows} - {""}) or ["no"]
    deviations = sorted({row.settings for row in rows} - {""})
    accuracy = statistics.mean(run.evaluation.record.judge["accuracy"] for run in runs)
    parts = [f"preset {record.config['preset']}", f"epochs {rows[0].epochs:,}",
             f"width {' and '.join(widths)}", f"{record.images_per_code:,} images for each code",
             f"{' and '.join(routing)} routing", f"judge {rows[0].judge} ({accuracy:.3f})"]
    numbers = {run.evaluation.record.training["num_training_images"] for run in runs}
    images = " to ".join(f"{number:,}" for number in sorted({min(numbers), max(numbers)}))
    grouped = {f"{one.config['method']}: scores are of its {one.config['categories']['num_categories']} "
               f"categories, which have {len(one.prior)} codes"
               for one in (run.evaluation.record for run in runs) if one.scores_categories}
    return [f"{', '.join(parts)}; data: {record.training.get('data_source')}, {images} training images",
            *sorted(grouped),
            *([f"fields other than the preset's: {'; '.join(deviations)}"] if deviations else [])]


def _evaluation_settings(run):
    """Return (value, whether it is the preset's) by name, of what all runs of a column must share."""
    row, record = run.evaluation.row, run.evaluation.record
    return {"epochs": (row.epochs, False), "images_per_code": (record.images_per_code, False),
            "the judge": (row.judge, False), "class_set": (row.class_set, False),
            "preset": (record.config["preset"], False),
            "the source of the data": (record.training.get("data_source"), False)}


def _config_settings(run):
    """Return (value, whether it is the preset's for the method) by field."""
    config = run.evaluation.record.flat_config()
    preset = flatten(load_preset(config["dataset"], config["preset"], config["method"]))
    settings = {"method": (config["method"], False),
                **{name: (value, value == preset.get(name)) for name, value in config.items()
                   if name not in (*_FREE_FIELDS, *_TUNED_FIELDS, "preset")}}
    if METHODS[config["method"]].codes_per_category:
        settings["networks.num_codes"] = settings["categories.num_categories"]
    return settings


def name_by_difference(runs: Sequence[Run]) -> list[Run]:
    """Put the runs of one data set into rows that name the fields which differ from those of a reference.

    The reference is the setting that differs in the fewest fields from all others, which is the unchanged one
    of ablations that change one field at a time; of two with as few, the one that is closer to the preset.

    Returns:
        The runs, sorted by row. The row of the reference is its method.
    """
    settings = [_config_settings(run) for run in runs]
    values = [{name: value for name, (value, _) in found.items()} for found in settings]
    distinct = [(own, sum(not usual for _, usual in found.values()))
                for index, (own, found) in enumerate(zip(values, settings)) if own not in values[:index]]
    reference, _ = min(distinct, key=lambda one: (
        sum(len(_differing_fields(one[0], other)) for other, _ in distinct), one[1]), default=({}, 0))
    named = []
    for run, own in zip(runs, values):
        fields = _differing_fields(own, reference)
        changes = ", ".join(format_setting(name, value) for name, value in fields.items())
        order = [(name, value if isinstance(value, (int, float)) else 0.0, str(value))
                 for name, value in fields.items()]
        named.append((order, run._replace(row=changes or run.row)))
    return [run for _, run in sorted(named, key=lambda one: (one[0], one[1].key))]


def _differing_fields(settings, reference):
    return {name: value for name, value in sorted(settings.items())
            if name not in reference or reference[name] != value}


def _check_different(runs):
    seen: dict[tuple, Path] = {}
    for run in runs:
        other = seen.setdefault(run.key, run.path)
        if other != run.path:
            raise UserError(f"{other} and {run.path} are of one run, {run.dataset} {run.row} "
                            f"{'/'.join(run.key)}; expected one evaluation for each")


def _join(values):
    return "/".join(f"{value:g}" for value in dict.fromkeys(values))

"""The evaluated runs of a column of a table: read, checked to be alike, chosen and described."""

from __future__ import annotations

import os
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eig_tf.config import METHODS, flatten, load_preset
from eig_tf.data import registry
from eig_tf.errors import UserError
from eig_tf.evaluation.summary import Evaluation, format_setting, read_evaluation

# In these the runs of one column may differ: they name the run, or its machine, see `_describe_machines`.
_FREE_FIELDS = ("dataset", "method", "split", "seed", "data.class_set", "training.epochs",
                "training.precision", "training.steps_per_execution", "training.checkpoint_minutes")
# Files of another source may have the format of these.
_FORMATS = ("ytf", "cars", "chairs", "shapenet")
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
        if not isinstance(value, (int, float)):
            raise UserError(f"{self.path} has no {metric}; expected an evaluation that tools/evaluate.py "
                            "wrote")
        return value


def read_runs(paths: Iterable[str | os.PathLike]) -> list[Run]:
    """Read `evaluation.json` files as runs in the rows of their methods.

    Raises:
        UserError: a file is missing or damaged, or lacks the categories that its method is scored by.
    """
    evaluations = [(Path(path), read_evaluation(path)) for path in paths]
    return [Run(path, evaluation.row.method, evaluation) for path, evaluation in evaluations]


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


def describe_settings(runs: Sequence[Run], reference: str | None = None) -> list[str]:
    """Return sentences on the settings, the data, the judge and the machines of the runs of a column.

    Args:
        runs: runs of one column.
        reference: the row whose settings are described, where rows differ in them and their names say in
            what; None describes those of all rows. Machines, splits and seeds are those of all rows.
    """
    if not runs:
        return ["no runs"]
    described = [run for run in runs if reference in (None, run.row)] or runs
    record = described[0].evaluation.record
    rows = [run.evaluation.row for run in described]
    widths = [f"{width:g}" for width in sorted({row.width for row in rows})]
    routing = sorted({row.routing for row in rows} - {""}) or ["no"]
    deviations = sorted({row.settings for row in rows} - {""})
    accuracy = statistics.mean(run.evaluation.record.judge["accuracy"] for run in described)
    parts = [f"preset {record.config['preset']}", f"epochs {rows[0].epochs:,}",
             f"width {' and '.join(widths)}", f"{record.images_per_code:,} images for each code",
             f"{' and '.join(routing)} routing", f"judge {rows[0].judge} ({accuracy:.3f})"]
    numbers = {run.evaluation.record.training["num_training_images"] for run in described}
    images = " to ".join(f"{number:,}" for number in sorted({min(numbers), max(numbers)}))
    grouped = {f"{one.config['method']}: scores are of its {one.config['categories']['num_categories']} "
               f"categories, which have {len(one.prior)} codes"
               for one in (run.evaluation.record for run in described) if one.scores_categories}
    source = record.training.get("data_source")
    source = f"files in the format of {source}" if record.config["dataset"] in _FORMATS else source
    return [f"{', '.join(parts)}; data: {source}, {images} training images",
            *sorted(grouped),
            *([f"fields other than the preset's: {'; '.join(deviations)}"] if deviations else []),
            _describe_machines(runs), *_describe_keys(runs)]


def _describe_machines(runs):
    """Return on what the runs were trained, which changes the course of a run like another seed does."""
    machines = [_machine(run) for run in runs]
    (usual, _), *others = Counter(machines).most_common()
    rows_of_key: dict[tuple, dict[str, list[str]]] = {}
    for run, machine in zip(runs, machines):
        rows_of_key.setdefault(run.key, {}).setdefault(machine, []).append(run.row)
    parts = [f"trained on {usual}"]
    for machine, _ in others:
        places = [f"{'/'.join(key)} ({'all rows' if len(found) == 1 else ', '.join(sorted(found[machine]))})"
                  for key, found in sorted(rows_of_key.items()) if machine in found]
        parts.append(f"on {machine} {', '.join(places)}")
    mixed = [key for key, found in sorted(rows_of_key.items()) if len(found) > 1]
    remark = (f"; differences on {_list_keys(mixed)} are in part between machines, and another machine "
              "changes a run like another seed") if mixed else ""
    return f"{'; '.join(parts)}{remark}"


def _machine(run):
    training = run.evaluation.record.training
    known = filter(None, (training.get("machine"), training.get("precision")))
    return " ".join(known) or "an unknown machine"


def _describe_keys(runs):
    """Return a sentence on rows with other splits and seeds than most have, whose means are of other data."""
    keys: dict[str, set] = {}
    for run in runs:
        keys.setdefault(run.row, set()).add(run.key)
    by_keys: dict[tuple, list[str]] = {}
    for row, found in keys.items():
        by_keys.setdefault(tuple(sorted(found)), []).append(row)
    if len(by_keys) == 1:
        return []
    usual = max(by_keys, key=lambda found: len(by_keys[found]))
    others = [f"{_list_names(sorted(rows))} {'have' if len(rows) > 1 else 'has'} {_list_keys(found)}"
              for found, rows in by_keys.items() if found != usual]
    return [f"the means of all rows are not of the same runs: {'; '.join(others)}, the others "
            f"{_list_keys(usual)} (split/seed)"]


def _list_keys(keys):
    return _list_names("/".join(key) for key in keys)


def _list_names(names):
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


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

"""Exports a run directory as a SavedModel that TensorFlow Serving can load."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from ml_collections import config_dict

from eig_tf import files, progress
from eig_tf.categories.discovery import Discovery
from eig_tf.categories.grouping import CodeGrouping, load_grouping
from eig_tf.data import names
from eig_tf.data.pictures import CROP
from eig_tf.errors import UserError, write_failure
from eig_tf.evaluation import metrics
from eig_tf.evaluation.record import EvaluationRecord, load_record
from eig_tf.models.base import GenerativeModel
from eig_tf.networks.precision import policy
from eig_tf.runs import category_files
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import versions, warmup
from eig_tf.serving.served_model import ServedModel

# Keras's policies for the products inside the networks; inputs and outputs are always float32.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
DESCRIPTION = Path("assets.extra") / "model.json"


class ExportedRun(NamedTuple):
    """A run that is about to be exported.

    Attributes:
        name: the name of the exported model.
        output: the directory of models to export to.
        config: the run's config.
        model: its restored model.
        categories: its categories, None for a run without them.
        description: the content of `model.json`; see `describe_model`.
    """

    name: str
    output: Path
    config: config_dict.ConfigDict
    model: GenerativeModel
    categories: Discovery | None
    description: dict[str, Any]


def load_run(path: str | os.PathLike, output: str | os.PathLike | None, name: str | None,
             precision: str = "float32") -> ExportedRun:
    """Restore the last checkpoint of a run for an export; see `export_run` for the arguments and errors."""
    directory = RunDirectory(path)
    # Whatever policy training has set in this process.
    with policy(PRECISIONS[precision]):
        config, model, epochs_done = directory.restore_model()
    categories = category_files.load_categories(directory, model, epochs_done)
    name = name or config.dataset
    versions.check_model_name(name)
    description = describe_model(directory, name, config, model, epochs_done,
                                 categories.grouping if categories else None)
    return ExportedRun(name, directory.export if output is None else Path(output), config, model, categories,
                       description)


@contextlib.contextmanager
def reported_write_errors(output: Path) -> Iterator[None]:
    """Raise a `UserError` that names `output` for an OSError, or an error of TensorFlow's file systems."""
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"--output {str(output)!r} cannot be written: {write_failure(error)}") from None


def export_run(path: str | os.PathLike, output: str | os.PathLike | None = None, name: str | None = None,
               version: int | None = None, keep: int | None = None, precision: str = "float32") -> Path:
    """Export the last checkpoint of a run as a new version of a model.

    The version holds the SavedModel, `assets.extra/model.json`, see `describe_model`, and the warm-up
    requests of TensorFlow Serving when tensorflow-serving-api is installed.

    Args:
        path: the run directory.
        output: the directory of models; `export` in the run directory when None.
        name: the model's name; that of the data set when None.
        version: the version's number, 1 or more; the next one when None.
        keep: how many versions stay, the new one among them; all when None.
        precision: `float32` or `bfloat16`.

    Returns:
        The path of the new version, `<output>/<name>/<version>`. See `ServedModel` for its signatures.

    Raises:
        UserError: the run or its checkpoint is missing or cannot be restored; the run's evaluation or its
            categories are damaged; the name is invalid; the version exists; `output` cannot be written.
    """
    run = load_run(path, output, name, precision)

    def write(content):
        with progress.stage("traces and writes the SavedModel"):
            _save(served_model(run.config, run.model, run.description["class_names"], run.categories),
                  content)
        (content / DESCRIPTION).parent.mkdir()
        files.write_json(run.description, content / DESCRIPTION)
        if warmup.available():
            with progress.stage("writes warm-up requests"):
                warmup.write_requests(content, run.name)

    base = run.output / run.name
    with reported_write_errors(run.output):
        new = versions.write_version(base, write, version)
        if keep is not None:
            versions.prune_versions(base, keep, new)
    return new


def describe_model(directory: RunDirectory, name: str, config: config_dict.ConfigDict, model: GenerativeModel,
                   epochs_done: int, grouping: CodeGrouping | None = None) -> dict[str, Any]:
    """Return the content of `model.json`.

    Args:
        directory: the run directory.
        name: the model's name.
        config: the run's config.
        model: the restored model with K codes.
        epochs_done: the number of epochs that its weights were trained for.
        grouping: the M categories of its codes; None for none.

    Returns:
        A dict of `name`, `config`, `epochs_done` and `prior` (K probabilities); of `class_names` (for each
        code the class that it matches, or None) and `metrics`, both None unless these very weights were
        evaluated; of `packages` and `git_revision` of the training; and, with a grouping, of `categories`: a
        dict of `num_categories`, `prior` (M probabilities), `codes` (for each category its codes, the most
        probable first) and `class_names` (for each category the class that it matches, or None; None for all
        unless these very weights were evaluated).

    Raises:
        UserError: the run's environment or evaluation is damaged.
    """
    environment = directory.load_environment()
    record = load_record(directory.evaluation, model.num_codes)
    if record is not None and record.epochs != epochs_done:
        record = None
    description = {
        "name": name,
        "config": config.to_dict(),
        "epochs_done": epochs_done,
        "prior": [float(probability) for probability in model.prior.probabilities],
        "class_names": record.code_class_names() if record else None,
        "metrics": _metrics(record) if record else None,
        "packages": environment.over_segments("packages"),
        "git_revision": environment.over_segments("git_revision"),
    }
    if grouping is not None:
        description["categories"] = {
            "num_categories": grouping.num_categories,
            "prior": grouping.prior.tolist(),
            "codes": _codes_by_category(grouping),
            "class_names": category_class_names(record, grouping) if record else None,
        }
    return description


def category_class_names(record: EvaluationRecord, grouping: CodeGrouping) -> list[str | None]:
    """Return the name of the class that each of M categories matches; None for categories without a class.

    Categories are matched to classes one to one, as codes are, by the judged images of their codes in the
    proportions p(code | category).

    Args:
        record: an evaluation of the weights whose K codes are grouped.
        grouping: the M categories.
    """
    shares = record.confusion / np.maximum(record.confusion.sum(axis=1, keepdims=True), 1)
    matched = metrics.match_codes(grouping.code_distribution @ shares)
    return [None if label is None else record.class_names[label] for label in matched]


def served_model(config: config_dict.ConfigDict, model: GenerativeModel,
                 class_names: Sequence[str | None] | None = None,
                 categories: Discovery | None = None) -> ServedModel:
    """Return the `ServedModel` of a run.

    Args:
        config: the run's config.
        model: its model with K codes.
        class_names: for each code the class that it matches, or None; None when no match is known.
        categories: see `ServedModel`.
    """
    printable = [names.printable(name or "") for name in class_names or [None] * model.num_codes]
    return ServedModel(model, config.data.get("resize", CROP), printable, categories,
                       config.data.get("stretch_contrast", False))


def ensure_exported(path: str | os.PathLike) -> Path:
    """Export a finished run unless its latest version, at the usual place, has its epochs and categories.

    Returns:
        The path of the latest version.

    Raises:
        UserError: see `export_run`.
    """
    directory = RunDirectory(path)
    config = directory.load_config()
    base = directory.export / config.dataset
    latest = base / str(versions.latest_version(base)) if base.is_dir() else base
    grouping = load_grouping(directory.categories / category_files.GROUPING)
    try:
        description = json.loads((latest / DESCRIPTION).read_text(encoding="utf-8"))
        exported = (description["epochs_done"], description.get("categories", {}).get("codes"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        exported = None
    if grouping is not None and grouping.epochs != config.training.epochs:
        grouping = None
    current = (config.training.epochs, grouping and _codes_by_category(grouping))
    return latest if exported == current else export_run(path)


def _codes_by_category(grouping):
    return [grouping.codes_of(category).tolist() for category in range(grouping.num_categories)]


def export_notes(version: Path) -> list[str]:
    """Return sentences about what a version could have but lacks, none where it has everything."""
    found = []
    if json.loads((version / DESCRIPTION).read_text(encoding="utf-8"))["class_names"] is None:
        found.append("the codes have no class names because these weights were not evaluated; with labels, "
                     "run tools/evaluate.py and export again")
    if not (version / warmup.REQUESTS).is_file():
        found.append("there are no warm-up requests, so the first requests are slow; "
                     "pip install 'eig_tf[serving]' and export again")
    return found


def _metrics(record: EvaluationRecord) -> dict[str, Any]:
    return {**record.metrics, "images_per_code": record.images_per_code,
            "evaluation_seed": record.evaluation_seed, "true_fractions": record.true_fractions.tolist(),
            "judge": record.judge}


def _save(served, content):
    # Keras would add training functions and metrics if the networks themselves were attached.
    root = tf.Module()
    for name, variables in served.variables().items():
        setattr(root, name, variables)
    tf.saved_model.save(root, str(content), signatures=served.signatures())

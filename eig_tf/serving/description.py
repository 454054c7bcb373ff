"""The file `model.json` of an export: where the model comes from and how good it is."""

from __future__ import annotations

from typing import Any

from ml_collections import config_dict

from eig_tf.evaluation.record import EvaluationRecord, load_record
from eig_tf.models.base import GenerativeModel
from eig_tf.runs.run_directory import RunDirectory


def describe_model(directory: RunDirectory, name: str, config: config_dict.ConfigDict, model: GenerativeModel,
                   epochs_done: int) -> dict[str, Any]:
    """Return the content of `model.json`.

    Args:
        directory: the run directory.
        name: the model's name.
        config: the run's config.
        model: the restored model with K codes.
        epochs_done: the number of epochs that its weights were trained for.

    Returns:
        A dict of `name`, `config`, `epochs_done` and `prior` (K probabilities); of `class_names` (for each
        code the class that it matches, or None) and `metrics`, both None unless these very weights were
        evaluated; of `packages` and `git_revision` of the training.

    Raises:
        UserError: the run's environment or evaluation is damaged.
    """
    environment = directory.load_environment()
    record = load_record(directory.evaluation, model.num_codes)
    current = record is not None and record.epochs == epochs_done
    return {
        "name": name,
        "config": config.to_dict(),
        "epochs_done": epochs_done,
        "prior": [float(probability) for probability in model.prior.probabilities],
        "class_names": record.code_class_names() if current else None,
        "metrics": _metrics(record) if current else None,
        "packages": environment.over_segments("packages"),
        "git_revision": environment.over_segments("git_revision"),
    }


def _metrics(record: EvaluationRecord) -> dict[str, Any]:
    return {**record.metrics, "images_per_code": record.images_per_code,
            "evaluation_seed": record.evaluation_seed, "true_fractions": record.true_fractions.tolist(),
            "judge": record.judge}

"""The typed, versioned record of an evaluation, `evaluation.json`."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.config import METHODS
from eig_tf.data.imbalance import expected_false_negatives
from eig_tf.errors import UserError
from eig_tf.evaluation import metrics

VERSION = 2
_DECIMALS = 6
# Where the metrics of codes are among those of categories.
_SCORES_OF_CATEGORIES = {
    "nmi": ("nmi",), "ent": ("ent",), "prior_total_variation": ("distribution_error_of_prior",),
    "prior_total_variation_of_uniform": ("distribution_error_of_uniform",),
    **{f"real_{name}": ("real", name) for name in ("accuracy", "nmi", "ari")}}
# Fields of configs that were renamed since some evaluations were written.
_RENAMED_CONFIG_FIELDS = {("optimizer", "generator_average_decay"): "ema_decay"}
# Version 1 had no version number. These are the places of its numbers, by their names today.
_METRICS_1 = {
    "nmi": "nmi", "ent": "ent", "ent_of_codes": "ent_of_codes", "ent_of_classes": "ent_of_classes",
    "prior_total_variation": "prior.total_variation",
    "prior_total_variation_of_uniform": "prior.total_variation_of_uniform",
    "prior_kl": "prior.kl",
    "prior_unmatched": "prior.mass_of_unmatched_codes",
    "generated_total_variation": "prior.generated_total_variation",
    "generated_total_variation_of_uniform": "prior.generated_total_variation_of_uniform",
    "one_nn_accuracy": "one_nn.accuracy",
    "one_nn_accuracy_of_random_weights": "one_nn.accuracy_of_random_weights",
    "real_accuracy": "recognition.accuracy", "real_nmi": "recognition.nmi", "real_ari": "recognition.ari",
}
_DETAILS_1 = {
    "nmi_averaging": "nmi_averaging",
    "prior_by_class": "prior.learned_by_class", "generated_by_class": "prior.generated_by_class",
    "one_nn_num_train": "one_nn.num_train", "one_nn_num_test": "one_nn.num_test",
}
_TRAINING_1 = ("data_source", "num_training_images", "precision", "machine", "git_revision")
# Version 1 held these twice, here and in its config, or holds them under another name.
_REPLACED_1 = ("dataset", "method", "split", "seed", "gradient_routing", "classifier", "prior", "one_nn",
               "recognition", *_TRAINING_1, *_METRICS_1, *_DETAILS_1)


@dataclasses.dataclass
class EvaluationRecord:
    """The evaluation of a run, with K codes and C classes.

    Attributes:
        config: the run's config, with all its fields.
        epochs: number of epochs behind the evaluated weights.
        class_names: C names.
        confusion: int64 [K, C], generated images of each code by the class that the judge predicts.
        code_to_class: K classes, one to one; None for the codes that are left over when K > C.
        true_fractions: float64 [C], share of each class in the training images.
        prior: float64 [K], the model's distribution of the codes.
        prior_learned: whether that distribution was learned; otherwise it is fixed.
        metrics: value of each metric by name; None for a divergence that is infinite.
        details: what stands behind the metrics, such as the number of images.
        judge: the report of the classifier that predicted the classes; see `judge.judge.TrainedJudge`.
        images_per_code: number of images that were generated for each code.
        evaluation_seed: seed of the generated images and of the 1-NN split.
        training: where and on what the run was trained: data source, number of images, precision,
            machine and git revision.
        categories: the metrics of a grouping of the codes into categories, see
            `category_metrics.evaluate_categories`; None for a run without a grouping.
        extra: entries of the file that this version does not know; they are written back.
        version: version of the file format.
    """

    config: dict[str, Any]
    epochs: int
    class_names: tuple[str, ...]
    confusion: np.ndarray
    code_to_class: list[int | None]
    true_fractions: np.ndarray
    prior: np.ndarray
    prior_learned: bool
    metrics: dict[str, float | None] = dataclasses.field(default_factory=dict)
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    judge: dict[str, Any] = dataclasses.field(default_factory=dict)
    images_per_code: int = 0
    evaluation_seed: int = 0
    training: dict[str, Any] = dataclasses.field(default_factory=dict)
    categories: dict[str, Any] | None = None
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    version: int = VERSION

    def __post_init__(self) -> None:
        self.class_names = tuple(map(str, self.class_names))
        self.code_to_class = list(self.code_to_class)
        self.confusion = np.asarray(self.confusion, np.int64)
        self.true_fractions = np.asarray(self.true_fractions, np.float64)
        self.prior = np.asarray(self.prior, np.float64)

    def code_class_names(self) -> list[str | None]:
        """Return the name of the class that each of the K codes matches; None for codes without a class."""
        return [None if label is None else self.class_names[label] for label in self.code_to_class]

    def prior_by_class(self) -> tuple[np.ndarray, float]:
        """Return the prior over the matched classes, float64 [C], and the probability of unmatched codes."""
        return metrics.match_prior(self.prior, self.code_to_class, len(self.class_names))

    @property
    def scores_categories(self) -> bool:
        """Whether the method has several codes for each category, and the categories were found."""
        return bool(METHODS[self.config["method"]].codes_per_category and self.categories)

    @property
    def lacks_categories(self) -> bool:
        """Whether the method has several codes for each category, and the categories were not found yet."""
        return bool(METHODS[self.config["method"]].codes_per_category) and not self.categories

    def score(self, metric: str) -> float | None:
        """Return a metric, or None where the evaluation lacks it.

        With `scores_categories`, NMI, ENT, the error of the matched prior and the scores of real images are
        those of the categories, which correspond to the codes of other methods.
        """
        if not self.scores_categories or metric not in _SCORES_OF_CATEGORIES:
            return self.metrics.get(metric)
        value: Any = self.categories
        for name in _SCORES_OF_CATEGORIES[metric]:
            value = (value or {}).get(name)
        return value

    def flat_config(self) -> dict[str, Any]:
        """Return the config's fields in one dict, `{"training.epochs": 200, ...}`."""
        return config_lib.flatten(config_lib.config_from_dict(self.config))


def load_record(path: str | os.PathLike, num_codes: int | None = None) -> EvaluationRecord | None:
    """Read an `evaluation.json` of this version or an older one.

    Args:
        path: the file.
        num_codes: number of codes that the run has; any when None.

    Returns:
        The record, or None when there is no such file.

    Raises:
        UserError: the file cannot be read, is damaged, or has another number of codes.
    """
    try:
        content = upgrade_record(json.loads(Path(path).read_text(encoding="utf-8")))
        fields = {field.name: content.pop(field.name) for field in dataclasses.fields(EvaluationRecord)
                  if field.name in content and field.name != "extra"}
        record = EvaluationRecord(**fields, extra=content)
        _check_record(record, num_codes)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        reason = " ".join(str(error).split())[:200]
        reason = f"it lacks {reason}" if reason.strip("'").isidentifier() else reason
        raise UserError(f"{path} is not an evaluation of this run: {reason}; expected the file that "
                        "tools/evaluate.py writes") from None
    return record


def save_record(record: EvaluationRecord, path: str | os.PathLike) -> None:
    """Write a record as JSON, atomically, with numbers of six decimals and the config as it is."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    # The version and the numbers that people look for come first, the long config last.
    extra, config = fields.pop("extra"), fields.pop("config")
    first = {name: fields.pop(name) for name in ("version", "epochs", "metrics", "categories")}
    if record.categories is None:
        del first["categories"]
    files.write_json({**_rounded({**first, **fields}), "config": config, **_rounded(extra)}, path)


def upgrade_record(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an evaluation file of any version in the format of this one.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: the content is damaged or of a later version.
    """
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    if "version" not in content:
        content = _upgrade_version_1(content)
    if content["version"] != VERSION:
        raise ValueError(f"version is {content['version']!r}, not {VERSION} or earlier")
    config = {name: dict(value) if isinstance(value, dict) else value
              for name, value in content["config"].items()}
    for (group, old), new in _RENAMED_CONFIG_FIELDS.items():
        if old in config.get(group, {}):
            config[group][new] = config[group].pop(old)
    return {**content, "config": config_lib.config_from_dict(config).to_dict()}


def _upgrade_version_1(content: dict[str, Any]) -> dict[str, Any]:
    true = content["prior"]["true"]
    rest = {name: value for name, value in content.items() if name not in _REPLACED_1}
    return {
        **rest,
        "version": 2,
        "metrics": {**_select(content, _METRICS_1),
                    "expected_false_negatives": expected_false_negatives(true)},
        "details": _select(content, _DETAILS_1),
        "judge": content["classifier"],
        "true_fractions": true,
        "prior": content["prior"]["learned"],
        "prior_learned": config_lib.METHODS[content["config"]["method"]].prior == "learned",
        "training": {name: content.get(name) for name in _TRAINING_1},
    }


def _select(content: dict[str, Any], places: dict[str, str]) -> dict[str, Any]:
    found = {}
    for name, place in places.items():
        group, _, field = place.rpartition(".")
        values = content.get(group, {}) if group else content
        if field in values:
            found[name] = values[field]
    return found


def _check_record(record: EvaluationRecord, num_codes: int | None) -> None:
    num_codes = len(record.code_to_class) if num_codes is None else num_codes
    num_classes = len(record.class_names)
    for name, shape in (("confusion", (num_codes, num_classes)), ("code_to_class", (num_codes,)),
                        ("prior", (num_codes,)), ("true_fractions", (num_classes,))):
        found = np.shape(getattr(record, name))
        if found != shape:
            raise ValueError(f"{name} is {list(found)}, not {list(shape)} for {num_codes} codes and "
                             f"{num_classes} classes")
    matched = [label for label in record.code_to_class if label is not None]
    if any(not isinstance(label, int) or not 0 <= label < num_classes for label in matched):
        raise ValueError(f"code_to_class is {record.code_to_class}, not numbers below {num_classes}")
    groups = (record.metrics, record.details, record.judge, record.training)
    if any(not isinstance(group, dict) for group in groups):
        raise ValueError("metrics, details, judge and training are not all JSON objects")
    if record.categories is not None and not isinstance(record.categories, dict):
        raise ValueError(f"categories is {record.categories!r}, not a JSON object")
    numbers = {"epochs": record.epochs, "images_per_code": record.images_per_code,
               "evaluation_seed": record.evaluation_seed,
               **{f"metrics.{name}": value for name, value in record.metrics.items() if value is not None}}
    for name, value in numbers.items():
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"{name} is {value!r}, not a number")


def _rounded(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(inner) for inner in value]
    return value

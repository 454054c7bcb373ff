"""The metrics of an evaluation, registered by name: a new metric is one function here and its test."""

from __future__ import annotations

import functools
import math
from typing import Any, Callable, NamedTuple, Union

import numpy as np
from ml_collections import config_dict
from tensorflow import keras

from eig_tf import progress
from eig_tf.data.image_set import ImageSet
from eig_tf.data.imbalance import expected_false_negatives
from eig_tf.evaluation import knn, metrics
from eig_tf.evaluation.record import EvaluationRecord
from eig_tf.models import sampling
from eig_tf.models.base import GenerativeModel
from eig_tf.models.registry import build_model

Values = Union[float, None, dict[str, Any]]


class EvaluationContext:
    """What metrics are computed from; everything that takes time is computed on first use, once.

    Args:
        model: the model, with K codes.
        config: the config of the run.
        image_set: the N training images with their labels, of C classes.
        predict_classes: the judge, uint8 images [n, H, W, channels] -> classes int64 [n].
        images_per_code: number of images to generate for each code.
        seed: seed of the generated images and of the 1-NN split.
    """

    def __init__(self, model: GenerativeModel, config: config_dict.ConfigDict, image_set: ImageSet,
                 predict_classes: Callable[[np.ndarray], np.ndarray], images_per_code: int,
                 seed: int) -> None:
        self.model = model
        self.config = config
        self.image_set = image_set
        self.predict_classes = predict_classes
        self.images_per_code = images_per_code
        self.seed = seed
        self.labels = image_set.labels
        self.num_classes = len(image_set.class_names)
        self.true_fractions = image_set.class_fractions()
        self.prior = np.asarray(model.prior.probabilities, np.float64)

    @functools.cached_property
    def generated_classes(self) -> np.ndarray:
        """Class that the judge predicts for each of n generated images of each code, int64 [K, n]."""
        classes = []
        with progress.stage(f"generates and judges {self.images_per_code:,} images of each code",
                            len(self.prior), "code") as advance:
            for code in range(len(self.prior)):
                classes.append(self.predict_classes(sampling.generate_images_of_code(
                    self.model, code, self.images_per_code, [self.seed, code])))
                advance()
        return np.stack(classes)

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """Number of generated images of each code and predicted class, int64 [K, C]."""
        num_codes = len(self.prior)
        codes = np.repeat(np.arange(num_codes), self.images_per_code)
        return metrics.confusion_counts(codes, self.generated_classes.ravel(), num_codes, self.num_classes)

    @functools.cached_property
    def code_to_class(self) -> list[int | None]:
        """The class that each of the K codes matches, None for those left over."""
        return metrics.match_codes(self.confusion)

    @functools.cached_property
    def encodings(self) -> tuple[np.ndarray, np.ndarray]:
        """Features [N, F] and most probable codes [N] of the training images."""
        with progress.stage(f"encodes {len(self.labels):,} images"):
            return sampling.encode_images(self.model, self.image_set.images)

    @functools.cached_property
    def random_features(self) -> np.ndarray:
        """Features [N, F] of the training images by the weights that the run had before its first step."""
        keras.utils.set_random_seed(self.config.seed)
        with progress.stage(f"encodes {len(self.labels):,} images by untrained weights"):
            return sampling.encode_images(build_model(self.config), self.image_set.images)[0]


Compute = Callable[[EvaluationContext], Values]


class Metric(NamedTuple):
    """A registered metric.

    Attributes:
        compute: the function; see `register_metric`.
        label: text of its row in the table.
        template: format string of the row's value, with names of metrics as fields; infinite ones are `inf`.
        judged: whether it rests on the judge, whose accuracy stands beside it.
        details: names of those results that are not metrics, but stand behind them.
    """

    compute: Compute
    label: str
    template: str
    judged: bool
    details: tuple[str, ...]


METRICS: dict[str, Metric] = {}


def register_metric(name: str, label: str, template: str, judged: bool = False,
                    details: tuple[str, ...] = ()) -> Callable[[Compute], Compute]:
    """Return a decorator that registers a function as a metric; see `Metric` for the other arguments.

    The function takes an `EvaluationContext`, and returns the value of the metric `name` or a dict of
    values by name; None stands for infinity.
    """
    def register(compute: Compute) -> Compute:
        if name in METRICS:
            raise ValueError(f"a metric {name!r} is registered already")
        METRICS[name] = Metric(compute, label, template, judged, details)
        return compute
    return register


def compute_metrics(context: EvaluationContext) -> tuple[dict[str, float | None], dict[str, Any]]:
    """Return the values of all registered metrics and the details behind them, by name."""
    values: dict[str, float | None] = {}
    details: dict[str, Any] = {}
    for name, metric in METRICS.items():
        result = metric.compute(context)
        for key, value in (result if isinstance(result, dict) else {name: result}).items():
            (details if key in metric.details else values)[key] = value
    return values, details


def metric_rows(record: EvaluationRecord) -> list[tuple[str, str]]:
    """Return the label and the text of each metric that a record has, for a table."""
    values = {name: math.inf if value is None else value for name, value in record.metrics.items()}
    judge = f"  [classifier {record.judge['accuracy']:.3f}]"
    return [(metric.label, metric.template.format_map(values) + (judge if metric.judged else ""))
            for name, metric in METRICS.items() if name in values]


@register_metric("nmi", "NMI (code, class of generated image)", "{nmi:.3f}", judged=True,
                 details=("nmi_averaging",))
def _nmi(context: EvaluationContext) -> Values:
    return {"nmi": metrics.normalized_mutual_information(context.confusion),
            "nmi_averaging": metrics.NMI_AVERAGING}


@register_metric("ent", "ENT", "{ent:.3f} nats", judged=True)
def _ent(context: EvaluationContext) -> Values:
    return dict(zip(("ent", "ent_of_codes", "ent_of_classes"), metrics.average_entropy(context.confusion)))


@register_metric("prior_total_variation", "matched prior, total variation from true",
                 "{prior_total_variation:.3f} (uniform: {prior_total_variation_of_uniform:.3f})", judged=True)
def _prior_total_variation(context: EvaluationContext) -> Values:
    def distance(prior: np.ndarray) -> float:
        matched = metrics.match_prior(prior, context.code_to_class, context.num_classes)
        return metrics.total_variation(context.true_fractions, *matched)
    return {"prior_total_variation": distance(context.prior),
            "prior_total_variation_of_uniform": distance(_uniform(context))}


@register_metric("prior_kl", "matched prior, KL(true || prior)", "{prior_kl:.3f} nats", judged=True,
                 details=("prior_by_class",))
def _prior_kl(context: EvaluationContext) -> Values:
    by_class, unmatched = metrics.match_prior(context.prior, context.code_to_class, context.num_classes)
    return {"prior_kl": metrics.kl_divergence(context.true_fractions, by_class), "prior_unmatched": unmatched,
            "prior_by_class": by_class}


@register_metric("generated_total_variation", "classes generated under the prior, total variation",
                 "{generated_total_variation:.3f} "
                 "(under uniform codes: {generated_total_variation_of_uniform:.3f})",
                 judged=True, details=("generated_by_class",))
def _generated_total_variation(context: EvaluationContext) -> Values:
    true = context.true_fractions
    generated, of_uniform = (metrics.generated_fractions(prior, context.confusion)
                             for prior in (context.prior, _uniform(context)))
    return {"generated_total_variation": metrics.total_variation(true, generated),
            "generated_total_variation_of_uniform": metrics.total_variation(true, of_uniform),
            "generated_by_class": generated}


@register_metric("one_nn_accuracy", "1-NN accuracy of the encoder's features",
                 "{one_nn_accuracy:.3f} (before training: {one_nn_accuracy_of_random_weights:.3f})",
                 details=("one_nn_num_train", "one_nn_num_test"))
def _one_nn_accuracy(context: EvaluationContext) -> Values:
    accuracy, num_train, num_test = knn.one_nn_accuracy(context.encodings[0], context.labels, context.seed)
    untrained, _, _ = knn.one_nn_accuracy(context.random_features, context.labels, context.seed)
    return {"one_nn_accuracy": accuracy, "one_nn_accuracy_of_random_weights": untrained,
            "one_nn_num_train": num_train, "one_nn_num_test": num_test}


@register_metric("real_accuracy", "codes of real images: accuracy, NMI, ARI",
                 "{real_accuracy:.3f}, {real_nmi:.3f}, {real_ari:.3f}")
def _real_accuracy(context: EvaluationContext) -> Values:
    codes = context.encodings[1]
    counts = metrics.confusion_counts(codes, context.labels, len(context.prior), context.num_classes)
    return {"real_accuracy": metrics.clustering_accuracy(counts),
            "real_nmi": metrics.normalized_mutual_information(counts),
            "real_ari": metrics.adjusted_rand_index(context.labels, codes)}


@register_metric("expected_false_negatives", "expected share of false negative pairs, E(F.N.)",
                 "{expected_false_negatives:.3f}")
def _expected_false_negatives(context: EvaluationContext) -> Values:
    return expected_false_negatives(context.true_fractions)


def _uniform(context: EvaluationContext) -> np.ndarray:
    return np.full(len(context.prior), 1 / len(context.prior))

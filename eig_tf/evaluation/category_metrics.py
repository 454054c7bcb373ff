"""The metrics of categories: of the images that they generate, of real images, and of other clusterings."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from eig_tf import progress
from eig_tf.categories.grouping import CodeGrouping
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import baselines, metrics
from eig_tf.evaluation.registry import EvaluationContext

_ROWS = (("categories, training images", "real"), ("categories, held-out images", "held_out"))
_BASELINE_ROWS = (("k-means of pixels", "kmeans_pixels"),
                  ("spectral clusters of principal components", "spectral_pca"),
                  ("spectral clusters of features", "spectral_features"))


def evaluate_categories(context: EvaluationContext, grouping: CodeGrouping,
                        categorize: Callable[[Any], np.ndarray], left_out: ImageSet | None) -> dict[str, Any]:
    """Compute what `evaluation.json` holds in `categories`; docs/evaluation.md defines every key.

    Args:
        context: the evaluation of the run's K codes, whose judged images are used again.
        grouping: M categories of the K codes.
        categorize: images uint8 [N, H, W, channels] -> probabilities of the categories [N, M].
        left_out: labelled images of the data set that the training images do not contain, or None.

    Returns:
        Numbers and dicts of numbers, for JSON.
    """
    num_categories = grouping.num_categories
    counts, by_prior = (
        count_classes(context.generated_classes,
                      draw_codes(distribution, context.images_per_code, context.seed), context.num_classes)
        for distribution in (grouping.code_distribution,
                             prior_within_categories(context.prior, grouping.code_to_category,
                                                     num_categories)))

    def score(images: Any, labels: np.ndarray) -> dict[str, float]:
        with progress.stage(f"categorizes {len(images):,} images"):
            found = np.argmax(categorize(images), axis=-1)
        return clustering_scores(found, labels, num_categories, context.num_classes)

    clusterings = baselines.cluster_images(context.image_set.images, context.encodings[0], num_categories,
                                           context.seed)
    return {
        "num_categories": num_categories,
        "nmi": metrics.normalized_mutual_information(counts),
        "ent": metrics.average_entropy(counts)[0],
        "nmi_by_prior": metrics.normalized_mutual_information(by_prior),
        "ent_by_prior": metrics.average_entropy(by_prior)[0],
        **distribution_errors(counts, context.true_fractions, grouping.fractions, grouping.prior),
        "real": score(context.image_set.images, context.labels),
        "held_out": None if left_out is None else score(left_out.images, left_out.labels),
        "baselines": {name: score_baseline(clustering, context.labels, num_categories, context.num_classes)
                      for name, clustering in clusterings.items()}}


def prior_within_categories(prior: np.ndarray, code_to_category: np.ndarray,
                            num_categories: int) -> np.ndarray:
    """Return the prior of the codes of each category, p(code | category) = p(code) / p(category).

    Args:
        prior: p [K].
        code_to_category: int [K], in [0, M).
        num_categories: M.

    Returns:
        float64 [M, K]; rows sum to one, or are zero for a category without probability.
    """
    members = code_to_category == np.arange(num_categories)[:, np.newaxis]
    masses = np.where(members, prior, 0.0)
    totals = masses.sum(axis=1, keepdims=True)
    return np.divide(masses, totals, out=np.zeros_like(masses), where=totals > 0)


def draw_codes(code_distribution: np.ndarray, num: int, seed: int) -> np.ndarray:
    """Draw the codes of the images of each category.

    Args:
        code_distribution: p(code | category) [M, K]; the row of a category without codes is zero.
        num: number of images of each category.
        seed: seed of the draws, 0 or more.

    Returns:
        int64 [M, K], how often each code is drawn; rows sum to `num`, or to 0 without codes.
    """
    generator = np.random.default_rng(seed)
    draws = np.zeros(code_distribution.shape, np.int64)
    for category, distribution in enumerate(np.asarray(code_distribution, np.float64)):
        if np.any(distribution > 0):
            # Sums of rounded numbers, which NumPy would refuse above one.
            draws[category] = generator.multinomial(num, distribution / distribution.sum())
    return draws


def count_classes(generated_classes: np.ndarray, draws: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the number of images of each category and class, from the judged images of the codes.

    Args:
        generated_classes: int [K, n], the predicted class of each generated image of each code.
        draws: int [M, K], how many images each category takes of each code, the first ones, at most n.
        num_classes: C.

    Returns:
        int64 [M, C].
    """
    counts = np.zeros([len(draws), num_classes], np.int64)
    for category, code in zip(*np.nonzero(draws)):
        taken = generated_classes[code, :draws[category, code]]
        counts[category] += np.bincount(taken, minlength=num_classes)
    return counts


def distribution_errors(counts: np.ndarray, true_fractions: np.ndarray, fractions: np.ndarray,
                        prior: np.ndarray) -> dict[str, float]:
    """Return the total variation from the true class fractions of three distributions of the categories.

    Categories are matched to classes one to one by the counts. The mass of categories without a class
    counts as wrong; see `metrics.total_variation`.

    Args:
        counts: number of generated images of each category and class, [M, C].
        true_fractions: share of each class in the training images, [C].
        fractions: share of each category in the training images, by the categorizer, [M].
        prior: probability of each category by the model's prior, [M].
    """
    category_to_class = metrics.match_codes(counts)
    num_categories, num_classes = counts.shape

    def distance(distribution: np.ndarray) -> float:
        matched = metrics.match_prior(distribution, category_to_class, num_classes)
        return metrics.total_variation(true_fractions, *matched)
    return {"distribution_error": distance(fractions),
            "distribution_error_of_prior": distance(prior),
            "distribution_error_of_uniform": distance(np.full(num_categories, 1 / num_categories))}


def clustering_scores(clusters: np.ndarray, labels: np.ndarray, num_clusters: int,
                      num_classes: int) -> dict[str, float]:
    """Return `nmi`, `accuracy` after matching one to one, and `ari` of clusters of labelled images.

    Args:
        clusters: int [N], in [0, num_clusters), N at least 1.
        labels: int [N], in [0, num_classes).
        num_clusters: number of clusters.
        num_classes: number of classes.
    """
    counts = metrics.confusion_counts(clusters, labels, num_clusters, num_classes)
    return {"nmi": metrics.normalized_mutual_information(counts),
            "accuracy": metrics.clustering_accuracy(counts),
            "ari": metrics.adjusted_rand_index(labels, clusters)}


def score_baseline(clustering: baselines.Clustering, labels: np.ndarray, num_clusters: int,
                   num_classes: int) -> dict[str, float]:
    """Return `nmi`, `accuracy` and `num_images` of a baseline; `labels` [N] are those of all images."""
    scores = clustering_scores(clustering.clusters, labels[clustering.indices], num_clusters, num_classes)
    return {"nmi": scores["nmi"], "accuracy": scores["accuracy"], "num_images": len(clustering.indices)}


def category_lines(values: dict[str, Any], judge_accuracy: float) -> list[str]:
    """Return the main numbers of `categories` as lines of text, clusterings of real images in one table.

    Args:
        values: what `evaluate_categories` returns.
        judge_accuracy: accuracy of the judge, which stands beside what rests on it.
    """
    judge = f"  [classifier {judge_accuracy:.3f}]"
    rows = (
        ("NMI (category, class of generated image)",
         f"{values['nmi']:.3f} (codes by the prior: {values['nmi_by_prior']:.3f})"),
        ("ENT", f"{values['ent']:.3f} nats (codes by the prior: {values['ent_by_prior']:.3f})"),
        ("distribution error, total variation",
         f"{values['distribution_error']:.3f} (prior: {values['distribution_error_of_prior']:.3f}, "
         f"uniform: {values['distribution_error_of_uniform']:.3f})"))
    table = [(label, values[name]) for label, name in _ROWS if values[name] is not None]
    table += [(label, values["baselines"][name]) for label, name in _BASELINE_ROWS]
    width = max(len(label) for label, _ in [*rows, *table])
    return [f"{values['num_categories']} categories",
            *(f"  {label:<{width}}  {text}{judge}" for label, text in rows),
            f"  {'clusters of real images':<{width}}  {'NMI':>5}  accuracy",
            *(f"  {label:<{width}}  {scores['nmi']:>5.3f}  {scores['accuracy']:>8.3f}"
              for label, scores in table)]

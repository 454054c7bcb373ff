"""Metrics of categories by hand: drawn codes, matched distributions, real images, and the printed block."""

import types

import numpy as np
import pytest

from eig_tf.categories.grouping import CodeGrouping
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import category_metrics, metrics
from eig_tf.evaluation.registry import EvaluationContext


def test_prior_within_categories_by_hand():
    found = category_metrics.prior_within_categories(
        np.array([0.1, 0.4, 0.3, 0.2, 0.0]), np.array([0, 1, 0, 1, 2]), 4)
    np.testing.assert_allclose(found, [
        [0.25, 0, 0.75, 0, 0], [0, 2 / 3, 0, 1 / 3, 0], [0] * 5, [0] * 5])  # without mass; without codes


def test_drawn_codes_follow_their_distribution():
    distribution = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    draws = category_metrics.draw_codes(distribution, 10_000, seed=3)
    assert draws.sum(axis=1).tolist() == [10_000, 10_000, 0] and draws.dtype == np.int64
    assert draws[1].tolist() == [0, 0, 10_000] and draws[0, 2] == 0
    assert draws[0, 0] == pytest.approx(2000, abs=200)  # five standard deviations
    np.testing.assert_array_equal(category_metrics.draw_codes(distribution, 10_000, seed=3), draws)
    assert category_metrics.draw_codes(distribution, 10_000, seed=4)[0, 0] != draws[0, 0]
    assert category_metrics.draw_codes(np.array([[0.3 + 1e-7, 0.7]]), 9, seed=0).sum() == 9


def test_the_first_images_of_each_code_are_counted():
    judged = np.array([[0, 0, 1, 1], [2, 1, 0, 0], [2, 2, 2, 0]])
    draws = np.array([[3, 1, 0], [0, 0, 4], [0, 0, 0]])
    np.testing.assert_array_equal(category_metrics.count_classes(judged, draws, 3),
                                  [[2, 1, 1], [1, 0, 3], [0, 0, 0]])


def test_distribution_errors_with_more_categories_than_classes():
    """Categories 1 and 2 generate class b; category 2 has fewer of it and is left without a class."""
    errors = category_metrics.distribution_errors(
        np.array([[10, 0], [0, 10], [1, 9]]), np.array([0.3, 0.7]), np.array([0.3, 0.5, 0.2]),
        np.array([0.5, 0.4, 0.1]))
    assert errors == pytest.approx({
        "distribution_error": (0 + 0.2 + 0.2) / 2, "distribution_error_of_prior": (0.2 + 0.3 + 0.1) / 2,
        "distribution_error_of_uniform": (1 / 30 + 11 / 30 + 1 / 3) / 2})


def test_distribution_errors_with_fewer_categories_than_classes():
    errors = category_metrics.distribution_errors(
        np.array([[0, 9, 1], [10, 0, 0]]), np.array([0.3, 0.5, 0.2]), np.array([0.6, 0.4]),
        np.array([0.7, 0.3]))
    assert errors == pytest.approx({  # class 2 gets nothing
        "distribution_error": (0.1 + 0.1 + 0.2) / 2, "distribution_error_of_prior": (0 + 0.2 + 0.2) / 2,
        "distribution_error_of_uniform": (0.2 + 0 + 0.2) / 2})


def test_scores_of_clusters_by_hand():
    perfect = category_metrics.clustering_scores(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]), 3, 2)
    assert perfect == pytest.approx({"nmi": 1, "accuracy": 1, "ari": 1})
    # Class b is split evenly: H(cluster) = 1.5 ln 2, H(class) = I = ln 2.
    split = category_metrics.clustering_scores(np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1]), 3, 2)
    assert split["nmi"] == pytest.approx(0.8) and split["accuracy"] == 0.75
    assert category_metrics.clustering_scores(np.array([2]), np.array([1]), 3, 2)["accuracy"] == 1


LABELS = np.array([0] * 30 + [1] * 70)


@pytest.fixture
def context():
    """Four codes of 100 judged images; real images of two classes, dark and bright ones."""
    noise = np.random.default_rng(0).integers(0, 50, [100, 6, 6, 1])
    images = (200 * LABELS[:, None, None, None] + noise).astype(np.uint8)
    model = types.SimpleNamespace(prior=types.SimpleNamespace(probabilities=np.array([0.3, 0.6, 0.05, 0.05])))
    found = EvaluationContext(model, None, ImageSet(images, LABELS, ("a", "b"), "made"), None, 100, seed=1)
    # Codes 2 and 3 generate the class of the other category.
    found.generated_classes = np.repeat([[0], [1], [1], [0]], 100, axis=1)
    found.encodings = np.eye(2)[LABELS] + noise[:, 0, :2, 0] / 500, LABELS
    return found


def grouping(code_to_category=(0, 1, 0, 1)):
    pure = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    return CodeGrouping(np.array(code_to_category), np.array([1.0, 1, 0, 0]), pure, np.array([0.35, 0.65]),
                        np.array([0.3, 0.7]), np.zeros([3, 4]), epochs=2, consensus=0.9)


def by_brightness(images):
    """The right category for all images but the last."""
    bright = images[:, 0, 0, 0] > 127
    bright[-1] = not bright[-1]
    return np.eye(2, dtype=np.float32)[bright.astype(int)]


def test_all_metrics_of_categories(context):
    left_out = context.image_set.subset([0, 30, 31])
    values = category_metrics.evaluate_categories(context, grouping(), by_brightness, left_out)
    assert values["num_categories"] == 2
    assert values["nmi"] == pytest.approx(1) and values["ent"] == 0
    draws = category_metrics.draw_codes(np.array([[6 / 7, 0, 1 / 7, 0], [0, 12 / 13, 0, 1 / 13]]), 100, 1)
    table = np.array([[draws[0, 0], draws[0, 2]], [draws[1, 3], draws[1, 1]]])
    assert values["nmi_by_prior"] == metrics.normalized_mutual_information(table) < 0.9
    assert values["ent_by_prior"] == metrics.average_entropy(table)[0] > 0.1
    assert values["distribution_error"] == pytest.approx(0)
    assert values["distribution_error_of_prior"] == pytest.approx(0.05)
    assert values["distribution_error_of_uniform"] == pytest.approx(0.2)
    assert values["real"]["accuracy"] == 0.99 and 0 < values["real"]["nmi"] < 1
    assert values["held_out"]["accuracy"] == pytest.approx(2 / 3)
    assert values["baselines"] == {
        name: {"nmi": pytest.approx(1), "accuracy": 1, "num_images": 100}
        for name in ("kmeans_pixels", "spectral_pca", "spectral_features")}
    assert category_metrics.evaluate_categories(context, grouping(), by_brightness, None)["held_out"] is None


def test_the_printed_block():
    scores = {"nmi": 0.5, "accuracy": 0.625, "ari": 0.25}
    values = {"num_categories": 10, "nmi": 0.9, "ent": 0.125, "nmi_by_prior": 0.75, "ent_by_prior": 0.25,
              "distribution_error": 0.05, "distribution_error_of_prior": 0.1,
              "distribution_error_of_uniform": 0.2, "real": scores, "held_out": scores,
              "baselines": {name: {"nmi": 1.0, "accuracy": 0.5} for name in (
                  "kmeans_pixels", "spectral_pca", "spectral_features")}}
    lines = category_metrics.category_lines(values, 0.9876)
    assert lines[0] == "10 categories"
    assert lines[1].endswith(" 0.900 (codes by the prior: 0.750)  [classifier 0.988]")
    assert lines[2].endswith(" 0.125 nats (codes by the prior: 0.250)  [classifier 0.988]")
    assert lines[3].endswith(" 0.050 (prior: 0.100, uniform: 0.200)  [classifier 0.988]")
    assert [line.split()[-2:] for line in lines[4:]] == [
        ["NMI", "accuracy"], *[["0.500", "0.625"]] * 2, *[["1.000", "0.500"]] * 3]
    assert len({len(line) for line in lines[4:]}) == 1
    without = category_metrics.category_lines({**values, "held_out": None}, 0.9876)
    assert len(without) == len(lines) - 1 and not any("held-out" in line for line in without)

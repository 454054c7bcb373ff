import numpy as np
import pytest

from eig_tf.evaluation import metrics


def test_confusion_counts_by_hand():
    counts = metrics.confusion_counts(np.array([0, 0, 1, 2]), np.array([1, 1, 0, 1]), 3, 2)
    np.testing.assert_array_equal(counts, [[0, 2], [1, 0], [0, 1]])


@pytest.mark.parametrize("permutation", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_perfect_codes_in_any_order(permutation):
    counts = 1000 * np.eye(4, dtype=np.int64)[permutation]
    assert metrics.average_entropy(counts) == (0.0, 0.0, 0.0)
    assert metrics.normalized_mutual_information(counts) == pytest.approx(1.0)
    assert metrics.clustering_accuracy(counts) == 1.0
    assert metrics.match_codes(counts) == permutation


def test_codes_without_information():
    counts = np.full([5, 5], 200)
    assert metrics.average_entropy(counts)[0] == pytest.approx(np.log(5))
    assert metrics.normalized_mutual_information(counts) == pytest.approx(0.0, abs=1e-9)
    assert metrics.clustering_accuracy(counts) == pytest.approx(0.2)


def test_entropy_by_hand():
    counts = np.array([[3, 1], [0, 4]])
    row = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    column = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    ent, rows, columns = metrics.average_entropy(counts)
    assert rows == pytest.approx(row / 2)
    assert columns == pytest.approx(column / 2)
    assert ent == pytest.approx((row + column) / 4)


def test_class_that_is_never_generated_counts_as_worst_case():
    counts = np.array([[10, 0], [10, 0]])
    ent, rows, columns = metrics.average_entropy(counts)
    assert rows == 0.0
    assert columns == pytest.approx((np.log(2) + np.log(2)) / 2)
    assert np.isfinite(ent)


def test_collapse_to_one_class_has_no_information():
    counts = np.zeros([10, 10], dtype=np.int64)
    counts[:, 3] = 1000
    assert metrics.normalized_mutual_information(counts) == pytest.approx(0.0, abs=1e-9)
    assert metrics.average_entropy(counts)[0] == pytest.approx(np.log(10) / 2)


def test_rectangular_table_averages_over_all_rows_and_columns():
    counts = np.array([[4, 4, 0], [0, 0, 8]])
    ent, rows, columns = metrics.average_entropy(counts)
    assert rows == pytest.approx(np.log(2) / 2)
    assert columns == 0.0
    assert ent == pytest.approx(np.log(2) / 5)


def test_nmi_is_arithmetic():
    counts = np.array([[2, 0, 0], [0, 1, 1]])
    # H(code) = ln 2, H(class) = 1.5 ln 2, and the class tells the code.
    assert metrics.normalized_mutual_information(counts) == pytest.approx(2 * 1.0 / (1.0 + 1.5))


def test_matching_leaves_superfluous_codes_unmatched():
    counts = np.array([[0, 9], [5, 1], [4, 3]])
    assert metrics.match_codes(counts) == [1, 0, None]
    assert metrics.clustering_accuracy(counts) == pytest.approx(14 / 22)
    assert metrics.match_codes(counts.T) == [1, 0]


def test_matching_is_the_best_one_not_the_greedy_one():
    counts = np.array([[10, 9], [9, 0]])
    assert metrics.match_codes(counts) == [1, 0]


def test_prior_is_compared_after_matching():
    true = np.array([0.7, 0.3])
    by_class, unmatched = metrics.match_prior([0.3, 0.7], [1, 0], 2)
    np.testing.assert_allclose(by_class, true)
    assert unmatched == 0.0
    assert metrics.total_variation(true, by_class) == 0.0
    assert metrics.kl_divergence(true, by_class) == pytest.approx(0.0)


def test_total_variation_and_kl_by_hand():
    true, learned = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert metrics.total_variation(true, learned) == pytest.approx(0.25)
    assert metrics.kl_divergence(true, learned) == pytest.approx(
        0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))


def test_unmatched_mass_is_part_of_the_distance():
    by_class, unmatched = metrics.match_prior([0.4, 0.4, 0.2], [0, 1, None], 2)
    assert unmatched == pytest.approx(0.2)
    assert metrics.total_variation(np.array([0.5, 0.5]), by_class, unmatched) == pytest.approx(0.2)


def test_generated_fractions_by_hand():
    counts = np.array([[8, 2], [0, 10], [10, 0]])
    np.testing.assert_allclose(metrics.generated_fractions([0.5, 0.3, 0.2], counts), [0.6, 0.4])


def test_kl_of_a_class_that_no_code_is_matched_to_is_infinite():
    by_class, _ = metrics.match_prior([1.0], [0], 2)
    assert metrics.kl_divergence(np.array([0.9, 0.1]), by_class) is None
    assert metrics.kl_divergence(np.array([1.0, 0.0]), by_class) == pytest.approx(0.0)


def test_adjusted_rand_index_by_hand():
    assert metrics.adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0]) == pytest.approx(1.0)
    # One of the two pairs of each labelling is shared by chance alone.
    assert metrics.adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)

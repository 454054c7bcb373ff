import numpy as np
import pytest

from eig_tf.evaluation import metrics


def test_images_without_a_class_do_not_count():
    counts = metrics.confusion_counts(np.array([0, 0, 1]), np.array([1, -1, -1]), 2, 2)
    assert counts.tolist() == [[0, 1], [0, 0]]


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


@pytest.mark.parametrize(("counts", "rows", "columns"), [
    ([[3, 1], [0, 4]], [0.75 * np.log(4 / 3) + 0.25 * np.log(4), 0],
     [0, 0.2 * np.log(5) + 0.8 * np.log(5 / 4)]),
    # A class that is never generated counts as the worst case.
    ([[10, 0], [10, 0]], [0, 0], [np.log(2), np.log(2)]),
    # A rectangular table: the mean is over all rows and columns.
    ([[4, 4, 0], [0, 0, 8]], [np.log(2), 0], [0, 0, 0]),
], ids=["square", "never generated", "rectangular"])
def test_entropies_by_hand(counts, rows, columns):
    expected = np.mean([*rows, *columns]), np.mean(rows), np.mean(columns)
    assert metrics.average_entropy(np.array(counts)) == pytest.approx(expected)


def test_codes_without_information():
    collapsed = 1000 * np.eye(10, dtype=int)[[3] * 10]
    for counts, ent in ((np.full([5, 5], 200), np.log(5)), (collapsed, np.log(10) / 2)):
        assert metrics.average_entropy(counts)[0] == pytest.approx(ent)
        assert metrics.normalized_mutual_information(counts) == pytest.approx(0.0, abs=1e-9)
        assert metrics.clustering_accuracy(counts) == pytest.approx(1 / len(counts))


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


def test_total_variation_and_kl_by_hand():
    true, learned = np.array([0.5, 0.5]), np.array([0.75, 0.25])
    assert metrics.total_variation(true, learned) == pytest.approx(0.25)
    assert metrics.kl_divergence(true, learned) == pytest.approx(
        0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
    assert metrics.kl_divergence(true, np.array([1.0, 0.0])) is None
    assert metrics.kl_divergence(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(0.0)


def test_adjusted_rand_index_by_hand():
    assert metrics.adjusted_rand_index([0, 0, 1, 1], [1, 1, 0, 0]) == pytest.approx(1.0)
    # One of the two pairs of each labelling is shared by chance alone.
    assert metrics.adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)

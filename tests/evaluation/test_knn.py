import numpy as np
import pytest

from eig_tf.evaluation.knn import nearest_neighbours, one_nn_accuracy


def test_separable_features_are_classified_perfectly():
    labels = np.repeat([0, 1, 2], 20)
    features = np.eye(3)[labels] + np.random.default_rng(0).normal(0, 0.01, [60, 3])
    assert one_nn_accuracy(features, labels, seed=0) == (1.0, 48, 12)


def test_neighbours_are_found_by_direction_not_by_length():
    generator = np.random.default_rng(1)
    labels = np.repeat([0, 1], 50)
    lengths = generator.uniform(0.01, 100.0, 100)
    features = np.array([[1.0, 0.1], [0.1, 1.0]])[labels] * lengths[:, np.newaxis]
    assert one_nn_accuracy(features, labels, seed=0)[0] == 1.0


def test_features_without_information_are_at_chance():
    labels = np.tile(np.arange(4), 500)
    features = np.random.default_rng(2).normal(size=[2000, 8])
    assert one_nn_accuracy(features, labels, seed=0)[0] == pytest.approx(0.25, abs=0.07)


def test_same_seed_same_split():
    generator = np.random.default_rng(3)
    labels, features = generator.integers(0, 3, 300), generator.normal(size=[300, 4])
    assert one_nn_accuracy(features, labels, 5) == one_nn_accuracy(features, labels, 5)


def test_neighbours_are_candidates_in_the_order_of_their_angles():
    angles = np.radians([0, 50, 10, 30, 5, 90])
    lengths = np.array([1, 0.1, 20, 3, 7, 2])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1) * lengths[:, np.newaxis]
    found = nearest_neighbours(features, candidates=[5, 3, 2, 1], queries=[0, 4], num=3)
    np.testing.assert_array_equal(found, [[2, 3, 1], [2, 3, 1]])


def test_one_candidate_is_everyones_neighbour():
    np.testing.assert_array_equal(nearest_neighbours(np.eye(3), [2], [0, 1], 1), [[2], [2]])

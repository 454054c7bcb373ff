import numpy as np
import pytest

from eig_tf.data.holdout import per_class_split
from eig_tf.evaluation.knn import MAX_QUERIES, find_neighbours, nearest_neighbours, one_nn_accuracy


def test_neighbours_are_found_by_direction_not_by_length():
    generator = np.random.default_rng(1)
    labels = np.repeat([0, 1], 50)
    lengths = generator.uniform(0.01, 100.0, 100)
    features = np.array([[1.0, 0.1], [0.1, 1.0]])[labels] * lengths[:, np.newaxis]
    assert one_nn_accuracy(features, labels, seed=0) == (1.0, 80, 20)


def test_neighbours_are_candidates_in_the_order_of_their_angles():
    angles = np.radians([0, 50, 10, 30, 5, 90])
    lengths = np.array([1, 0.1, 20, 3, 7, 2])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1) * lengths[:, np.newaxis]
    found = nearest_neighbours(features, candidates=[5, 3, 2, 1], queries=[0, 4], num=3)
    np.testing.assert_array_equal(found, [[2, 3, 1], [2, 3, 1]])
    np.testing.assert_array_equal(nearest_neighbours(np.eye(3), [2], [0, 1], 1), [[2], [2]])


# Each class has its own direction, but half of the images of class 1 look like class 0.
LABELS = np.repeat([0, 1, 2], 20)
FEATURES = np.eye(3)[np.concatenate([np.zeros(30, int), np.ones(10, int), np.full(20, 2)])]
FEATURES = FEATURES + np.random.default_rng(0).normal(0, 1e-3, FEATURES.shape)


def test_one_held_out_query_a_class_and_neighbours_from_the_rest():
    train, held_out = per_class_split(LABELS, 3)
    result = find_neighbours(FEATURES, LABELS, seed=3)
    assert LABELS[result.queries].tolist() == [0, 1, 2]
    assert np.isin(result.queries, held_out).all() and np.isin(result.found, train).all()
    assert result.found.shape == (3, 5)
    assert result.num_held_out == 12
    again = find_neighbours(FEATURES, LABELS, seed=3)
    np.testing.assert_array_equal(result.queries, again.queries)
    assert result.queries.tolist() != find_neighbours(FEATURES, LABELS, seed=4).queries.tolist()


def test_share_of_right_neighbours_is_over_all_held_out_images():
    # Two images of class 0 and two of class 1 are held out; each query's neighbours are known.
    labels = np.repeat([0, 1], 10)
    _, held_out = per_class_split(labels, 0)
    features = np.eye(2)[labels]
    misled = held_out[0]
    features[misled] = [0, 1]
    result = find_neighbours(features, labels, seed=0, num=3)
    assert result.num_held_out == 4
    assert result.share_right == pytest.approx(3 / 4)


def test_images_without_labels_are_queried_at_equal_distances():
    result = find_neighbours(FEATURES, None, seed=0)
    np.testing.assert_array_equal(result.queries, np.arange(10) * 6)
    assert not np.isin(result.found, result.queries).any()
    assert result.share_right is None


@pytest.mark.parametrize("num, queries, found", [(2, [0], [[1]]), (3, [0], 2), (5, [0, 2], 3)])
def test_few_images_without_labels(num, queries, found):
    result = find_neighbours(FEATURES[:num], None, seed=0)
    assert result.queries.tolist() == queries
    if isinstance(found, int):
        assert result.found.shape == (len(queries), found)
    else:
        assert result.found.tolist() == found


def test_nothing_to_query():
    assert find_neighbours(FEATURES[:1], None, seed=0) is None
    assert find_neighbours(FEATURES[:4], np.array([0, 0, 1, 1]), seed=0) is None


def test_more_classes_than_a_page_holds():
    labels = np.repeat(np.arange(100), 5)
    features = np.random.default_rng(0).normal(size=[500, 4])
    result = find_neighbours(features, labels, seed=0)
    assert len(np.unique(labels[result.queries])) == len(result.queries) == MAX_QUERIES
    assert not result.all_classes and result.num_held_out == 100

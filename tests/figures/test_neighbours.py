"""Queries and neighbours by features that are known, and the frames around them."""

import numpy as np
import pytest

from eig_tf.data.holdout import per_class_split
from eig_tf.figures import neighbours

# Each class has its own direction, but half of the images of class 1 look like class 0.
LABELS = np.repeat([0, 1, 2], 20)
FEATURES = np.eye(3)[np.concatenate([np.zeros(30, int), np.ones(10, int), np.full(20, 2)])]
FEATURES = FEATURES + np.random.default_rng(0).normal(0, 1e-3, FEATURES.shape)


def test_one_held_out_query_a_class_and_neighbours_from_the_rest():
    train, held_out = per_class_split(LABELS, 3)
    result = neighbours.find_neighbours(FEATURES, LABELS, seed=3)
    assert LABELS[result.queries].tolist() == [0, 1, 2]
    assert np.isin(result.queries, held_out).all() and np.isin(result.found, train).all()
    assert result.found.shape == (3, 5)
    assert result.num_held_out == 12
    again = neighbours.find_neighbours(FEATURES, LABELS, seed=3)
    np.testing.assert_array_equal(result.queries, again.queries)
    assert result.queries.tolist() != neighbours.find_neighbours(FEATURES, LABELS, seed=4).queries.tolist()


def test_share_of_right_neighbours_is_over_all_held_out_images():
    # Two images of class 0 and two of class 1 are held out; each query's neighbours are known.
    labels = np.repeat([0, 1], 10)
    _, held_out = per_class_split(labels, 0)
    features = np.eye(2)[labels]
    misled = held_out[0]
    features[misled] = [0, 1]
    result = neighbours.find_neighbours(features, labels, seed=0, num=3)
    assert result.num_held_out == 4
    assert result.share_right == pytest.approx(3 / 4)


def test_images_without_labels_are_queried_at_equal_distances():
    result = neighbours.find_neighbours(FEATURES, None, seed=0)
    np.testing.assert_array_equal(result.queries, np.arange(10) * 6)
    assert not np.isin(result.found, result.queries).any()
    assert result.share_right is None


@pytest.mark.parametrize("num, queries, found", [(2, [0], [[1]]), (3, [0], 2), (5, [0, 2], 3)])
def test_few_images_without_labels(num, queries, found):
    result = neighbours.find_neighbours(FEATURES[:num], None, seed=0)
    assert result.queries.tolist() == queries
    if isinstance(found, int):
        assert result.found.shape == (len(queries), found)
    else:
        assert result.found.tolist() == found


def test_nothing_to_query():
    assert neighbours.find_neighbours(FEATURES[:1], None, seed=0) is None
    assert neighbours.find_neighbours(FEATURES[:4], np.array([0, 0, 1, 1]), seed=0) is None


def test_more_classes_than_a_page_holds():
    labels = np.repeat(np.arange(100), 5)
    features = np.random.default_rng(0).normal(size=[500, 4])
    result = neighbours.find_neighbours(features, labels, seed=0)
    assert len(np.unique(labels[result.queries])) == len(result.queries) == neighbours.MAX_QUERIES
    assert not result.all_classes and result.num_held_out == 100


@pytest.mark.parametrize("channels", [1, 3])
def test_frames(channels):
    image = np.full([6, 5, channels], 7, np.uint8)
    picture = neighbours.add_frame(image, (1, 2, 3))
    assert picture.shape == (14, 13, 3)
    assert (picture[4:-4, 4:-4] == 7).all()
    outside = np.ones([14, 13], bool)
    outside[4:-4, 4:-4] = False
    assert (picture[outside] == (1, 2, 3)).all()


def drawn_colours(labels):
    """Frames of a query and two neighbours, the second of another class where there are labels."""
    images = np.full([3, 64, 64, 1], 9, np.uint8)
    found = neighbours.Neighbours(np.array([0]), np.array([[1, 2]]), None if labels is None else 0.5, 1)
    figure = neighbours.draw_neighbours(found, images, labels, ("cat", "dog"), "a run")
    picture = figure.axes[0].images[0].get_array()
    texts = {text.get_text() for text in figure.texts}
    return [tuple(int(value) for value in picture[0, column]) for column in (0, 74, 148)], texts


def test_a_neighbour_of_another_class_is_framed_in_red():
    colours, texts = drawn_colours(np.array([1, 1, 0]))
    assert colours == [(150, 150, 150), (255, 255, 255), (214, 39, 40)]
    assert {"dog", "query", "nearest", "2"} <= texts
    assert any("50.0 %" in text for text in texts)


def test_without_labels_no_neighbour_is_wrong():
    colours, texts = drawn_colours(None)
    assert colours == [(150, 150, 150), (255, 255, 255), (255, 255, 255)]
    assert "image 0" in texts and not any("%" in text for text in texts)

"""Shares, doubtful images, images between categories and outliers, by hand and for degenerate sets."""

import numpy as np
import pytest

from eig_tf.reports import ranking

PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.5, 0.2, 0.3], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1]])


def test_shares_with_their_interval():
    shares = ranking.measure_shares(PROBABILITIES)
    assert shares.counts.tolist() == [3, 1, 0]
    np.testing.assert_allclose(shares.hard, [0.75, 0.25, 0])
    np.testing.assert_allclose(shares.soft, [0.525, 0.375, 0.1])
    # (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), z = 1.96, n = 4
    np.testing.assert_allclose(shares.low, [0.30064, 0.04559, 0], atol=1e-4)
    np.testing.assert_allclose(shares.high, [0.95441, 0.69936, 0.48989], atol=1e-4)


def test_surest_doubtful_and_between():
    assert ranking.surest_images(PROBABILITIES, 0, 2).tolist() == [0, 2]
    assert ranking.doubtful_images(PROBABILITIES, 0, 2).tolist() == [1, 2]
    assert ranking.surest_images(PROBABILITIES, 2, 2).tolist() == []
    # 0.09 + 0.1 + 0.24 + 0.08 with category 1, 0.15 + 0.01 with category 2.
    assert ranking.nearest_category(PROBABILITIES, 0) == 1
    assert ranking.images_between(PROBABILITIES, 0, 1, 3).tolist() == [2, 1, 0]


def test_a_category_that_is_alone_or_certain():
    assert ranking.nearest_category(np.ones([3, 1]), 0) is None
    assert ranking.nearest_category(np.eye(3)[[0, 0, 1]], 0) in (1, 2)


def test_the_far_and_doubtful_image_is_the_first_outlier():
    features = np.array([[1, 0], [1, 0.01], [1, -0.01], [0.9, 0.02], [-1, 0.1]])
    outliers = ranking.rank_outliers(features, np.array([0.9, 0.8, 0.9, 0.9, 0.3]))
    assert outliers.scores.argmax() == 4 and outliers.scores[4] == 1
    assert outliers.distances[4] == pytest.approx(2, abs=0.02) and (outliers.distances[:4] < 0.52).all()


@pytest.mark.parametrize("features", [np.ones([1, 4]), np.ones([2, 4]), np.zeros([30, 4]), np.ones([30, 4])])
def test_images_that_are_all_the_same_rank_alike(features):
    outliers = ranking.rank_outliers(features, np.full(len(features), 0.5))
    np.testing.assert_allclose(outliers.scores, 0.5)
    assert np.isfinite(outliers.distances).all()

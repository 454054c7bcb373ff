"""The map: groups stay together, images beyond the limit lie among their neighbours, and degenerate sets."""

import numpy as np
import pytest

from eig_tf.reports.embedding_map import lay_out


def groups(num):
    generator = np.random.default_rng(0)
    return np.repeat(np.eye(3, 8), num, axis=0) + 0.02 * generator.normal(size=[3 * num, 8])


@pytest.mark.parametrize("most", [60, 40])
def test_groups_stay_apart(most):
    places = lay_out(groups(20), most=most)
    assert places.shape == (60, 2) and places.min() >= 0 and places.max() <= 1
    assert np.ptp(places, axis=0).max() == pytest.approx(1)
    centres = places.reshape(3, 20, 2).mean(axis=1)
    nearest = np.linalg.norm(places[:, np.newaxis] - centres, axis=2).argmin(axis=1)
    assert nearest.tolist() == np.repeat(range(3), 20).tolist()


@pytest.mark.parametrize("features", [np.ones([1, 8]), np.ones([2, 8]), groups(1), np.zeros([20, 8]),
                                      np.ones([20, 8]), np.arange(6.0)[:, np.newaxis]])
def test_few_or_equal_images(features):
    places = lay_out(features, most=10)
    assert places.shape == (len(features), 2) and np.isfinite(places).all()
    assert places.min() >= 0 and places.max() <= 1

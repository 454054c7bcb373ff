"""Clusterings of images whose clusters are known, and of too few or equal images."""

import numpy as np
import pytest

from eig_tf.evaluation import baselines, metrics

CLUSTERINGS = {
    "kmeans": baselines.kmeans_of_pixels, "pixels": baselines.spectral_of_pixels,
    "features": lambda images, *rest: baselines.spectral_of_features(
        np.reshape(images, [len(images), -1]).astype(np.float32), *rest)}


def striped_images(num_each, num_classes=3):
    """Noisy images of 6x6, each class with a bright row of its own; their labels."""
    generator = np.random.default_rng(0)
    labels = generator.permutation(np.repeat(np.arange(num_classes), num_each))
    images = generator.integers(0, 20, [len(labels), 6, 6, 1])
    images[np.arange(len(labels)), 2 * labels] += 200
    return images.astype(np.uint8), labels


@pytest.mark.parametrize("name", CLUSTERINGS)
def test_clusters_that_lie_apart_are_found_again_every_time(name):
    images, labels = striped_images(30)
    clusters = CLUSTERINGS[name](images, 3, 7)
    assert metrics.adjusted_rand_index(labels, clusters) == 1 and clusters.dtype == np.int64
    np.testing.assert_array_equal(CLUSTERINGS[name](images, 3, 7), clusters)


@pytest.mark.parametrize("name", CLUSTERINGS)
@pytest.mark.parametrize("images", [
    striped_images(1)[0][:1], striped_images(1)[0], striped_images(2)[0][:4], striped_images(2)[0][:5],
    np.full([20, 6, 6, 1], 9, np.uint8), np.zeros([20, 6, 6, 3], np.uint8)])
def test_few_or_equal_images(name, images):
    clusters = CLUSTERINGS[name](images, 3, 0)
    assert len(clusters) == len(images) and set(clusters) <= {0, 1, 2}
    assert len(images) > 3 or clusters.tolist() == list(range(len(images)))


def test_features_are_compared_by_direction():
    images, labels = striped_images(30)
    features = np.reshape(images, [90, -1]) * np.random.default_rng(1).uniform(0.01, 100, [90, 1])
    assert metrics.adjusted_rand_index(labels, baselines.spectral_of_features(features, 3, 0)) == 1


def test_draws_are_limited_and_seeded(monkeypatch):
    monkeypatch.setattr(baselines, "MAX_KMEANS_IMAGES", 60)
    monkeypatch.setattr(baselines, "MAX_SPECTRAL_IMAGES", 45)
    images, labels = striped_images(30)
    found = baselines.cluster_images(images, np.eye(3)[labels], 3, seed=5)
    assert list(found) == ["kmeans_pixels", "spectral_pca", "spectral_features"]
    assert [len(clustering.indices) for clustering in found.values()] == [60, 45, 45]
    for clustering in found.values():
        assert (np.diff(clustering.indices) > 0).all()
        assert metrics.adjusted_rand_index(labels[clustering.indices], clustering.clusters) == 1
    assert set(found["spectral_pca"].indices) < set(found["kmeans_pixels"].indices)
    other = baselines.cluster_images(images, np.eye(3)[labels], 3, seed=6)
    assert other["spectral_pca"].indices.tolist() != found["spectral_pca"].indices.tolist()

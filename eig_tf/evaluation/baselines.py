"""Baselines of the categories: clusterings of real images without a generative model."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.preprocessing import normalize

from eig_tf import progress
from eig_tf.categories.partitions import pixel_components
from eig_tf.data.image_set import StoredImages

MAX_KMEANS_IMAGES = 10_000
MAX_SPECTRAL_IMAGES = 4_000
NUM_NEIGHBOURS = 12
_KMEANS_STARTS = 4


class Clustering(NamedTuple):
    """Some images and their clusters.

    Attributes:
        indices: int64 [n], sorted indices of the images that were clustered.
        clusters: int64 [n], the cluster of each.
    """

    indices: np.ndarray
    clusters: np.ndarray


def cluster_images(images: np.ndarray | StoredImages, features: np.ndarray, num_clusters: int, seed: int
                   ) -> dict[str, Clustering]:
    """Cluster a seeded draw of images by each baseline.

    The images of the spectral baselines are among those of k-means.

    Args:
        images: uint8 [N, H, W, C], N at least 1.
        features: float [N, F], the encoder's features of the images.
        num_clusters: number of clusters, 1 or more.
        seed: seed of the draw and of the clusterings, from 0 to 2^32 - 1.

    Returns:
        The clusterings by name: `kmeans_pixels` of at most 10,000 images, `spectral_pca` and
        `spectral_features` of at most 4,000.
    """
    order = np.random.default_rng(seed).permutation(len(images))
    many, few = np.sort(order[:MAX_KMEANS_IMAGES]), np.sort(order[:MAX_SPECTRAL_IMAGES])
    jobs = {"kmeans_pixels": (many, lambda: kmeans_of_pixels(images[many], num_clusters, seed)),
            "spectral_pca": (few, lambda: spectral_of_pixels(images[few], num_clusters, seed)),
            "spectral_features": (few, lambda: spectral_of_features(features[few], num_clusters, seed))}
    found = {}
    with progress.stage(f"clusters {len(many):,} images by {len(jobs)} baselines", len(jobs),
                        "baseline") as advance:
        for name, (indices, cluster) in jobs.items():
            found[name] = Clustering(indices, cluster())
            advance()
    return found


def kmeans_of_pixels(images: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Return the clusters of images by k-means of their pixels, the best of four starts.

    Args:
        images: uint8 [N, H, W, C].
        num_clusters: number of clusters; with fewer images each is a cluster of its own.
        seed: seed of the starts.

    Returns:
        int64 [N].
    """
    if len(images) <= num_clusters:
        return np.arange(len(images))
    # The pixels are a copy already, which k-means may change.
    clustering = KMeans(num_clusters, n_init=_KMEANS_STARTS, random_state=seed, copy_x=False)
    return _fit_quietly(clustering, np.reshape(images, [len(images), -1]).astype(np.float32) / 255)


def spectral_of_pixels(images: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Return the spectral clusters of images by at most 50 principal components of their pixels.

    Args:
        images: uint8 [N, H, W, C].
        num_clusters: see `spectral_clusters`.
        seed: see `spectral_clusters`.

    Returns:
        int64 [N].
    """
    return spectral_clusters(pixel_components(images, seed), num_clusters, seed)


def spectral_of_features(features: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Return the spectral clusters of images by their features [N, F], scaled to unit length.

    Args:
        features: float [N, F].
        num_clusters: see `spectral_clusters`.
        seed: see `spectral_clusters`.

    Returns:
        int64 [N].
    """
    return spectral_clusters(normalize(features), num_clusters, seed)


def spectral_clusters(points: np.ndarray, num_clusters: int, seed: int) -> np.ndarray:
    """Return spectral clusters of the graph that joins each point with its 12 nearest.

    A point counts as the nearest of itself, and all points are joined when there are fewer than 12.

    Args:
        points: float [N, D].
        num_clusters: number of clusters; with fewer points each is a cluster of its own.
        seed: seed of the eigenvectors' start and of the k-means that follows.

    Returns:
        int64 [N].
    """
    if len(points) <= num_clusters:
        return np.arange(len(points))
    return _fit_quietly(SpectralClustering(
        num_clusters, affinity="nearest_neighbors", n_neighbors=min(NUM_NEIGHBOURS, len(points)),
        random_state=seed), points)


def _fit_quietly(clustering: KMeans | SpectralClustering, points: np.ndarray) -> np.ndarray:
    # Fewer distinct points than clusters, and graphs of several components, are valid here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clustering.fit_predict(points).astype(np.int64)

"""Partitions by hand, of planted groups, and of features that say little or nothing."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from eig_tf.categories import partitions


def same_groups(found, expected):
    """Whether two partitions are equal but for the numbers of their groups."""
    return adjusted_rand_score(expected, found) == 1


def test_neighbour_graph_by_hand():
    graph = partitions.neighbour_graph(np.array([[1], [2], [1]]))
    np.testing.assert_array_equal(graph.todense(), [[0, 0.5, 0], [0.5, 0, 1], [0, 1, 0]])


def test_eigenvectors_of_a_graph_of_two_components():
    """D^-1/2 A D^-1/2 of a complete graph of four nodes has the eigenvalues 1, -1/3, -1/3, -1/3."""
    complete = np.ones([4, 4]) - np.eye(4)
    graph = scipy.sparse.csr_matrix(scipy.sparse.block_diag([complete, complete]))
    values, vectors = partitions.spectral_embedding(graph, 3)
    np.testing.assert_allclose(values, [1, 1, -1 / 3], atol=1e-3)
    projector = vectors[:, :2] @ vectors[:, :2].T
    np.testing.assert_allclose(projector, np.kron(np.eye(2), np.full([4, 4], 0.25)), atol=1e-3)


@pytest.mark.parametrize("clusters", [[0, 0, 1, 2], [9, 9, 0, 4]])
def test_links_count_in_proportion_to_the_clusters_edges(clusters):
    """The middle cluster has two links to the large one, and one to the last, which is all that one has."""
    graph = np.zeros([4, 4])
    graph[0, 1], graph[1, 2], graph[2, 3] = 9, 2, 1
    graph = scipy.sparse.csr_matrix(graph + graph.T)
    # Normalized: 2 / sqrt(20 * 3) = 0.26 against 1 / sqrt(3 * 1) = 0.58.
    assert same_groups(partitions.merge_by_links(graph, np.array(clusters), 2), [0, 0, 1, 1])
    assert same_groups(partitions.merge_by_links(graph, np.array(clusters), 3), clusters)
    assert partitions.merge_by_links(graph, np.array(clusters), 1).tolist() == [0] * 4


def test_clusters_without_links_are_merged_no_further_than_needed():
    """Four pairs without an edge between them: all joins have the same height."""
    pairs = scipy.sparse.csr_matrix(np.kron(np.eye(4), [[0, 1], [1, 0]]))
    for num_groups in (1, 2, 3, 4, 9):
        found = partitions.merge_by_links(pairs, np.repeat(np.arange(4), 2), num_groups)
        assert len(np.unique(found)) == min(num_groups, 4) and found.max() < num_groups
    assert partitions.average_linkage_groups(np.zeros([1, 1]), 3).tolist() == [0]


def test_consensus_is_that_of_the_planted_majority():
    majority, renamed, other = np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]), np.array([0, 1, 0, 1])
    # The last two have an NMI of 0.
    found, agreement = partitions.consensus_partition([other, majority, renamed, majority])
    assert same_groups(found, majority)
    assert agreement == pytest.approx(2 / 3)
    assert partitions.consensus_partition([majority, other])[1] == pytest.approx(0)


def test_embedding_of_several_components_has_every_eigenvector():
    """Six cliques of 50 to 100 nodes have the eigenvalue 1 six times; the next are below 0."""
    sizes = [100, 90, 80, 70, 60, 50]
    cliques = scipy.sparse.block_diag([np.ones([size, size]) - np.eye(size) for size in sizes], format="csr")
    order = np.random.default_rng(0).permutation(sum(sizes))
    values, vectors = partitions.spectral_embedding(cliques[order][:, order], 6)
    np.testing.assert_allclose(values, 1)
    # Each is constant on one clique and zero elsewhere, the largest clique first.
    expected = np.repeat(np.eye(6), sizes, axis=0)[order] / np.sqrt(sizes)
    np.testing.assert_allclose(np.abs(vectors), expected, atol=1e-6)


@pytest.mark.parametrize("size", [24, 25, 26])
def test_images_that_are_all_neighbours_of_each_other_are_embedded(size):
    """A complete graph has the eigenvalue -1 / (n - 1) n - 1 times, for which LAPACK's evr fails."""
    complete = scipy.sparse.csr_matrix(np.ones([size, size]) - np.eye(size))
    values, vectors = partitions.spectral_embedding(complete, 16)
    np.testing.assert_allclose(values, [1] + 15 * [-1 / (size - 1)], atol=1e-9)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(16), atol=1e-9)


def test_nmi_of_all_pairs_is_scikit_learns():
    generator = np.random.default_rng(0)
    labels = [generator.integers(0, groups, 50) for groups in (1, 2, 5, 9)]
    labels += [2 * labels[2], np.zeros(50, np.int64), np.arange(50)]
    expected = [[normalized_mutual_info_score(one, other) for one in labels] for other in labels]
    np.testing.assert_allclose(
        partitions.pairwise_normalized_mutual_information(labels), expected, atol=1e-12)


@pytest.mark.parametrize(("num_images", "num_groups", "expected"), [
    # 18 neighbours are a fifth of 90; a fifth of 29 is 6.
    (900, 10, [8, 12, 18]), (1160, 40, [3, 4, 6]), (252, 4, [6, 9, 13]), (3, 2, [2, 2, 2])])
def test_small_groups_get_fewer_neighbours(num_images, num_groups, expected):
    assert partitions.numbers_of_neighbours(num_images, num_groups) == expected


def test_views_of_one_object_are_not_taken_for_a_group():
    """Five groups of twelve objects with 25 images each, of which no neighbour is of another object."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(5), 300)
    positions = 4 * np.eye(5, 12)[np.arange(60) // 12] + generator.normal(0, 0.5, [60, 12])
    features = np.repeat(positions, 25, axis=0) + generator.normal(0, 0.02, [1500, 12])
    objects = np.repeat(np.arange(60), 25)
    nearest = partitions.nearest_neighbours(features, 18)
    assert np.all(objects[nearest] == objects[:, np.newaxis])
    assert partitions.fall_apart(nearest, 5)
    others = partitions.neighbours_in_other_clumps(features, 18, 5)
    assert np.all(others != np.arange(1500)[:, np.newaxis])
    # Of the 75 clumps, some are halves of one object.
    assert np.mean(objects[others] == objects[:, np.newaxis]) < 0.2
    assert min(len(set(row)) for row in objects[others]) >= 3
    assert np.all(groups[others] == groups[:, np.newaxis])
    consensus, _ = partitions.consensus_partition(partitions.candidate_partitions(features, 5))
    assert same_groups(consensus, groups)
    # For 60 groups the same components are groups.
    assert not partitions.fall_apart(nearest, 60)


def test_neighbours_in_other_clumps_come_first_and_others_fill_up():
    objects = np.repeat(np.arange(10), 8)  # eight equal images each, of one group
    features = np.eye(10)[objects]
    others = partitions.neighbours_in_other_clumps(features, 79, 1)
    # Four of each clump, without the image itself.
    assert others.shape == (80, 39)
    assert all(len(set(row) - {image}) == 39 for image, row in enumerate(others))
    # 36 images of other objects, and three of the same.
    same = objects[others] == objects[:, np.newaxis]
    assert not same[:, :36].any() and same[:, 36:].all()


def test_planted_imbalanced_groups_are_recovered():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(4), [150, 60, 30, 12])
    features = 4 * np.eye(4, 8)[groups] + generator.normal(0, 0.4, [252, 8])
    lengths = generator.uniform(0.1, 10, [252, 1])
    # Two codes for each group, and some without images.
    codes = 3 * groups + generator.integers(0, 2, 252)
    found = partitions.candidate_partitions(features * lengths, 4, codes)
    assert len(found) == 3 * (3 * 4 + 1)
    consensus, agreement = partitions.consensus_partition(found)
    assert same_groups(consensus, groups)
    assert agreement > 0.85
    assert all(same_groups(found[index], groups) for index in (12, 25, 38))  # codes, merged


@pytest.mark.parametrize(("features", "num_groups"), [
    (np.random.default_rng(0).normal(size=[5, 3]), 2),  # fewer images than neighbours
    (np.random.default_rng(0).normal(size=[7, 3]), 4),
    (np.zeros([40, 3]), 3),  # nothing but features of length zero
    (np.repeat(np.eye(3), 30, axis=0), 3),  # more duplicates than neighbours
    (np.r_[np.zeros([10, 3]), np.ones([1, 3]), np.random.default_rng(0).normal(size=[29, 3])], 5),
], ids=["five_images", "seven_images", "zeros", "duplicates", "some_zeros"])
def test_features_that_say_little_are_partitioned_in_silence(features, num_groups):
    one_code = np.full(len(features), 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = partitions.candidate_partitions(features, num_groups, one_code)
        consensus, agreement = partitions.consensus_partition(found)
    for partition in found:
        assert partition.shape == one_code.shape
        assert partition.min() >= 0 and partition.max() < num_groups
    assert len(np.unique(consensus)) > 1
    assert 0 <= agreement <= 1


def test_components_of_pixels():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, [70, 4, 4, 3], dtype=np.uint8)
    components = partitions.pixel_components(images)
    assert components.shape == (70, 48)
    # All 48 numbers of an image are kept, so that distances are those of the pixels.
    expected = np.linalg.norm(images[0].ravel() / 255 - images[1].ravel() / 255)
    assert np.linalg.norm(components[0] - components[1]) == pytest.approx(expected, rel=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        equal = partitions.pixel_components(np.full([6, 4, 4, 1], 9, np.uint8))
    np.testing.assert_allclose(equal, np.zeros([6, 6]), atol=1e-6)

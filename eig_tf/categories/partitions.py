"""Partitions of real images by spectral clustering of their features, and the consensus of many of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
import scipy.special
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from eig_tf import progress

# The family of partitions: neighbours of the graph, eigenvectors beyond the number of groups, and clusters
# for each group before clusters are merged. No single choice is best on every set; see docs/categories.md.
NEIGHBOURS = (8, 12, 18)
# With more neighbours than this share of an average group, edges between groups outweigh those inside.
_LARGEST_SHARE, _FEWEST = 0.2, 2
# A component smaller than this share of an average group is not a group, but views of one object or
# near-duplicates. If more than this share of all images lie in such components, neighbours come from other
# clumps; see `neighbours_in_other_clumps`.
_SMALL_COMPONENT, _MOST_SMALL = 0.25, 0.05
_CLUMPS_PER_GROUP, _PER_CLUMP = 15, 4
_MORE_EIGENVECTORS = (0, 3, 6)
_CLUSTERS_PER_GROUP = (2, 3, 4)
# For eigenvectors that only feed k-means, which starts several times.
_TOLERANCE = 1e-3
_STARTS = 3
# Lanczos iterations need several times as many nodes as eigenvectors.
_DENSE_BELOW = 4
_COMPONENTS = 50


# The problems are small: threads wait longer than they work, and their number changes the order of sums.
@threadpool_limits.wrap(limits=1)
def candidate_partitions(features: np.ndarray, num_groups: int, codes: np.ndarray | None = None,
                         seed: int = 0) -> list[np.ndarray]:
    """Partition images in many ways, all into at most `num_groups` groups.

    For each number of neighbours and of eigenvectors, the groups are k-means clusters of the spectral
    embedding (Ng, Jordan and Weiss 2001), and more clusters than that, merged by the links between them. For
    each number of neighbours, they are also the images' codes, merged in the same way.
    `numbers_of_neighbours`, `fall_apart` and `neighbours_in_other_clumps` give the graphs.

    Args:
        features: float [N, F]; their directions count, not their lengths. N at least 3.
        num_groups: M, from 1 to N.
        codes: int64 [N], the code of each image; None for none.
        seed: of k-means.

    Returns:
        int [N] each, in [0, M).
    """
    partitions = []
    steps = len(NEIGHBOURS) * len(_MORE_EIGENVECTORS)
    with progress.stage(f"partitions {len(features):,} images into {num_groups} groups", steps) as advance:
        numbers = numbers_of_neighbours(len(features), num_groups)
        neighbours = nearest_neighbours(features, max(numbers))
        if fall_apart(neighbours, num_groups):
            neighbours = neighbours_in_other_clumps(features, max(numbers), num_groups, seed)
        for num_neighbours in numbers:
            spectral = SpectralGraph(neighbours[:, :num_neighbours], num_groups + max(_MORE_EIGENVECTORS))
            for more in _MORE_EIGENVECTORS:
                size = num_groups + more
                partitions.append(spectral.k_means(num_groups, size, seed))
                partitions += [spectral.merge_clusters(num_groups, factor * num_groups, size, seed)
                               for factor in _CLUSTERS_PER_GROUP]
                advance()
            if codes is not None:
                partitions.append(merge_by_links(spectral.graph, codes, num_groups))
    return partitions


def numbers_of_neighbours(num_images: int, num_groups: int) -> list[int]:
    """Return the numbers of neighbours of three graphs: 8, 12 and 18, or less.

    They are scaled down, to at least 2, where 18 exceed a fifth of N / M.

    Args:
        num_images: N.
        num_groups: M, 1 or more.
    """
    scale = min(1.0, round(_LARGEST_SHARE * num_images / num_groups) / max(NEIGHBOURS))
    return [max(_FEWEST, round(scale * number)) for number in NEIGHBOURS]


class SpectralGraph:
    """A graph of nearest neighbours with its spectral embedding, to be partitioned several times.

    Args:
        neighbours: int [N, k], see `neighbour_graph`. N at least 3.
        num: largest number of eigenvectors that a partition uses; N - 2 when that is less.

    Attributes:
        graph: the adjacency matrix [N, N].
        values: the largest eigenvalues, see `spectral_embedding`.
    """

    def __init__(self, neighbours: np.ndarray, num: int) -> None:
        self.graph = neighbour_graph(neighbours)
        self.values, self._vectors = spectral_embedding(self.graph, min(num, len(neighbours) - 2))

    def k_means(self, num_groups: int, num_vectors: int, seed: int) -> np.ndarray:
        """Return k-means clusters of the directions in the embedding, int [N] (Ng, Jordan and Weiss 2001)."""
        return _k_means(normalize(self._vectors[:, :num_vectors]), num_groups, seed)

    def merge_clusters(self, num_groups: int, num_clusters: int, num_vectors: int, seed: int) -> np.ndarray:
        """Return more k-means clusters of the diffusion map, merged by the links between them, int [N]."""
        # A diffusion map weighs eigenvectors by their eigenvalues.
        diffusion = normalize(self._vectors[:, :num_vectors] * self.values[:num_vectors])
        clusters = _k_means(diffusion, min(num_clusters, len(diffusion)), seed)
        return merge_by_links(self.graph, clusters, num_groups)


def pixel_components(images: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return at most 50 principal components of the pixels, float [N, P], of images uint8 [N, H, W, C]."""
    return pixel_projection(images, seed)(images)


def pixel_projection(images: np.ndarray, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to at most 50 principal components [N, P] of the given ones' pixels.

    Args:
        images: uint8 [N, H, W, C].
        seed: of the randomized decomposition.
    """
    pixels = _flat_pixels(images)
    # PCA divides by the variance, which equal images do not have, for a number that is not used here.
    with np.errstate(invalid="ignore"):
        components = PCA(min(_COMPONENTS, *pixels.shape), random_state=seed).fit(pixels)
    return lambda others: components.transform(_flat_pixels(others))


def _flat_pixels(images):
    return images.reshape(len(images), -1) / np.float32(255)


def consensus_partition(partitions: Sequence[np.ndarray]) -> tuple[np.ndarray, float]:
    """Return the partition that agrees most with all others, and its mean NMI with them.

    Args:
        partitions: two or more, int [N] each.
    """
    similarity = pairwise_normalized_mutual_information(partitions)
    means = (similarity.sum(axis=1) - 1) / (len(partitions) - 1)
    # Otherwise rounding errors would choose among partitions that differ only in the numbers of their groups.
    best = int(np.argmax(np.round(means, 9)))
    return partitions[best], float(means[best])


def pairwise_normalized_mutual_information(partitions: Sequence[np.ndarray]) -> np.ndarray:
    """Return the NMI, 2 I(a, b) / (H(a) + H(b)), of all pairs of P partitions, float64 [P, P].

    Two partitions of one group each have an NMI of 1.

    Args:
        partitions: int [N] each, 0 or more.
    """
    num_groups = [int(partition.max()) + 1 for partition in partitions]
    starts = np.cumsum([0, *num_groups[:-1]])
    # One column for each group of each partition; one product then counts the images of all pairs of groups.
    groups = np.stack(partitions, axis=1) + starts
    num, num_partitions = groups.shape
    members = scipy.sparse.csr_matrix(
        (np.ones(groups.size), (np.repeat(np.arange(num), num_partitions), groups.ravel())),
        shape=(num, sum(num_groups)))
    joint = (members.T @ members).toarray() / num
    sizes = np.diag(joint)
    terms = scipy.special.xlogy(joint, np.divide(
        joint, np.outer(sizes, sizes), out=np.ones_like(joint), where=joint > 0))
    information = np.add.reduceat(np.add.reduceat(terms, starts, axis=0), starts, axis=1)
    entropies = np.diag(information)
    total = entropies[:, np.newaxis] + entropies
    return np.clip(np.divide(2 * information, total, out=np.ones_like(total), where=total > 0), 0, 1)


def nearest_neighbours(features: np.ndarray, num: int) -> np.ndarray:
    """Return the indices of the nearest other images by direction, int [N, num], the nearest first.

    Args:
        features: float [N, F]; their directions count, not their lengths.
        num: number of neighbours; N - 1 when that is less.
    """
    directions = normalize(features)
    search = NearestNeighbors(n_neighbors=min(num, len(features) - 1), algorithm="brute").fit(directions)
    return search.kneighbors(return_distance=False)


def fall_apart(neighbours: np.ndarray, num_groups: int) -> bool:
    """Return whether a graph of neighbours falls apart into views of single objects, or near-duplicates.

    It does where more than 5 % of the images lie in components that are smaller than a quarter of an average
    group.

    Args:
        neighbours: int [N, k], see `nearest_neighbours`.
        num_groups: M, 1 or more.
    """
    num_images = len(neighbours)
    graph = neighbour_graph(neighbours[:, :min(numbers_of_neighbours(num_images, num_groups))])
    sizes = np.bincount(scipy.sparse.csgraph.connected_components(graph, directed=False)[1])
    small = sizes < _SMALL_COMPONENT * num_images / num_groups
    return bool(sizes[small].sum() > _MOST_SMALL * num_images)


def neighbours_in_other_clumps(features: np.ndarray, num: int, num_groups: int, seed: int = 0) -> np.ndarray:
    """Return the indices of the nearest images that are not views of the same object, the nearest first.

    Views of one object say nothing about which objects are alike. The clumps are 15 M k-means clusters of the
    features' directions. At most four neighbours of an image come from the same other clump, since otherwise
    all could be views of the single most similar object.

    Args:
        features: float [N, F].
        num: number of neighbours.
        num_groups: M, 1 or more.
        seed: of k-means.

    Returns:
        int [N, num], or fewer columns where there are few clumps; up to four images of the same clump follow
        those of all others.
    """
    directions = normalize(features)
    clumps = _k_means(directions, min(_CLUMPS_PER_GROUP * num_groups, len(directions)), seed)
    chosen, closeness = [], []
    for clump in np.unique(clumps):
        members = np.flatnonzero(clumps == clump)
        # Cosines are in [-1, 1]: images of the same clump are farther than all others, and the image itself
        # is the farthest.
        cosines = directions @ directions[members].T - 3.0 * (clumps == clump)[:, np.newaxis]
        cosines[members, np.arange(len(members))] = -np.inf
        nearest = np.argsort(-cosines, axis=1)[:, :_PER_CLUMP]
        chosen.append(members[nearest])
        closeness.append(np.take_along_axis(cosines, nearest, axis=1))
    order = np.argsort(-np.concatenate(closeness, axis=1), axis=1)
    most = min(num, order.shape[1] - 1)
    return np.take_along_axis(np.concatenate(chosen, axis=1), order[:, :most], axis=1)


def neighbour_graph(neighbours: np.ndarray) -> scipy.sparse.csr_matrix:
    """Return the symmetric adjacency matrix [N, N] of a graph of nearest neighbours.

    Args:
        neighbours: int [N, k], indices of the neighbours of each node.

    Returns:
        1 where two nodes are neighbours of each other, 1/2 where one is the other's, else 0.
    """
    num, degree = neighbours.shape
    edges = (np.repeat(np.arange(num), degree), neighbours.ravel())
    directed = scipy.sparse.csr_matrix((np.ones(num * degree), edges), shape=(num, num))
    return (directed + directed.T) / 2


def spectral_embedding(graph: scipy.sparse.csr_matrix,
                       num: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest eigenvalues [num] of D^-1/2 A D^-1/2, the largest first, and eigenvectors [N, num].

    Those of each component of the graph are computed separately: a graph of c components has the eigenvalue 1
    c times, of which Lanczos iterations on the whole graph would find only some. Of equal
    eigenvalues, those of the larger component come first.

    Args:
        graph: the adjacency matrix A [N, N]; every node has a neighbour.
        num: from 1 to N - 2.
    """
    scale = scipy.sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
    matrix = (scale @ graph @ scale).tocsr()
    count, components = scipy.sparse.csgraph.connected_components(graph, directed=False)
    members = [np.flatnonzero(components == component) for component in range(count)]
    pairs = []
    for nodes in sorted(members, key=len, reverse=True):
        part = matrix if count == 1 else matrix[nodes][:, nodes]
        pairs += [(value, nodes, vector) for value, vector in _largest_eigenpairs(part, min(num, len(nodes)))]
    # Equal eigenvalues differ by rounding.
    pairs = sorted(pairs, key=lambda pair: -round(pair[0], 9))[:num]
    vectors = np.zeros([graph.shape[0], num])
    for column, (_, nodes, vector) in enumerate(pairs):
        vectors[nodes, column] = vector
    return np.array([value for value, _, _ in pairs]), vectors


def _largest_eigenpairs(matrix, num):
    """Pairs of an eigenvalue and its eigenvector, the largest first, of a symmetric sparse matrix."""
    size = matrix.shape[0]
    if size <= _DENSE_BELOW * num:
        # LAPACK's search for some of the eigenpairs fails where many eigenvalues are equal.
        values, vectors = np.linalg.eigh(matrix.toarray())
        values, vectors = values[-num:], vectors[:, -num:]
    else:
        # A constant start is nearly an eigenvector.
        start = np.random.default_rng(0).normal(size=size)
        values, vectors = scipy.sparse.linalg.eigsh(matrix, k=num, which="LA", tol=_TOLERANCE, v0=start)
    order = np.argsort(-values)
    return zip(values[order], vectors[:, order].T)


def merge_by_links(graph: scipy.sparse.csr_matrix, clusters: np.ndarray, num_groups: int) -> np.ndarray:
    """Merge clusters of the nodes of a graph by average linkage of the weight between them.

    The weight L_ij between clusters i and j is divided by sqrt(L_i L_j), where L_i is the weight of all edges
    of cluster i; without that, large clusters would attract all others.

    Args:
        graph: adjacency matrix [N, N].
        clusters: int64 [N], 0 or more; numbers without nodes count for nothing.
        num_groups: M, 1 or more.

    Returns:
        int64 [N], the group of each node, in [0, M).
    """
    used, clusters = np.unique(clusters, return_inverse=True)
    num = len(used)
    members = scipy.sparse.csr_matrix((np.ones(len(clusters)), (np.arange(len(clusters)), clusters)),
                                      shape=(len(clusters), num))
    links = np.asarray((members.T @ graph @ members).todense())
    totals = links.sum(axis=1)
    similarity = links / np.sqrt(np.maximum(np.outer(totals, totals), 1e-12))
    return average_linkage_groups(similarity.max() - similarity, num_groups)[clusters]


def average_linkage_groups(distances: np.ndarray, num_groups: int) -> np.ndarray:
    """Return the groups, int64 [m] in [0, M), of average linkage of symmetric distances [m, m].

    There are M groups, or m when that is less.
    """
    if len(distances) == 1:
        return np.zeros(1, np.int64)
    hierarchy = average_linkage(distances)
    # SciPy cuts at a height: joins of equal height, such as of unlinked clusters, would be undone together.
    hierarchy[:, 2] = np.arange(len(hierarchy))
    return fcluster(hierarchy, num_groups, "maxclust").astype(np.int64) - 1


def average_linkage(distances: np.ndarray) -> np.ndarray:
    """Return the hierarchy [m - 1, 4], in SciPy's format, of average linkage of distances [m, m], m > 1."""
    symmetric = (distances + distances.T) / 2
    np.fill_diagonal(symmetric, 0)
    return linkage(squareform(symmetric, checks=False), "average")


def _k_means(points, num_clusters, seed):
    with warnings.catch_warnings():
        # Nodes of one component of the graph may be the same point, so that there are fewer clusters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(num_clusters, n_init=_STARTS, random_state=seed).fit_predict(points)

"""Real images and their nearest neighbours by Q's feature (supplement 3, figure 9)."""

from typing import NamedTuple, Optional

import numpy as np

from eig_tf.data import names
from eig_tf.data.holdout import per_class_split
from eig_tf.evaluation import knn
from eig_tf.figures import image_grid

NUM_NEIGHBOURS = 5
MAX_QUERIES = 40
_UNLABELLED_QUERIES = 10
_FRAME = 4  # pixels
_QUERY, _WRONG, _RIGHT = (150, 150, 150), (214, 39, 40), (255, 255, 255)


class Neighbours(NamedTuple):
    """Queries and what was found.

    Attributes:
        queries: int [Q], indices of the images that are shown as queries.
        found: int [Q, n], indices of their neighbours, the nearest first.
        share_right: of the neighbours of all held-out images, those of the query's class, in [0, 1];
            None without labels.
        num_held_out: how many images that share is over.
        all_classes: whether every class with a held-out image is among the queries.
    """

    queries: np.ndarray
    found: np.ndarray
    share_right: Optional[float] = None
    num_held_out: int = 0
    all_classes: bool = True


def search(features, labels, seed, num=NUM_NEIGHBOURS):
    """Finds the neighbours of one image a class, or of images at equal distances without labels.

    Queries are held out as in the 1-NN metric: neighbours are sought among the other four fifths of
    each class, without labels among all images that are no queries.

    Args:
        features: float [N, F].
        labels: int [N], or None.
        seed: of the split and of the choice of queries.
        num: neighbours of each query, fewer when there are not as many candidates.

    Returns:
        `Neighbours`, or None when no image is left to query with or to find.
    """
    if labels is None:
        num_queries = min(_UNLABELLED_QUERIES, len(features) // 2)
        queries = np.arange(num_queries) * len(features) // max(1, num_queries)
        candidates = np.setdiff1d(np.arange(len(features)), queries)
        if not num_queries:
            return None
        return Neighbours(queries, knn.neighbours(features, candidates, queries,
                                                      min(num, len(candidates))))
    candidates, held_out = per_class_split(labels, seed)
    if not len(held_out):
        return None
    found = knn.neighbours(features, candidates, held_out, min(num, len(candidates)))
    right = labels[found] == labels[held_out][:, np.newaxis]
    chosen, all_classes = _one_a_class(labels[held_out], seed)
    return Neighbours(held_out[chosen], found[chosen], float(right.mean()), len(held_out), all_classes)


def draw(neighbours, images, labels, class_names, about):
    """Draws a row a query: the query, framed in grey, and its neighbours, framed in red where wrong.

    Args:
        neighbours: see `search`.
        images: uint8 [N, H, W, C], an array or `StoredImages`.
        labels: int [N], or None.
        class_names: their names.
        about: the run in a few words, for the title.

    Returns:
        A `Figure`.
    """
    indices = np.concatenate([neighbours.queries[:, np.newaxis], neighbours.found], axis=1)
    shown = image_grid.enlarge(np.asarray(images[indices.ravel()]))
    shown = shown.reshape(*indices.shape, *shown.shape[1:])
    colours = [[_QUERY] + [_WRONG if labels is not None and labels[index] != labels[query] else _RIGHT
                           for index in row] for query, row in zip(neighbours.queries, neighbours.found)]
    rows = np.stack([[framed(image, colour) for image, colour in zip(*row)] for row in zip(shown, colours)])
    labels_of_rows = [f"image {query}" if labels is None else names.printable(class_names[labels[query]])
                      for query in neighbours.queries]
    places = ("query", "nearest", *map(str, range(2, indices.shape[1])))
    return image_grid.draw(rows, labels_of_rows, _title(neighbours, about), places)


def framed(image, colour):
    """An image [H, W, 1 or 3] in a frame, as uint8 [H + 8, W + 8, 3]."""
    height, width = image.shape[:2]
    picture = np.empty([height + 2 * _FRAME, width + 2 * _FRAME, 3], np.uint8)
    picture[:] = colour
    picture[_FRAME:-_FRAME, _FRAME:-_FRAME] = image
    return picture


def _one_a_class(labels, seed):
    """Positions of one image a class, at most `MAX_QUERIES` classes, and whether these are all."""
    generator = np.random.default_rng(seed)
    chosen = np.array([generator.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)])
    if len(chosen) <= MAX_QUERIES:
        return chosen, True
    return chosen[np.arange(MAX_QUERIES) * len(chosen) // MAX_QUERIES], False


def _title(neighbours, about):
    num = neighbours.found.shape[1]
    text = f"{about}: real images and their {num} nearest neighbours by Q's feature"
    if neighbours.share_right is None:
        return text
    some = "" if neighbours.all_classes else f", {len(neighbours.queries)} of the classes"
    return (f"{text}{some}, red where of another class. Of the neighbours of all "
            f"{neighbours.num_held_out:,} held-out images {100 * neighbours.share_right:.1f} % are of the "
            "right class")

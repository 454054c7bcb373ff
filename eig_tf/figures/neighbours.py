"""Real images and their nearest neighbours by the encoder's features (supplement 3, figure 9)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from eig_tf.data.holdout import per_class_split
from eig_tf.data.image_set import StoredImages
from eig_tf.evaluation import knn
from eig_tf.figures import tiling
from eig_tf.figures.image_grid import draw_image_grid
from eig_tf.figures.page import class_label

NUM_NEIGHBOURS = 5
MAX_QUERIES = 40
_UNLABELLED_QUERIES = 10
_FRAME = 4  # pixels
_QUERY, _WRONG, _RIGHT = (150, 150, 150), (214, 39, 40), (255, 255, 255)


class Neighbours(NamedTuple):
    """Queries and their neighbours.

    Attributes:
        queries: int [Q], indices of the images that are shown as queries.
        found: int [Q, n], indices of their neighbours, the nearest first.
        share_right: share of the neighbours of all held-out images that are of their class, in [0, 1];
            None without labels.
        num_held_out: number of held-out images.
        all_classes: whether there is a query of every class with a held-out image.
    """

    queries: np.ndarray
    found: np.ndarray
    share_right: float | None = None
    num_held_out: int = 0
    all_classes: bool = True


def find_neighbours(features: np.ndarray, labels: np.ndarray | None, seed: int,
                    num: int = NUM_NEIGHBOURS) -> Neighbours | None:
    """Find the neighbours of one image of each class; without labels, of images at equal distances.

    Queries are held-out images of the split of the 1-NN metric, and their neighbours come from the other
    four fifths of each class. Without labels, neighbours come from all images that are not queries.

    Args:
        features: float [N, F].
        labels: int [N], or None.
        seed: seed of the split and of the choice of queries.
        num: neighbours of each query, fewer if there are not as many candidates.

    Returns:
        The neighbours, or None if no image can be a query or a neighbour.
    """
    if labels is None:
        num_queries = min(_UNLABELLED_QUERIES, len(features) // 2)
        if not num_queries:
            return None
        queries = np.arange(num_queries) * len(features) // num_queries
        candidates = np.setdiff1d(np.arange(len(features)), queries)
        found = knn.nearest_neighbours(features, candidates, queries, min(num, len(candidates)))
        return Neighbours(queries, found)
    candidates, held_out = per_class_split(labels, seed)
    if not len(held_out):
        return None
    found = knn.nearest_neighbours(features, candidates, held_out, min(num, len(candidates)))
    right = labels[found] == labels[held_out][:, np.newaxis]
    chosen, all_classes = _choose_queries(labels[held_out], seed)
    return Neighbours(held_out[chosen], found[chosen], float(right.mean()), len(held_out), all_classes)


def draw_neighbours(neighbours: Neighbours, images: np.ndarray | StoredImages, labels: np.ndarray | None,
                    class_names: tuple[str, ...], about: str, side: int | None = None) -> Figure:
    """Draw each query, framed in grey, and its neighbours, framed in red if they are of another class.

    Args:
        neighbours: see `find_neighbours`.
        images: uint8 [N, H, W, C].
        labels: int [N], or None.
        class_names: names of the classes.
        about: the run in a few words, for the title.
        side: pixels to which larger images are shrunk; None keeps them.
    """
    indices = np.concatenate([neighbours.queries[:, np.newaxis], neighbours.found], axis=1)
    shown = tiling.enlarge(tiling.shrink(np.asarray(images[indices.ravel()]), side))
    wrong = np.zeros(indices.shape, bool) if labels is None else labels[indices] != labels[indices[:, :1]]
    framed = [add_frame(image, _QUERY if number % indices.shape[1] == 0 else _WRONG if is_wrong else _RIGHT)
              for number, (image, is_wrong) in enumerate(zip(shown, wrong.ravel()))]
    rows = np.reshape(framed, [*indices.shape, *framed[0].shape])
    row_labels = [f"image {query}" if labels is None else class_label(class_names[labels[query]])
                  for query in neighbours.queries]
    places = ("query", "nearest", *map(str, range(2, indices.shape[1])))
    return draw_image_grid(rows, row_labels, _title(neighbours, about), places)


def add_frame(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return an image [H, W, 1 or 3] in a frame of 4 pixels, uint8 [H + 8, W + 8, 3]."""
    height, width = image.shape[:2]
    picture = np.empty([height + 2 * _FRAME, width + 2 * _FRAME, 3], np.uint8)
    picture[:] = colour
    picture[_FRAME:-_FRAME, _FRAME:-_FRAME] = image
    return picture


def _choose_queries(labels, seed):
    """Return positions of one image of each class, up to `MAX_QUERIES`, and whether no class is left out."""
    generator = np.random.default_rng(seed)
    chosen = np.array([generator.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)])
    if len(chosen) <= MAX_QUERIES:
        return chosen, True
    return chosen[np.arange(MAX_QUERIES) * len(chosen) // MAX_QUERIES], False


def _title(neighbours, about):
    num = neighbours.found.shape[1]
    text = f"{about}: real images and their {num} nearest neighbours by the encoder's features"
    if neighbours.share_right is None:
        return text
    some = "" if neighbours.all_classes else f", for {len(neighbours.queries)} of the classes"
    return (f"{text}{some}; red frames mark another class. Of the neighbours of all "
            f"{neighbours.num_held_out:,} held-out images, {100 * neighbours.share_right:.1f} % are of the "
            "right class")

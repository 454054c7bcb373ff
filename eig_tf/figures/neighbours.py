"""Real images beside their nearest neighbours (supplement 3, figure 9)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from eig_tf.data.image_set import StoredImages
from eig_tf.figures import tiling
from eig_tf.figures.image_grid import draw_image_grid
from eig_tf.figures.page import class_label

_FRAME = 4  # pixels
_QUERY, _WRONG, _RIGHT = (150, 150, 150), (214, 39, 40), (255, 255, 255)


def draw_neighbours(queries: np.ndarray, found: np.ndarray, images: np.ndarray | StoredImages,
                    labels: np.ndarray | None, class_names: Sequence[str], title: str,
                    side: int | None = None) -> Figure:
    """Draw the rows of `neighbour_rows`, with the same arguments, below a title."""
    return draw_image_grid(*neighbour_rows(queries, found, images, labels, class_names, side), title,
                           neighbour_places(found))


def neighbour_rows(queries: np.ndarray, found: np.ndarray, images: np.ndarray | StoredImages,
                   labels: np.ndarray | None, class_names: Sequence[str],
                   side: int | None = None) -> tuple[np.ndarray, list[str]]:
    """Frame each query in grey, and its neighbours in red if they are of another class.

    Args:
        queries: int [Q], indices of the images that are queries.
        found: int [Q, n], indices of their neighbours, the nearest first.
        images: uint8 [N, H, W, C].
        labels: int [N], or None.
        class_names: names of the classes.
        side: pixels to which larger images are shrunk; None keeps them.

    Returns:
        The rows, uint8 [Q, 1 + n, H + 8, W + 8, 3], each a query and its neighbours, and their labels.
    """
    indices = np.concatenate([queries[:, np.newaxis], found], axis=1)
    shown = tiling.enlarge(tiling.shrink(np.asarray(images[indices.ravel()]), side))
    wrong = np.zeros(indices.shape, bool) if labels is None else labels[indices] != labels[indices[:, :1]]
    framed = [add_frame(image, _QUERY if number % indices.shape[1] == 0 else _WRONG if is_wrong else _RIGHT)
              for number, (image, is_wrong) in enumerate(zip(shown, wrong.ravel()))]
    rows = np.reshape(framed, [*indices.shape, *framed[0].shape])
    row_labels = [f"image {query}" if labels is None else class_label(class_names[labels[query]])
                  for query in queries]
    return rows, row_labels


def neighbour_places(found: np.ndarray) -> tuple[str, ...]:
    """Return what stands above the columns of `neighbour_rows`."""
    return ("query", "nearest", *map(str, range(2, 1 + found.shape[1])))


def add_frame(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return an image [H, W, 1 or 3] in a frame of 4 pixels, uint8 [H + 8, W + 8, 3]."""
    height, width = image.shape[:2]
    picture = np.empty([height + 2 * _FRAME, width + 2 * _FRAME, 3], np.uint8)
    picture[:] = colour
    picture[_FRAME:-_FRAME, _FRAME:-_FRAME] = image
    return picture

"""Labelled rows or columns of small images, broken into panels to fit a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Union

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from eig_tf.data.image_set import StoredImages
from eig_tf.figures import page as page_lib
from eig_tf.figures import tiling
from eig_tf.figures.tiling import GAP

MAX_CATEGORIES = 100
_LABEL_GAP, _PANEL_GAP = 8, 28
_ASPECT = 4 / 3
_LONGEST_LINE = 24  # letters

Rows = Union[np.ndarray, Sequence[np.ndarray]]


def draw_image_grid(rows: Rows, labels: Sequence[str], title: str, places: Sequence[str] = (),
                    as_columns: bool = False) -> Figure:
    """Draw a grid of images below a title, one labelled row for each label.

    Args:
        rows: see `ImageGrid`, as for all others but `title`.
        labels: a text for each row.
        title: a sentence, which is wrapped.
        places: texts above the images of a row.
        as_columns: whether each row is drawn as a column.
    """
    grid = ImageGrid(rows, labels, places, as_columns)
    page = page_lib.Page(grid.width)
    page.add_heading(title)
    grid.add_to(page)
    return page.make_figure()


def draw_categories(images: np.ndarray | StoredImages, counts: np.ndarray,
                    examples: Sequence[np.ndarray], prior: np.ndarray | None = None) -> Figure:
    """Draw real images of each category, the largest category first.

    Categories without images and all but the `MAX_CATEGORIES` largest are left out, as the title says.

    Args:
        images: uint8 [N, H, W, C], N at least 1.
        counts: int [M], number of images of each category.
        examples: for each of the M categories, indices of the images to show.
        prior: float [M], the prior's mass of each category, which its label names; None where each code is a
            category, which is then called a code.
    """
    used = [category for category in np.argsort(-counts, kind="stable") if counts[category]]
    shown = used[:MAX_CATEGORIES]
    rows = [images[examples[category]] for category in shown]
    shares = 100 * counts / len(images)
    if prior is None:
        labels = [f"code {code}\n{counts[code]:,} images\n{shares[code]:.1f} %" for code in shown]
    else:
        labels = [f"category {category}\n{counts[category]:,} images, {shares[category]:.1f} %\n"
                  f"prior {100 * prior[category]:.1f} %" for category in shown]
    noun = "codes" if prior is None else "categories"
    some = "" if len(shown) == len(used) else f", of which the {len(shown)} largest are shown"
    title = f"{len(images):,} images in {len(used)} of {len(counts)} {noun}{some}; the most certain first"
    return draw_image_grid(rows, labels, title)


class ImageGrid:
    """A grid of images with unchanged pixels; images below 64 pixels are enlarged by a whole number.

    Many rows are broken into panels side by side, or one below another if they are columns.

    Args:
        rows: R arrays, uint8 [n, H, W, C] with C 1 or 3; shorter rows end in white.
        labels: R texts of one or more lines.
        places: texts above the images of a row, none if empty.
        as_columns: whether each row is drawn downwards, as a column.
        chart: called as `chart(axes, range)` for each panel, to draw beside its rows: the range holds their
            numbers, and the i-th of them lies at y = i. Only for rows that are drawn as rows.
        chart_width: pixels that the axes are wide.

    Attributes:
        width, height: of all panels, in pixels.
        label_width, images_width: of the labels and of the images of a panel, in pixels.
    """

    def __init__(self, rows: Rows, labels: Sequence[str], places: Sequence[str] = (),
                 as_columns: bool = False, chart: Callable[[Axes, range], Any] | None = None,
                 chart_width: int = 0) -> None:
        self._images = tiling.enlarge(tiling.pad_rows(rows))
        self._labels = ["\n".join(page_lib.shorten(line, _LONGEST_LINE) for line in label.split("\n"))
                        for label in labels]
        self._places, self._as_columns = places, as_columns
        self._chart, self._chart_width = chart, chart_width + _LABEL_GAP if chart else 0
        num_rows, num_images, height, width = self._images.shape[:4]
        self._pitch = width + GAP, height + GAP
        side, top = (places, self._labels) if as_columns else (self._labels, places)
        # Labels wider than the images below them stand upright.
        self._rotated = as_columns and page_lib.text_size(top)[0] > width
        self.label_width = page_lib.text_size(side)[0] + _LABEL_GAP if len(side) else 0
        self._top = page_lib.text_size(top)[0 if self._rotated else 1] + _LABEL_GAP if len(top) else 0
        self.images_width = num_images * self._pitch[0] - GAP
        # Of all grids with full panels, take that whose shape is nearest to a usual page's.
        counts = {math.ceil(num_rows / num_panels) for num_panels in range(1, num_rows + 1)}
        self._count = min(sorted(counts), key=lambda count: abs(
            math.log(np.divide(*self._size(count)) / _ASPECT)))
        self.width, self.height = self._size(self._count)

    def add_to(self, page: page_lib.Page, left: float = 0, top: float | None = None) -> None:
        """Add the grid to a page; below everything else if `top` is None."""
        top = page.height if top is None else top
        width, height = self._panel_size(self._count)
        for start in range(0, len(self._images), self._count):
            self._add_panel(page, range(start, min(start + self._count, len(self._images))), left, top)
            if self._as_columns:
                top += height + _PANEL_GAP
            else:
                left += width + _PANEL_GAP

    def _panel_size(self, count):
        """Width and height of a panel of `count` rows."""
        across, down = count, self._images.shape[1]
        if not self._as_columns:
            across, down = down, across
        return (self.label_width + across * self._pitch[0] - GAP + self._chart_width,
                self._top + down * self._pitch[1] - GAP)

    def _size(self, count):
        """Width and height of all panels of `count` rows each."""
        width, height = self._panel_size(count)
        num_panels = math.ceil(len(self._images) / count)
        if self._as_columns:
            return width, num_panels * (height + _PANEL_GAP) - _PANEL_GAP
        return num_panels * (width + _PANEL_GAP) - _PANEL_GAP, height

    def _add_panel(self, page, numbers, left, top):
        images = self._images[numbers.start:numbers.stop]
        labels = self._labels[numbers.start:numbers.stop]
        side, above = (self._places, labels) if self._as_columns else (labels, self._places)
        if self._as_columns:
            images = images.swapaxes(0, 1)
        picture = tiling.tile(images.reshape(-1, *images.shape[2:]), images.shape[1])
        left, top = left + self.label_width, top + self._top
        page.add_picture(picture, left, top)
        for row, text in enumerate(side):
            page.add_text(text, left - _LABEL_GAP, top + (row + 0.5) * self._pitch[1] - GAP / 2,
                          ha="right", va="center")
        for column, text in enumerate(above):
            page.add_text(text, left + (column + 0.5) * self._pitch[0] - GAP / 2, top - _LABEL_GAP / 2,
                          ha="center", va="bottom", rotation=90 if self._rotated else 0,
                          multialignment="left" if self._rotated else "center")
        if self._chart:
            def draw(axes):
                axes.set_ylim(len(numbers) - 0.5, -0.5)
                self._chart(axes, numbers)
            page.add_axes(draw, left + picture.shape[1] + _LABEL_GAP, top, self._chart_width - _LABEL_GAP,
                          picture.shape[0])

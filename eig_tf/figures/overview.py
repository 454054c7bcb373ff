"""One picture of a run: unlabelled images go in, categories and their distribution come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from eig_tf.figures import charts, tiling
from eig_tf.figures.image_grid import ImageGrid
from eig_tf.figures.page import MARGIN, TITLE_SIZE, Page

MAX_ROWS = 10
SAMPLE_COLUMNS, CODE_COLUMNS = 7, 6
_SIDE = 48  # pixels
_PART_GAP, _CAPTION, _CHART_WIDTH = 36, 34, 190


def draw_overview(samples: np.ndarray, rows: np.ndarray, labels: Sequence[str], prior: np.ndarray,
                  true_fractions: np.ndarray | None, learned: bool, num_rows: int, noun: str) -> Figure:
    """Draw training images, generated images of categories, and bars of the categories' probabilities.

    Args:
        samples: uint8 [n, H, W, C], training images.
        rows: uint8 [R, m, H, W, C], generated images of R categories.
        labels: R texts beside the categories.
        prior: float [R], probabilities of these categories.
        true_fractions: float [R], the share that belongs to each category, NaN where there is none; None if
            the true distribution is not known.
        learned: whether the prior was learned; otherwise it is called fixed.
        num_rows: how many there are, of which R are shown.
        noun: what a row is, `category` or `code`.

    Returns:
        The figure, about 1000 pixels wide. Images are shrunk to 48 pixels, or enlarged to about as many.
    """
    samples, rows = (tiling.enlarge(tiling.shrink(images, _SIDE), _SIDE) for images in (samples, rows))
    bars = [(prior, charts.LEARNED)] + ([] if true_fractions is None else [(true_fractions, charts.TRUE)])

    def draw_bars(axes, numbers):
        for place, (values, colour) in enumerate(bars):
            middle = (place - (len(bars) - 1) / 2) * 0.36
            axes.barh(np.arange(len(numbers)) + middle, np.nan_to_num(values), 0.34, color=colour)
            for row, value in enumerate(values):
                if not np.isnan(value):
                    axes.text(value, row + middle, f" {100 * value:.1f} %", va="center", fontsize=6)
        axes.set_xlim(0, 1.4 * max(np.nanmax(values) for values, _ in bars))
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)

    picture = tiling.tile(samples, SAMPLE_COLUMNS)
    grid = ImageGrid(rows, labels, chart=draw_bars, chart_width=_CHART_WIDTH)
    left = picture.shape[1] + _PART_GAP
    chart_left = left + grid.width - _CHART_WIDTH
    page = Page(left + grid.width)
    page.add_picture(picture, 0, _CAPTION)
    grid.add_to(page, left, _CAPTION)
    below = {"va": "top", "fontsize": TITLE_SIZE}
    page.add_text("in: images without labels", 0, 0, **below)
    caption = f"out: one {noun} in each row"
    if num_rows > len(rows):
        caption = f"out: {len(rows)} of {num_rows} {'codes' if noun == 'code' else 'categories'}"
    page.add_text(caption, left + grid.label_width, 0, **below)
    page.add_text("learned" if learned else "fixed", chart_left, 0, color=charts.LEARNED, **below)
    if true_fractions is not None:
        page.add_text("true share", page.width, 0, ha="right", color="0.45", **below)
    page.height += MARGIN / 2
    return page.make_figure()

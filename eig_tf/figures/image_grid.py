"""Figures of many small images: labelled rows or columns, broken into panels to fit a page."""

import math
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from eig_tf.figures import tiling

DPI = 144
# Lengths are pixels, so that an image's pixels are the picture's and nothing is blurred.
_CELL, _GAP = 64, 2
_MARGIN, _LABEL_GAP, _PANEL_GAP = 14, 8, 28
_LABEL_SIZE, _TITLE_SIZE, _TITLE_LINE = 7, 8, 22  # the sizes in points
_NARROWEST = 480
_ASPECT = 4 / 3
_LONGEST_LINE = 24  # letters


def draw(rows, labels, title, places=(), as_columns=False):
    """Draws a grid of images, a row a label.

    Args:
        rows: uint8 [R, n, H, W, C], C 1 or 3.
        labels: a text of one or more lines for each of the R rows.
        title: a sentence above the grid; it is wrapped.
        places: what stands above each of the n images of a row; nothing when empty.
        as_columns: draw each row downwards, as a column.

    Returns:
        A `Figure`, to be saved with `DPI`. Many rows are broken into panels: side by side, or one below
        another when they are columns.
    """
    rows = enlarge(np.asarray(rows))
    labels = ["\n".join(shorten(line) for line in label.split("\n")) for label in labels]
    layout = _Layout(rows.shape, labels, places, as_columns)
    width = max(layout.page[0], _NARROWEST)
    canvas = _Canvas(width, layout.page[1], _wrapped(title, width))
    for number, start in enumerate(range(0, len(rows), layout.rows_a_panel)):
        part = slice(start, start + layout.rows_a_panel)
        if as_columns:
            _draw_panel(canvas, layout, number, rows[part].swapaxes(0, 1), places, labels[part])
        else:
            _draw_panel(canvas, layout, number, rows[part], labels[part], places)
    return canvas.figure


def enlarge(images):
    """Repeats the pixels of images [..., H, W, C] a whole number of times, to a side of about 64."""
    factor = max(1, round(_CELL / images.shape[-2]))
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def shorten(text, longest=_LONGEST_LINE):
    """A text of at most `longest` letters; an ellipsis ends what was longer."""
    return text if len(text) <= longest else text[:longest - 1] + "…"


class _Layout:
    """Where things stand: lengths in pixels, places from the upper left corner of the grid.

    Attributes:
        rows_a_panel: how many of the rows a panel holds; the last one may hold fewer.
        page: width and height of all panels.
        side, top: what texts beside and above the images of a panel take.
        rotated: whether the texts above the images stand upright, for want of width.
    """

    def __init__(self, shape, labels, places, as_columns):
        num_rows, self._num_images, self.height, self.width = shape[:4]
        self._as_columns = as_columns
        side, top = (places, labels) if as_columns else (labels, places)
        self.rotated = as_columns and _text_size(top)[0] > self.width
        self.side = _text_size(side)[0] + _LABEL_GAP if len(side) else 0
        self.top = _text_size(top)[0 if self.rotated else 1] + _LABEL_GAP if len(top) else 0
        # Of all that fill their panels, the page whose shape is nearest to a usual one.
        counts = {math.ceil(num_rows / num_panels) for num_panels in range(1, num_rows + 1)}
        pages = {count: self._page(count, math.ceil(num_rows / count)) for count in sorted(counts)}
        self.rows_a_panel = min(pages, key=lambda count: abs(
            math.log(pages[count][0] / pages[count][1] / _ASPECT)))
        self.page = pages[self.rows_a_panel]

    def corner(self, panel, row=0, column=0):
        """Left and top of an image of a panel."""
        width, height = self._panel(self.rows_a_panel)
        left, top = (0, height + _PANEL_GAP) if self._as_columns else (width + _PANEL_GAP, 0)
        return (panel * left + self.side + column * (self.width + _GAP),
                panel * top + self.top + row * (self.height + _GAP))

    def _panel(self, count):
        across, down = (count, self._num_images) if self._as_columns else (self._num_images, count)
        return (self.side + across * (self.width + _GAP) - _GAP,
                self.top + down * (self.height + _GAP) - _GAP)

    def _page(self, count, num_panels):
        width, height = self._panel(count)
        if self._as_columns:
            return width, num_panels * (height + _PANEL_GAP) - _PANEL_GAP
        return num_panels * (width + _PANEL_GAP) - _PANEL_GAP, height


class _Canvas:
    """A figure below a title, on which places are pixels from the upper left corner."""

    def __init__(self, width, height, title_lines):
        self._above = _MARGIN + len(title_lines) * _TITLE_LINE + _MARGIN / 2
        self._width, self._height = width + 2 * _MARGIN, self._above + height + _MARGIN
        self.figure = Figure(figsize=(self._width / DPI, self._height / DPI), dpi=DPI)
        self.figure.text(_MARGIN / self._width, 1 - _MARGIN / self._height, "\n".join(title_lines),
                         ha="left", va="top", fontsize=_TITLE_SIZE)

    def place(self, images, left, top):
        """Puts images [rows, columns, H, W, C] there."""
        picture = tiling.tile(images.reshape(-1, *images.shape[2:]), images.shape[1])
        if picture.shape[-1] == 1:
            picture = picture.repeat(3, axis=-1)
        height, width = picture.shape[:2]
        axes = self.figure.add_axes(
            [(_MARGIN + left) / self._width, 1 - (self._above + top + height) / self._height,
             width / self._width, height / self._height])
        axes.imshow(picture, interpolation="nearest", aspect="auto")
        axes.set_axis_off()

    def write(self, text, left, top, **properties):
        """Puts a label there."""
        self.figure.text((_MARGIN + left) / self._width, 1 - (self._above + top) / self._height, text,
                         fontsize=_LABEL_SIZE, **properties)


def _draw_panel(canvas, layout, number, images, side, top):
    """Draws images [rows, columns, H, W, C] with texts beside their rows and above their columns."""
    canvas.place(images, *layout.corner(number))
    for row, text in enumerate(side):
        left, above = layout.corner(number, row=row)
        canvas.write(text, left - _LABEL_GAP, above + layout.height / 2, ha="right", va="center")
    for column, text in enumerate(top):
        left, above = layout.corner(number, column=column)
        canvas.write(text, left + layout.width / 2, above - _LABEL_GAP / 2, ha="center", va="bottom",
                     rotation=90 if layout.rotated else 0,
                     multialignment="left" if layout.rotated else "center")


def _text_size(texts):
    """Pixels that the widest and the highest of some labels take."""
    if not len(texts):
        return 0, 0
    return (max(_line_width(line, _LABEL_SIZE) for text in texts for line in text.split("\n")),
            max(len(text.split("\n")) for text in texts) * _LABEL_SIZE * 1.2 * DPI / 72)


def _line_width(line, size):
    return TextPath((0, 0), line, size=size).get_extents().width * DPI / 72 if line.strip() else 0


def _wrapped(text, width):
    letter = _line_width(text, _TITLE_SIZE) / max(1, len(text))
    return textwrap.wrap(text, max(10, int(width / max(letter, 1)) - 2))

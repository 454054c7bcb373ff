"""Figures on which lengths are pixels, so that an image's pixels are those of the figure."""

from __future__ import annotations

import contextlib
import textwrap
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from PIL import Image

from eig_tf.data import names

DPI = 144
MARGIN, NARROWEST = 14, 480
LABEL_SIZE, TITLE_SIZE = 7, 8  # points
_LINE = 2.75  # pixels of a heading's line for each point of its letters
_LONGEST_LABEL = 22  # letters


@contextlib.contextmanager
def figure_style() -> Iterator[None]:
    """Apply matplotlib settings that figures are both drawn and saved with.

    Names of classes come from users: a $ in them does not start a formula, and a letter that the font
    lacks is not worth a warning. Publishers refuse PDF files with matplotlib's usual fonts.
    """
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 8, "pdf.fonttype": 42}), \
            warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def save_figure(figure: Figure, path: Path, colours: int | None = None) -> None:
    """Write a figure as PNG or PDF, chosen by the suffix; equal figures make equal files.

    Args:
        figure: the figure.
        path: the file.
        colours: size of the palette to which a PNG is reduced, for small files; None keeps all colours.
    """
    # The date and the version of matplotlib would make equal figures differ.
    metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
    figure.savefig(path, dpi=DPI, metadata=metadata)
    if colours is not None and path.suffix == ".png":
        with Image.open(path) as image:
            reduced = image.convert("RGB").quantize(colours)
        reduced.save(path, optimize=True)


class Page:
    """A figure under construction; places are pixels from its upper left corner, inside the margins.

    Args:
        width: width inside the margins, in pixels.

    Attributes:
        height: height of all that was added, in pixels; texts other than headings do not count.
    """

    def __init__(self, width: float) -> None:
        self.width = max(width, NARROWEST)
        self.height = 0.0
        self._axes: list[tuple] = []
        self._texts: list[tuple] = []

    def add_axes(self, draw: Callable[[Axes], Any], left: float, top: float, width: float,
                 height: float) -> None:
        """Add axes, in which `draw` is called when the figure is made."""
        self._axes.append((draw, left, top, width, height))
        self.height = max(self.height, top + height)

    def add_picture(self, picture: np.ndarray, left: float = 0, top: float | None = None) -> None:
        """Add a picture, uint8 [height, width, 1 or 3]; below everything else if `top` is None."""
        def draw(axes):
            axes.imshow(picture if picture.shape[-1] == 3 else picture.repeat(3, axis=-1),
                        interpolation="nearest", aspect="auto")
            axes.set_axis_off()

        height, width = picture.shape[:2]
        self.add_axes(draw, left, self.height if top is None else top, width, height)

    def add_text(self, text: str, left: float, top: float, **properties: Any) -> None:
        """Add a text with properties of `matplotlib.text.Text`."""
        self._texts.append((text, left, top, {"fontsize": LABEL_SIZE, **properties}))

    def add_heading(self, text: str, size: float = TITLE_SIZE) -> None:
        """Add a text below everything else, wrapped to the page's width."""
        letter = _line_width(text, size) / max(1, len(text))
        lines = textwrap.wrap(text, max(10, int(self.width / max(letter, 1)) - 2))
        if self.height:
            self.height += MARGIN
        self.add_text("\n".join(lines), 0, self.height, ha="left", va="top", fontsize=size)
        self.height += len(lines) * size * _LINE + MARGIN / 2

    def make_figure(self) -> Figure:
        """Return the figure, to be saved by `save_figure`."""
        width, height = self.width + 2 * MARGIN, self.height + 2 * MARGIN
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        for text, left, top, properties in self._texts:
            figure.text((MARGIN + left) / width, 1 - (MARGIN + top) / height, text, **properties)
        for draw, left, top, across, down in self._axes:
            draw(figure.add_axes(((MARGIN + left) / width, 1 - (MARGIN + top + down) / height,
                                  across / width, down / height)))
        return figure


def text_size(texts: Sequence[str]) -> tuple[float, float]:
    """Return the pixels that the widest and the highest of some labels take, (0, 0) without any."""
    if not len(texts):
        return 0, 0
    return (max(_line_width(line, LABEL_SIZE) for text in texts for line in text.split("\n")),
            max(len(text.split("\n")) for text in texts) * LABEL_SIZE * 1.2 * DPI / 72)


def shorten(text: str, longest: int) -> str:
    """Return a text of at most `longest` letters; an ellipsis ends what was longer."""
    return text if len(text) <= longest else text[:longest - 1] + "…"


def class_label(name: object, longest: int = _LONGEST_LABEL) -> str:
    """Return the name of a class as a figure shows it: on one line, printable and not too long."""
    return shorten(names.printable(str(name)), longest)


def _line_width(line, size):
    return TextPath((0, 0), line, size=size).get_extents().width * DPI / 72 if line.strip() else 0

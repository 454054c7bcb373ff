"""What the line charts of a page show; the template draws them as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

COLOURS = 8  # that the style sheet has


class Line(NamedTuple):
    """A line of a chart: its name, its points as SVG text in a square of 100, and its number of a colour."""

    name: str
    points: str
    colour: int


class LineChart(NamedTuple):
    """Lines over the epochs.

    Attributes:
        title: what is shown.
        lines: one or more lines.
        low, high: values at the lower and the upper edge.
        first, last: epochs at the left and the right edge.
        description: the same for people who do not see the chart.
    """

    title: str
    lines: list[Line]
    low: float
    high: float
    first: int
    last: int
    description: str


def line_chart(title: str, epochs: np.ndarray, values: Mapping[str, np.ndarray],
               from_zero: bool = False, order: Sequence[str] | None = None) -> LineChart | None:
    """Return a chart of values by name over epochs; None if there is no finite number.

    Args:
        title: what is shown.
        epochs: float [E], ascending.
        values: float [E] by the names of the lines; numbers that are not finite are left out.
        from_zero: whether the lower edge is 0.
        order: names by whose place lines are coloured, alike in several charts; those of `values` when None.
    """
    finite = np.concatenate([line[np.isfinite(line)] for line in values.values()] or [np.zeros(0)])
    if not len(finite):
        return None
    low, high = 0.0 if from_zero else float(finite.min()), float(finite.max())
    width, height = (epochs[-1] - epochs[0]) or 1.0, (high - low) or 1.0
    lines = []
    names = list(values if order is None else order)
    for name, line in values.items():
        kept = np.isfinite(line)
        points = zip(100 * (epochs[kept] - epochs[0]) / width, 100 - 100 * (line[kept] - low) / height)
        lines.append(Line(name, " ".join(f"{x:.2f},{y:.2f}" for x, y in points), names.index(name) % COLOURS))
    description = (f"{title}: {len(values)} line{'s' * (len(values) != 1)} from epoch {epochs[0]:.0f} to "
                   f"{epochs[-1]:.0f}, between {low:.4g} and {high:.4g}")
    return LineChart(title, lines, low, high, int(epochs[0]), int(epochs[-1]), description)

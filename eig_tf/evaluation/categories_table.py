"""The table of images by category that commands write; it needs no TensorFlow."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping


def write(path: str | os.PathLike, names: Iterable[str | int], codes: Iterable[int],
          code_probabilities: Iterable[float], classes: Iterable[str] | None = None,
          categories: Iterable[int] | None = None, probabilities: Iterable[float] | None = None,
          decided: Mapping[str, Iterable[str]] | None = None) -> None:
    """Write a row for each image.

    The columns are `file`, `code` and `probability`, or `file`, `category`, `probability`, `code` and
    `code_probability` when codes are grouped into categories. `class` follows when classes are known, and the
    columns of `decided` come last.

    Args:
        path: the CSV file, UTF-8 except for the bytes of file names, which are written unchanged.
        names: N names of files, or numbers.
        codes: N codes.
        code_probabilities: N numbers in [0, 1].
        classes: N names of classes, None when they are not known.
        categories: N categories, None when codes are not grouped.
        probabilities: those of the categories, N numbers in [0, 1]; given when `categories` are.
        decided: further columns by name, what people decided on the categories.
    """
    columns: dict[str, Iterable] = {"file": names}
    if categories is None:
        columns.update(code=codes, probability=_decimals(code_probabilities))
    else:
        columns.update(category=categories, probability=_decimals(probabilities), code=codes,
                       code_probability=_decimals(code_probabilities))
    if classes is not None:
        columns["class"] = classes
    columns.update(decided or {})
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(list(columns))
        writer.writerows(zip(*columns.values()))


def _decimals(values):
    return (f"{value:.6f}" for value in values)

"""The table of images by category that commands write; it needs no TensorFlow."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable

_COLUMNS = ["file", "code", "probability"]


def write(path: str | os.PathLike, names: Iterable[str | int], codes: Iterable[int],
          probabilities: Iterable[float], classes: Iterable[str] | None = None) -> None:
    """Write a row for each image: its name, its code, the code's probability, and its class if known.

    Args:
        path: the CSV file, UTF-8 except for the bytes of file names, which are written unchanged.
        names: N names of files, or numbers.
        codes: N codes.
        probabilities: N numbers in [0, 1].
        classes: N names of classes, None when they are not known.
    """
    columns = [names, codes, (f"{probability:.6f}" for probability in probabilities)]
    header = [*_COLUMNS]
    if classes is not None:
        columns.append(classes)
        header.append("class")
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(zip(*columns))

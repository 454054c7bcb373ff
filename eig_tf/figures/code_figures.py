"""Codes in figures: their order, their labels, and the real images that are most probably of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from eig_tf.figures import charts
from eig_tf.figures.image_grid import draw_image_grid
from eig_tf.figures.page import class_label

if TYPE_CHECKING:
    from eig_tf.data.image_set import StoredImages
    from eig_tf.evaluation.categories import Categories
    from eig_tf.evaluation.record import EvaluationRecord

MAX_CATEGORIES = 100
_LONGEST_NAME = 18  # letters; a percentage follows


def order_codes(probabilities: np.ndarray, record: EvaluationRecord | None = None) -> tuple[list[int], str]:
    """Return all K codes in the order of a figure, and that order in words for its title.

    Args:
        probabilities: float [K].
        record: the run's evaluation, whose matched classes give the order, codes without a class last;
            None to begin with the most probable code.
    """
    if record is None:
        return np.argsort(-np.asarray(probabilities), kind="stable").tolist(), "the most probable first"
    return charts.order_by_class(record.code_to_class), "ordered by the classes that they match"


def code_label(code: int, probability: float, record: EvaluationRecord | None = None) -> str:
    """Return the text beside a code: its number, its probability, its matched class and how well it matches.

    Matching is one to one, so that it may give a code a class that few of its images show: the share of
    those that do stands beside the class.
    """
    lines = [f"code {code}", f"p = {probability:.3f}"]
    if record is not None:
        match = record.code_to_class[code]
        if match is None:
            lines.append("no class")
        else:
            share = record.confusion[code, match] / max(1, record.confusion[code].sum())
            lines.append(f"{class_label(record.class_names[match], _LONGEST_NAME)}: {100 * share:.0f} %")
    return "\n".join(lines)


def draw_categories(images: np.ndarray | StoredImages, categories: Categories) -> Figure:
    """Draw the real images that are most probably of each code, ten for each, the largest code first.

    Codes without images and all but the `MAX_CATEGORIES` largest are left out, as the title says.

    Args:
        images: uint8 [N, H, W, C], an array or `StoredImages`, N at least 1.
        categories: the codes of these images.
    """
    counts = categories.counts()
    used = [code for code in categories.by_size() if counts[code]]
    shown = used[:MAX_CATEGORIES]
    rows = [images[categories.surest(code)] for code in shown]
    labels = [f"code {code}\n{counts[code]:,} images\n{100 * counts[code] / len(images):.1f} %"
              for code in shown]
    some = "" if len(shown) == len(used) else f", of which the {len(shown)} largest are shown"
    title = f"{len(images):,} images in {len(used)} of {len(counts)} codes{some}; the most certain first"
    return draw_image_grid(rows, labels, title)

"""In which order a figure shows the codes, and what stands beside each."""

import numpy as np

from eig_tf.data import names
from eig_tf.figures import charts, image_grid

_LONGEST_NAME = 18


def order(probabilities, record=None):
    """All K codes in the order to show them in, and that order in words.

    Args:
        probabilities: float [K].
        record: an `EvaluationRecord`, None when the run was not evaluated.

    Returns:
        A list of codes, by matched class where there is a record, those without a class last, else the
        most probable first; and words for a title.
    """
    if record is None:
        return np.argsort(-np.asarray(probabilities), kind="stable").tolist(), "the most probable first"
    return charts.order_by_class(record.code_to_class), "ordered by the class they match"


def label(code, probability, record=None):
    """What stands beside a code: its number, its probability, any class that it matches and how well.

    A matching is one to one, so that it may give a code a class that few of its images or none show: the
    share of those that do stands with the class.
    """
    lines = [f"code {code}", f"p = {probability:.3f}"]
    if record is not None:
        match = record.code_to_class[code]
        if match is None:
            lines.append("no class")
        else:
            share = record.confusion[code, match] / max(1, record.confusion[code].sum())
            name = image_grid.shorten(names.printable(record.class_names[match]), _LONGEST_NAME)
            lines.append(f"{name}: {100 * share:.0f} %")
    return "\n".join(lines)

"""Numbers that the paper reports, to compare one's own with."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any


@functools.cache
def paper_results() -> dict[str, Any]:
    """Return the content of `paper_results.json`, which describes itself."""
    return json.loads(Path(__file__).with_name("paper_results.json").read_text(encoding="utf-8"))


def published_scores(dataset: str, method: str) -> tuple[float, float] | None:
    """Return the NMI and the ENT of a method in table 1; None where the table has no such entry."""
    scores = paper_results()["table_1"].get(dataset, {}).get(method)
    return None if scores is None else (scores["nmi"], scores["ent"])


def published_value(table: str, dataset: str, method: str, metric: str) -> tuple[float, float | None] | None:
    """Return a number of a table and its standard deviation, None where the table states none.

    Args:
        table: `table_1` to `table_4`.
        dataset: the column.
        method: the row; `random_weights` in table 4 is the network before training.
        metric: `nmi`, `ent` or `one_nn_accuracy`.

    Returns:
        The number and its deviation; None where the table has no such entry.
    """
    entry = paper_results()[table].get(dataset, {}).get(method, {})
    return (entry[metric], entry.get("std")) if metric in entry else None


def published_judge_accuracy(dataset: str) -> float | None:
    """Return the held-out accuracy of the paper's own classifier (section 4); None for other data sets."""
    return paper_results()["classifier_accuracy"].get(dataset)

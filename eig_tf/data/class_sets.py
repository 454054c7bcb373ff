"""The choice of the objects of cars and chairs that are classes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from eig_tf.data import imbalance
from eig_tf.data.names import first_few
from eig_tf.errors import UserError

RANDOM = "random"
NUM_RANDOM = 10


def choose_classes(class_set: str, available: Iterable[str], dataset: str, seed: int) -> list[str]:
    """Return the ids of the classes, in the order of their labels.

    Args:
        class_set: the number of one of the paper's five sets, `0` to `4` (supplement 5.2 and 5.3);
            `random` for ten of the available ids; or ids separated by commas, such as `003,017`.
        available: ids of the objects that were found.
        dataset: `cars` or `chairs`.
        seed: 0 or more; draws the random set.

    Returns:
        A list of ids. The order of the paper and of the user is kept, since fractions go by position;
        random ids are sorted.

    Raises:
        UserError: `class_set` is none of these, names fewer than two ids or one twice, or an id that is
            not available.
    """
    available = sorted(available)
    if class_set == RANDOM:
        return _draw_ids(available, seed)
    if class_set in class_set_numbers(dataset):
        ids = imbalance.paper_splits()[dataset]["class_ids"][int(class_set)]
    else:
        ids = _parse_ids(class_set, dataset, available)
    absent = _absent(ids, available)
    if absent:
        raise UserError(f"--class_set={class_set} has ids that were not found: {', '.join(absent)}; expected "
                        f"ids among the {len(available)} that were found{_examples(available)}, or {RANDOM}")
    return ids


def class_set_numbers(dataset: str) -> list[str]:
    """Return the numbers of the paper's class sets of a data set, as strings; empty for most data sets."""
    sets = imbalance.paper_splits().get(dataset, {}).get("class_ids", [])
    return [str(number) for number in range(len(sets))]


def check_paper_class_sets(available: Iterable[str], dataset: str) -> list[str]:
    """Return a line on each of the paper's class sets, which names the ids that were not found."""
    lines = []
    for number, ids in enumerate(imbalance.paper_splits()[dataset]["class_ids"]):
        absent = _absent(ids, available)
        found = f"{len(absent)} of {len(ids)} missing: {', '.join(absent)}" if absent else "complete"
        lines.append(f"the paper's class set {number}: {found}")
    return lines


def _draw_ids(available: list[str], seed: int) -> list[str]:
    if len(available) < NUM_RANDOM:
        raise UserError(f"--class_set={RANDOM} draws {NUM_RANDOM} ids, but {len(available)} were found"
                        f"{_examples(available)}; expected {NUM_RANDOM} or more, or a list of ids")
    # The stream of RandomState never changes, unlike those of NumPy's newer generators.
    return sorted(np.random.RandomState(seed).permutation(available)[:NUM_RANDOM].tolist())


def _parse_ids(class_set: str, dataset: str, available: list[str]) -> list[str]:
    ids = [part.strip() for part in class_set.split(",")]
    if len(ids) < 2 or not all(ids):
        known = class_set_numbers(dataset)
        raise UserError(f"--class_set is {class_set!r}; expected the number of one of the paper's sets, "
                        f"{known[0]} to {known[-1]}, {RANDOM}, or two or more ids separated by commas, "
                        f"such as {','.join(available[:2]) or '003,017'}")
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise UserError(f"--class_set is {class_set!r}, which names {', '.join(twice)} more than once; "
                        "expected every id once")
    return ids


def _absent(ids: Iterable[str], available: Iterable[str]) -> list[str]:
    found = set(available)
    return [one for one in ids if one not in found]


def _examples(available: list[str]) -> str:
    return f" ({first_few(available)})" if available else ""

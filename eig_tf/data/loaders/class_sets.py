"""Which objects of cars and chairs are classes: one of the paper's sets, random ones or a list."""

import numpy as np

from eig_tf.data import imbalance
from eig_tf.errors import UserError

RANDOM = "random"
NUM_RANDOM = 10
_NAMED = 10


def choose(class_set, available, dataset, seed):
    """The ids of the classes, in the order that numbers the labels.

    Args:
        class_set: the number of one of the paper's five sets, `0` to `4` (supplement 5.2 and 5.3);
            `random` for ten of those available; or ids separated by commas, such as `003,017`.
        available: the ids that the directory holds.
        dataset: `cars` or `chairs`.
        seed: a number of 0 or more; draws the random set.

    Returns:
        A list of ids. The paper's order and the user's are kept, for fractions go by position; random
        ids are sorted.

    Raises:
        UserError: it is none of these, names fewer than two classes or one twice, or ids that are absent.
    """
    available = sorted(available)
    if class_set == RANDOM:
        return _draw(available, seed)
    if class_set in numbers(dataset):
        ids = imbalance.paper_splits()[dataset]["class_ids"][int(class_set)]
    else:
        ids = _parse(class_set, numbers(dataset), available)
    absent = _absent(ids, available)
    if absent:
        raise UserError(
            f"--class_set={class_set} takes {_count(absent, 'id')} that the directory lacks: "
            f"{', '.join(absent)}; expected some of the {_count(available, 'id')} that it holds"
            f"{_span(available)}, by --class_set={RANDOM} or as a list of ids")
    return ids


def numbers(dataset):
    """The numbers of the paper's class sets of a data set, as flags take them; none for most sets."""
    sets = imbalance.paper_splits().get(dataset, {}).get("class_ids", [])
    return [str(number) for number in range(len(sets))]


def describe(available, dataset):
    """What the directory lacks of each of the paper's five sets, a line each."""
    lines = []
    for number, ids in enumerate(imbalance.paper_splits()[dataset]["class_ids"]):
        absent = _absent(ids, available)
        found = f"{len(absent)} of {len(ids)} missing: {', '.join(absent)}" if absent else "complete"
        lines.append(f"the paper's class set {number}: {found}")
    return lines


def _draw(available, seed):
    if len(available) < NUM_RANDOM:
        raise UserError(f"--class_set={RANDOM} draws {NUM_RANDOM} ids; the directory holds {len(available)}"
                        f"{_span(available)}; expected {NUM_RANDOM} or more, or a list of ids")
    # RandomState's stream is frozen, which that of numpy's newer generators is not.
    return sorted(np.random.RandomState(seed).permutation(available)[:NUM_RANDOM].tolist())


def _parse(class_set, known, available):
    ids = [part.strip() for part in class_set.split(",")]
    if len(ids) < 2 or not all(ids):
        example = ",".join(available[:2]) or "003,017"
        raise UserError(f"--class_set is {class_set!r}; expected the number of one of the paper's sets, "
                        f"{known[0]} to {known[-1]}, {RANDOM}, or two or more ids separated by commas, "
                        f"such as {example}")
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise UserError(f"--class_set is {class_set!r}, which names {', '.join(twice)} more than once; "
                        "expected every id once")
    return ids


def _absent(ids, available):
    return [one for one in ids if one not in available]


def _count(ids, noun):
    return f"{len(ids)} {noun}" if len(ids) == 1 else f"{len(ids)} {noun}s"


def _span(available):
    """How the ids that there are look, for a sentence."""
    if len(available) <= _NAMED:
        return f" ({', '.join(available)})" if available else ""
    return f" ({available[0]} to {available[-1]})"

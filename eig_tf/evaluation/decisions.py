"""What people decide on the categories of a run in its report: names, merged categories, keep or reject."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from eig_tf.errors import UserError
from eig_tf.runs.category_files import GROUPING
from eig_tf.runs.run_directory import RunDirectory

VERSION = 1
MARKS = ("keep", "reject")


class Decisions(NamedTuple):
    """Decisions on the M categories of a run.

    Attributes:
        names: M names; an empty one for a category without a name.
        merged_into: int64 [M], the category that stands for each one; itself unless they were merged.
        marks: M texts, `keep`, `reject`, or an empty one.
    """

    names: list[str]
    merged_into: np.ndarray
    marks: list[str]

    def columns(self, categories: np.ndarray) -> dict[str, list[str]]:
        """Return the columns `name` and `decision` of a table of images with these categories, int64 [N]."""
        return {"name": [self.names[category] for category in categories],
                "decision": [self.marks[category] for category in categories]}


def run_identifier(directory: RunDirectory, grouped: bool) -> str:
    """Return 16 hexadecimal digits that tell the categories of a run from those of other runs.

    Args:
        directory: the run directory.
        grouped: whether its codes are grouped: the digits are then of `categories.json`, otherwise of
            `config.json`.
    """
    path = directory.categories / GROUPING if grouped else directory.config
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def load_decisions(path: str | os.PathLike, identifier: str, epochs: int, num_categories: int) -> Decisions:
    """Read the decisions that a report of a run saved.

    Args:
        path: the JSON file.
        identifier: see `run_identifier`.
        epochs: number of epochs of the run's checkpoint.
        num_categories: M.

    Raises:
        UserError: the file is missing or damaged, or is of another run or checkpoint.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            raise ValueError(f"version is {content['version']!r}, not {VERSION}")
        run, checkpoint = content["run"], content["epochs"]
        # The decisions of another run may have another number of categories.
        decisions = _read_categories(content["categories"]) if run == identifier else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())[:200]
        reason = f"it lacks {reason}" if isinstance(error, KeyError) else reason
        raise UserError(f"--decisions is {str(path)!r}, which cannot be read: {reason}; expected the file "
                        "that a report of the run saved") from None
    if decisions is None:
        raise UserError(f"--decisions is {str(path)!r}, which is of run {run!r}; expected decisions of run "
                        f"{identifier!r}, saved in its report")
    if (checkpoint, len(decisions.names)) != (epochs, num_categories):
        raise UserError(f"--decisions is {str(path)!r}, which is of epoch {checkpoint} and "
                        f"{len(decisions.names)} categories; expected epoch {epochs} and {num_categories} "
                        "categories, those of the checkpoint")
    return decisions


def _read_categories(entries):
    num = len(entries)
    targets = [entry["merged_into"] for entry in entries]
    for number, entry in enumerate(entries):
        name, target = entry["name"], targets[number]
        if entry["category"] != number:
            raise ValueError(f"entry {number} is of category {entry['category']!r}")
        if not isinstance(name, str) or "\0" in name:
            raise ValueError(f"the name of category {number} is {name!r}, no text")
        name.encode("utf-8")  # JSON can hold halves of letters, which no file can.
        if entry["decision"] not in (None, *MARKS):
            raise ValueError(f"the decision on category {number} is {entry['decision']!r}, not "
                             f"{' or '.join(MARKS)}")
        if target is not None and (type(target) is not int or not 0 <= target < num or target == number
                                   or targets[target] is not None):
            raise ValueError(f"category {number} is merged into {target!r}, which is no category that stays")
    merged = [number if target is None else target for number, target in enumerate(targets)]
    return Decisions([entry["name"] for entry in entries], np.array(merged, np.int64),
                     [entry["decision"] or "" for entry in entries])

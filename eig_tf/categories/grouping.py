"""How the codes of a run are grouped into categories: what `categories.json` holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eig_tf import files
from eig_tf.errors import UserError

_VERSION = 1


class CodeGrouping(NamedTuple):
    """The categories of a run, as groups of its codes.

    M is the number of categories, K that of codes.

    Attributes:
        code_to_category: int64 [K], the category of each code, in [0, M).
        agreement: float64 [K], the share of a code's generated images that the categorizer assigns to the
            code's category, in [0, 1].
        code_distribution: float64 [M, K], p(code | category); rows sum to one and are zero outside the
            category. See `distribute_codes`.
        prior: float64 [M], the prior's mass of the codes of each category.
        fractions: float64 [M], the share of the training images that the categorizer puts into each category.
        linkage: float64 [K - 1, 4], the hierarchy of the codes in SciPy's format. Heights below 1 join codes
            of one category, others join categories.
        epochs: the number of epochs of training of the weights that were used.
        consensus: mean NMI of the chosen partition of real images with the others, in [0, 1].
    """

    code_to_category: np.ndarray
    agreement: np.ndarray
    code_distribution: np.ndarray
    prior: np.ndarray
    fractions: np.ndarray
    linkage: np.ndarray
    epochs: int
    consensus: float

    @property
    def num_categories(self) -> int:
        """M, the number of categories."""
        return len(self.prior)

    def codes_of(self, category: int) -> np.ndarray:
        """Return the codes of a category, int64, the one that generates most of its images first."""
        members = np.flatnonzero(self.code_to_category == category)
        return members[np.argsort(-self.code_distribution[category, members], kind="stable")]


def save_grouping(grouping: CodeGrouping, path: str | os.PathLike) -> None:
    """Write `categories.json`, atomically."""
    content = {name: value.tolist() if isinstance(value, np.ndarray) else value
               for name, value in grouping._asdict().items()}
    files.write_json({"version": _VERSION, **content}, path)


def load_grouping(path: str | os.PathLike) -> CodeGrouping | None:
    """Read what `save_grouping` wrote; return None where there is no such file.

    Raises:
        UserError: the file is damaged or of another version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content.pop("version") != _VERSION:
            raise ValueError(f"it is not of version {_VERSION}")
        grouping = CodeGrouping(**{name: _as_field(name, value) for name, value in content.items()})
        _check_shapes(grouping)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(f"{path} cannot be read: {error}; expected the file that "
                        "tools/find_categories.py writes") from None
    return grouping


def _as_field(name: str, value: Any) -> Any:
    if name == "code_to_category":
        return np.asarray(value, np.int64)
    return np.asarray(value, np.float64) if isinstance(value, list) else value


def _check_shapes(grouping: CodeGrouping) -> None:
    num_codes, num_categories = len(grouping.code_to_category), len(grouping.prior)
    for name, shape in (("agreement", (num_codes,)), ("code_distribution", (num_categories, num_codes)),
                        ("fractions", (num_categories,)), ("linkage", (num_codes - 1, 4))):
        found = getattr(grouping, name).shape
        if found != shape:
            raise ValueError(f"{name} is {list(found)}, not {list(shape)} for {num_codes} codes and "
                             f"{num_categories} categories")
    if not np.all((grouping.code_to_category >= 0) & (grouping.code_to_category < num_categories)):
        raise ValueError(f"code_to_category is {grouping.code_to_category.tolist()}, not numbers below "
                         f"{num_categories}")

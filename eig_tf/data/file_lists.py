"""Lists of files, with or without labels, as CSV or JSON."""

from __future__ import annotations

import collections
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eig_tf.data.names import first_few
from eig_tf.errors import UserError

SUFFIXES = (".csv", ".json")
_FILE, _LABEL = "file", "label"
_EXPECTED = {".csv": f"a header with the column {_FILE!r} and, if known, {_LABEL!r}",
             ".json": f"a list of objects with {_FILE!r} and, if known, {_LABEL!r}"}


def read_list(path: Path) -> tuple[list[str], list[str] | None]:
    """Read the files and labels that a list names.

    Args:
        path: a CSV file whose header names the columns `file` and optionally `label`, or a JSON list of
            objects with these keys. Other columns are ignored. Bytes that are not UTF-8 are kept, as in
            names that the system returns.

    Returns:
        The files as they are written, and their labels as text, empty for a file without one; None when no
        file has a label.

    Raises:
        UserError: the list is damaged or empty, or names a file twice.
        OSError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    try:
        rows = _read_csv(text) if path.suffix.lower() == ".csv" else json.loads(text)
        if not isinstance(rows, list) or not rows:
            raise ValueError("it names no files")
        files = [_text(row, _FILE) for row in rows]
        labels = [_text(row, _LABEL) for row in rows]
    except (ValueError, RecursionError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as a list of files: {error}; expected "
                        f"{_EXPECTED[path.suffix.lower()]}") from None
    if not all(files):
        raise UserError(f"{path} has an entry without {_FILE!r}, number {files.index('') + 1}; expected "
                        f"{_EXPECTED[path.suffix.lower()]}")
    twice = [name for name, count in collections.Counter(files).items() if count > 1]
    if twice:
        raise UserError(f"{path} names {len(twice)} files more than once ({first_few(twice)}); expected each "
                        "file once")
    return files, labels if any(labels) else None


def _read_csv(text: str) -> list[dict[str, Any]]:
    # `splitlines` would break a line at characters that a name may have, such as U+2028.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
    if _FILE not in reader.fieldnames:
        raise ValueError(f"its columns are {first_few(reader.fieldnames or ['none'])}")
    return list(reader)


def _text(row: Any, key: str) -> str:
    """Return a value as text; empty when it is absent."""
    if not isinstance(row, Mapping):
        raise ValueError(f"it has the entry {row!r:.40}")
    value = row.get(key)
    if isinstance(value, (list, dict, bool)):
        raise ValueError(f"it has the {key} {value!r:.40}")
    return "" if value is None else str(value)

"""Prepared data sets: TFRecord shards and a description, for several hosts or a machine without the files."""

from pathlib import Path

INFO = "dataset_info.json"


def is_prepared(directory):
    """Whether a directory holds what `write` writes."""
    return (Path(directory) / INFO).is_file()

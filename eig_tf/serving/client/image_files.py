"""Image files for a model server, and image files and tables of its answers; needs no TensorFlow."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from eig_tf import files
from eig_tf.data import names, pictures
from eig_tf.errors import UserError
from eig_tf.evaluation import categories_table
from eig_tf.figures import tiling
from eig_tf.serving.client.model_client import Client
from eig_tf.serving.client.protocol import ServingError

# The share of a folder's files that may be left out, as in training.
_MAX_UNREADABLE = 0.05
# Limits on a request, which bound the memory for encoded images.
_FILES, _BYTES = 64, 2**25


def encode_png(image: np.ndarray) -> bytes:
    """Encode an image, float [H, W, 1 or 3] in [0, 1], as PNG."""
    content = io.BytesIO()
    tiling.to_image(np.rint(image * 255).astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def write_images(images: Sequence[bytes], columns: int, stems: Sequence[str], output: Path) -> None:
    """Write PNG files of one size, either as one grid if `output` ends in .png, or as a file each.

    Args:
        images: N encoded images.
        columns: columns of the grid.
        stems: N names of the files, without `.png`.
        output: the file, or the directory, which is made when it is missing.
    """
    if output.suffix.lower() == ".png":
        cells = np.stack([pictures.to_array(Image.open(io.BytesIO(image))) for image in images])
        tiling.save_png(tiling.tile(cells, min(columns, len(cells))), output)
        return
    output.mkdir(exist_ok=True)
    for image, stem in zip(images, stems):
        with files.replacing(output / f"{stem}.png") as temporary:
            temporary.write_bytes(image)


def categorize_folder(client: Client, folder: Path, path: Path) -> tuple[np.ndarray, list[str]]:
    """Find the codes of the images below a folder, and write them as a table.

    Args:
        client: a client of the model.
        folder: the folder.
        path: the CSV file: `file`, `code` and `probability` of each image, and its `class` when all images
            are in sub-folders; tools/categorize.py writes the same columns.

    Returns:
        The number of images of each code, int64 [K], and a sentence for every file that was left out.

    Raises:
        UserError: there are no images, or too many cannot be read.
        ServingError: see `Client`.
    """
    found = sorted((os.path.relpath(file, folder) for file in names.files_below(folder)
                    if os.path.splitext(file)[1].lower() in pictures.SUFFIXES), key=names.natural_key)
    if not found:
        raise UserError(f"{folder} holds no images; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}")
    rows: list[tuple[str, int, float]] = []
    unreadable: list[str] = []
    for batch in _batches(folder, found, unreadable):
        for name, probabilities in _categorize_batch(client, batch, unreadable):
            rows.append((name, int(probabilities.argmax()), probabilities.max()))
            num_codes = len(probabilities)
        _show_progress(len(rows) + len(unreadable), len(found))
        if len(unreadable) > _MAX_UNREADABLE * len(found):
            raise UserError(f"{folder}: {len(unreadable)} of {len(found)} files are unreadable "
                            f"({names.first_few(unreadable, '; ')}); expected a share of at most "
                            f"{_MAX_UNREADABLE:g}")
    categorized, codes, all_probabilities = zip(*rows)
    labelled = all(os.sep in name for name in categorized)
    with files.replacing(path) as temporary:
        categories_table.write(temporary, categorized, codes, all_probabilities,
                               [name.split(os.sep)[0] for name in categorized] if labelled else None)
    return np.bincount(codes, minlength=num_codes), unreadable


def _batches(folder: Path, found: Sequence[str], unreadable: list[str]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield names and contents of as many files as fit into one request."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for name in found:
        try:
            content = _read_encoded(folder / name)
        except pictures.Unreadable as error:
            unreadable.append(f"{name}: {error}")
            continue
        if batch and (len(batch) == _FILES or size + len(content) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append((name, content))
        size += len(content)
    yield batch


def _read_encoded(path: Path) -> bytes:
    """Return a file unchanged if the server reads it as `data.pictures` does, else converted to PNG."""
    if _is_read_alike(path):
        return path.read_bytes()
    content = io.BytesIO()
    pictures.read(path).save(content, "PNG")
    return content.getvalue()


def _is_read_alike(path):
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            # TensorFlow ignores EXIF rotation.
            return picture.getexif().get(ExifTags.Base.Orientation, 1) == 1
    except Exception:  # Pillow raises many kinds for damaged files; `pictures.read` reports them.
        return False


def _categorize_batch(client: Client, batch: list[tuple[str, bytes]],
                      unreadable: list[str]) -> Iterator[tuple[str, Any]]:
    """Yield names and probabilities [K]; a file that the server refuses is found by bisection."""
    if not batch:
        return
    try:
        answer = client.categorize_bytes([content for _, content in batch])
    except ServingError as error:
        if error.code != "INVALID_ARGUMENT":
            raise
        if len(batch) == 1:
            unreadable.append(f"{batch[0][0]}: {error}")
            return
        for half in (batch[:len(batch) // 2], batch[len(batch) // 2:]):
            yield from _categorize_batch(client, half, unreadable)
        return
    yield from zip((name for name, _ in batch), answer["probabilities"])


def _show_progress(done, total):
    """Print a progress bar on a terminal, without the TensorFlow that Keras's own would import."""
    if sys.stdout.isatty():
        filled = 30 * done // total
        print(f"\r[{'=' * filled}{'.' * (30 - filled)}] {done}/{total} images",
              end="\n" if done == total else "", flush=True)

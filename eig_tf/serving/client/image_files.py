"""Image files for a model server, and image files and tables of its answers; needs no TensorFlow."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

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
# Outputs that the table holds, and those whose widths are the numbers of codes and categories.
_COLUMNS = ("code", "confidence", "category", "category_confidence")
_PROBABILITIES = {"code": "probabilities", "category": "category_probabilities"}


class SortedFolder(NamedTuple):
    """How many images of a folder were found of each code and category, and what was left out.

    Attributes:
        codes: the number of images of each code, int64 [K].
        categories: the number of images of each category, int64 [M]; None for a model without categories.
        unreadable: a sentence for every file that was left out.
    """

    codes: np.ndarray
    categories: np.ndarray | None
    unreadable: list[str]


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


def categorize_folder(client: Client, folder: Path, path: Path) -> SortedFolder:
    """Find the codes of the images below a folder, and their categories if any; write them as a table.

    Args:
        client: a client of the model.
        folder: the folder.
        path: the CSV file, which has a `class` when all images are in sub-folders; see
            `categories_table.write`. tools/categorize.py writes the same columns.

    Raises:
        UserError: there are no images, or too many cannot be read.
        ServingError: see `Client`.
    """
    found = sorted((os.path.relpath(file, folder) for file in names.files_below(folder)
                    if os.path.splitext(file)[1].lower() in pictures.SUFFIXES), key=names.natural_key)
    if not found:
        raise UserError(f"{folder} holds no images; expected files named "
                        f"{', '.join('*' + suffix for suffix in pictures.SUFFIXES)}")
    categorized: list[str] = []
    answers: list[dict[str, np.ndarray]] = []
    sizes: dict[str, int] = {}
    unreadable: list[str] = []
    for batch in _batches(folder, found, unreadable):
        for rows, answer in _categorize_batch(client, batch, unreadable):
            categorized.extend(rows)
            answers.append({name: answer[name] for name in _COLUMNS if name in answer})
            sizes = {name: answer[key].shape[1] for name, key in _PROBABILITIES.items() if key in answer}
        _show_progress(len(categorized) + len(unreadable), len(found))
        if len(unreadable) > _MAX_UNREADABLE * len(found):
            raise UserError(f"{folder}: {len(unreadable)} of {len(found)} files are unreadable "
                            f"({names.first_few(unreadable, '; ')}); expected a share of at most "
                            f"{_MAX_UNREADABLE:g}")
    labelled = all(os.sep in name for name in categorized)
    columns = {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
    with files.replacing(path) as temporary:
        categories_table.write(temporary, categorized, columns["code"], columns["confidence"],
                               [name.split(os.sep)[0] for name in categorized] if labelled else None,
                               columns.get("category"), columns.get("category_confidence"))
    counts = {name: np.bincount(columns[name], minlength=size) for name, size in sizes.items()}
    return SortedFolder(counts["code"], counts.get("category"), unreadable)


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
                      unreadable: list[str]) -> Iterator[tuple[list[str], dict[str, np.ndarray]]]:
    """Yield names and answers of parts of a batch; a file that the server refuses is found by bisection."""
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
    yield [name for name, _ in batch], answer


def _show_progress(done, total):
    """Print a progress bar on a terminal, without the TensorFlow that Keras's own would import."""
    if sys.stdout.isatty():
        filled = 30 * done // total
        print(f"\r[{'=' * filled}{'.' * (30 - filled)}] {done}/{total} images",
              end="\n" if done == total else "", flush=True)

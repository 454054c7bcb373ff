"""MNIST from its IDX files or from Keras's copy."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from ml_collections import config_dict
from tensorflow import keras

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

PARTS = (("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
FILE_NAMES = tuple(name for part in PARTS for name in part)
_EXPECTED = f"{', '.join(FILE_NAMES)} (plain or .gz)"
_IMAGES_MAGIC = 2051
_LABELS_MAGIC = 2049


def load_images(directory: str | os.PathLike | None = None) -> ImageSet:
    """Load all 70,000 images: the 60,000 of the training part, then the 10,000 of the test part.

    Args:
        directory: directory of the four IDX files, plain or gzipped. When None, Keras's cached copy is
            used, and downloaded when it is missing.

    Returns:
        28x28 grey images of ten classes.

    Raises:
        UserError: a file is missing, truncated or not an IDX file; or `directory` is None, nothing is
            cached and the download fails.
    """
    if directory is None:
        parts, source = _load_keras_copy(), "MNIST, Keras's copy"
    else:
        parts, source = [_read_part(Path(directory), *names) for names in PARTS], "MNIST, IDX files"
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts))
    return ImageSet(images[..., np.newaxis], labels.astype(np.int64), tuple("0123456789"), source)


def check_directory(directory: Path | None, config: config_dict.ConfigDict) -> Iterator[str]:
    """Yield which IDX files are there, then read them; see `eig_tf.data.loaders`."""
    del config
    if directory is None:
        yield "without --data_dir, training takes Keras's copy of MNIST, and downloads it when there is none"
        return
    _check_is_directory(directory)
    for name in FILE_NAMES:
        yield f"{name}: {'missing' if _find_file(directory, name) is None else 'found'}"
    load_images(directory)


def read_idx(path: Path, magic: int) -> np.ndarray:
    """Read one IDX file of bytes.

    Args:
        path: the file; gzipped when its name ends in `.gz`.
        magic: the number with which it must start: 2051 for images, 2049 for labels.

    Returns:
        uint8 array of the shape in the header.

    Raises:
        UserError: the file cannot be read, starts with another number or has another length than its
            header states.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}; expected an IDX file") from None
    ndim = magic % 256
    header = 4 * (1 + ndim)
    found = struct.unpack(">I", content[:4])[0] if len(content) >= 4 else None
    if found != magic or len(content) < header:
        raise UserError(f"{path} is not an IDX file of the expected kind: it starts with {found}, "
                        f"expected {magic}")
    shape = struct.unpack(f">{ndim}I", content[4:header])
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise UserError(f"{path} holds {len(content)} bytes; its header states {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _load_keras_copy() -> Sequence[tuple[np.ndarray, np.ndarray]]:
    try:
        return keras.datasets.mnist.load_data()
    except Exception as error:  # Keras wraps network errors in a bare Exception.
        reason = " ".join(str(error).split())
        raise UserError(f"MNIST is not in Keras's cache and cannot be downloaded ({reason}); put {_EXPECTED} "
                        "into a directory and name it with --data_dir") from None


def _read_part(directory: Path, images_name: str, labels_name: str) -> tuple[np.ndarray, np.ndarray]:
    _check_is_directory(directory)
    images_path, labels_path = (_require_file(directory, name) for name in (images_name, labels_name))
    images = read_idx(images_path, _IMAGES_MAGIC)
    labels = read_idx(labels_path, _LABELS_MAGIC)
    if images.shape[1:] != (28, 28):
        raise UserError(f"{images_path} holds images of {images.shape[1:]}; expected (28, 28)")
    if len(images) != len(labels):
        raise UserError(
            f"{labels_path} holds {len(labels)} labels; expected {len(images)}, one for each image")
    if labels.size and labels.max() > 9:
        raise UserError(f"{labels_path} holds the label {labels.max()}; expected 0 to 9")
    return images, labels


def _check_is_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise UserError(f"--data_dir is {str(directory)!r}, which is not a directory; expected one with "
                        f"{_EXPECTED}")


def _find_file(directory: Path, name: str) -> Path | None:
    # Some mirrors write train-images.idx3-ubyte.
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (directory / candidate).is_file():
            return directory / candidate
    return None


def _require_file(directory: Path, name: str) -> Path:
    path = _find_file(directory, name)
    if path is None:
        raise UserError(f"{directory} has no {name}; expected {_EXPECTED}")
    return path

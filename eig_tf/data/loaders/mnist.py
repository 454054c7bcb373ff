"""MNIST from its IDX files or from Keras's cache."""

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from tensorflow import keras

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

PARTS = (("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
         ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"))
FILE_NAMES = tuple(name for part in PARTS for name in part)
_IMAGES_MAGIC = 2051
_LABELS_MAGIC = 2049


def load(data_dir=None):
    """Loads all 70,000 images: the 60,000 of the training part, then the 10,000 of the test part.

    Args:
        data_dir: a directory with the four IDX files, plain or gzipped. Without it, Keras's cache or
            its download (with checksum) serves.

    Returns:
        An `ImageSet` of 28x28 grey images of ten classes.

    Raises:
        UserError: a file is missing, truncated or no IDX file, or without `data_dir` nothing is
            cached and nothing can be downloaded.
    """
    if data_dir is None:
        parts, source = _from_keras()
    else:
        parts = [_read_part(Path(data_dir), *names) for names in PARTS]
        source = "MNIST, IDX files"
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts))
    return ImageSet(images[..., np.newaxis], labels.astype(np.int64), tuple("0123456789"), source)


def _from_keras():
    try:
        return keras.datasets.mnist.load_data(), "MNIST, Keras's copy"
    except Exception as error:  # Keras wraps network errors in bare Exception.
        raise UserError(
            "MNIST is not in Keras's cache and cannot be downloaded "
            f"({' '.join(str(error).split())}); put {', '.join(FILE_NAMES)} (plain or .gz) into a "
            "directory and name it with --data_dir") from None


def _read_part(directory, images_name, labels_name):
    images_path, labels_path = _find(directory, images_name), _find(directory, labels_name)
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


def _find(directory, name):
    if not directory.is_dir():
        raise UserError(f"--data_dir is {str(directory)!r}, which is no directory; expected one with "
                        f"{', '.join(FILE_NAMES)} (plain or .gz)")
    # Some mirrors write train-images.idx3-ubyte.
    for candidate in (name, f"{name}.gz", name.replace("-idx", ".idx")):
        if (directory / candidate).is_file():
            return directory / candidate
    raise UserError(f"{directory} has no {name}; expected {', '.join(FILE_NAMES)} (plain or .gz)")


def read_idx(path, magic):
    """Reads one IDX file of bytes.

    Args:
        path: the file; gzipped when its name ends in `.gz`.
        magic: the number it must start with: 2051 for images, 2049 for labels.

    Returns:
        uint8 array of the shape that the header states.

    Raises:
        UserError: the file cannot be read, starts with another number or has another length than its
            header states.
    """
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} cannot be read: {error}; expected an IDX file") from None
    ndim = magic % 256
    header = 4 * (1 + ndim)
    found = struct.unpack(">I", content[:4])[0] if len(content) >= 4 else None
    if found != magic or len(content) < header:
        raise UserError(f"{path} is no IDX file of the expected kind: it starts with {found}, "
                        f"expected {magic}")
    shape = struct.unpack(f">{ndim}I", content[4:header])
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise UserError(f"{path} holds {len(content)} bytes; its header states {expected}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)

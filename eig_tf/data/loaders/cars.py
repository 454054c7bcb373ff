"""3D Cars: `car_NNN_mesh.mat`, 96 renders of each car in one file (section 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import scipy.io
from ml_collections import config_dict
from PIL import Image

from eig_tf.data import class_sets, pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import first_few
from eig_tf.errors import UserError

DECODER_VERSION = 1
KEY = "im"
# In MATLAB's order: rows, columns, colours, azimuths, elevations.
SHAPE = (128, 128, 3, 24, 4)
NUM_RENDERS = 24 * 4
_NAME = re.compile(r"car_([0-9]{3})_mesh\.mat")
_HDF5 = b"\x89HDF\r\n\x1a\n"
# MATLAB puts the signature after 512 bytes of its own; plain HDF5 files start with it.
_HDF5_OFFSETS = (0, 512)


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List the cars of a class set.

    Args:
        directory: directory of the files `car_NNN_mesh.mat`.
        config: its `data` is used, and its `seed` for random class sets.

    Returns:
        One file for each class, whose name is the id, such as `001`. Every render stands for itself: the
        paper's imbalance takes some renders of a car (supplement 5.2).

    Raises:
        UserError: there are no such files, or the class set has ids that were not found.
    """
    ids, _ = _find_cars(directory)
    if not ids:
        raise UserError(f"{directory} holds no files named car_NNN_mesh.mat; expected those of 3D Cars, see "
                        "docs/datasets.md")
    chosen = class_sets.choose_classes(config.data.class_set, ids, config.dataset, config.seed)
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(f"car_{name}_mesh.mat", label, None) for label, name in enumerate(chosen)),
        class_names=tuple(chosen), source=f"3D Cars, {directory}",
        decode=lambda path, entry: resize_renders(read_renders(path), size, channels),
        options={"image_size": size, "channels": channels}, version=DECODER_VERSION,
        images_per_file=NUM_RENDERS)


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a directory contains and lacks; see `eig_tf.data.loaders`."""
    ids, others = _find_cars(directory)
    lines = [f"{len(ids)} files named car_NNN_mesh.mat" + (f", {ids[0]} to {ids[-1]}" if ids else "")]
    if others:
        lines.append(f"{len(others)} other names, which are ignored: {first_few(others)}")
    return [*lines, *class_sets.check_paper_class_sets(ids, config.dataset)]


def read_renders(path: Path) -> np.ndarray:
    """Read the renders of one car, from a file of MATLAB 5 or MATLAB 7.3 (HDF5).

    Args:
        path: the file.

    Returns:
        uint8 [96, 128, 128, 3], RGB; render 24 e + a has azimuth a and elevation e.

    Raises:
        UserError: the file has another format, is damaged or does not hold `im` of the expected type.
            Since one car is a whole class, none is left out.
    """
    with open(path, "rb") as file:
        head = file.read(_HDF5_OFFSETS[-1] + len(_HDF5))
    if any(head[offset:offset + len(_HDF5)] == _HDF5 for offset in _HDF5_OFFSETS):
        read_array = _read_hdf5
    elif head.startswith(b"MATLAB 5.0"):
        read_array = _read_matlab5
    else:
        raise UserError(f"{path} starts with {head[:10]!r}; expected a MATLAB 5 or 7.3 file")
    try:
        images = read_array(path)
    except UserError:
        raise
    except Exception as error:  # Both readers raise exceptions of any type for damaged files.
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"{path} is truncated or damaged ({reason}); expected a MATLAB file with the array "
                        f"{KEY!r}") from None
    return images.transpose(4, 3, 0, 1, 2).reshape(NUM_RENDERS, *SHAPE[:3])


def resize_renders(renders: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Resize renders, with antialiasing.

    Args:
        renders: uint8 [n, H, W, 3] with H = W.
        size: S.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        uint8 [n, S, S, C].
    """
    mode = {1: "L", 3: "RGB"}[channels]
    return np.stack([pictures.fit(Image.fromarray(render).convert(mode), size) for render in renders])


def _find_cars(directory: Path) -> tuple[list[str], list[str]]:
    """Return the ids of the cars, and the other names that are not hidden, both sorted."""
    names = sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
    matches = {name: _NAME.fullmatch(name) for name in names}
    return ([match[1] for match in matches.values() if match],
            [name for name, match in matches.items() if not match])


def _read_matlab5(path: Path) -> np.ndarray:
    _check_arrays(path, {name: (kind, shape) for name, shape, kind in scipy.io.whosmat(path)})
    return scipy.io.loadmat(path, variable_names=[KEY])[KEY]


def _read_hdf5(path: Path) -> np.ndarray:
    with h5py.File(path, "r") as file:
        # HDF5 lists the axes from the slowest to the fastest, MATLAB in reverse order.
        _check_arrays(path, {name: (str(item.dtype), item.shape[::-1]) if isinstance(item, h5py.Dataset)
                             else ("a group", ()) for name, item in file.items()})
        return file[KEY][()].T


def _check_arrays(path: Path, found: Mapping[str, tuple[str, tuple[int, ...]]]) -> None:
    """Check types and shapes that a file states, before any array is read."""
    if KEY not in found:
        raise UserError(f"{path} holds {', '.join(found) or 'no arrays'}; expected the array {KEY!r}")
    kind, shape = found[KEY]
    if (kind, tuple(shape)) != ("uint8", SHAPE):
        raise UserError(f"{path}: {KEY!r} is {kind} {list(shape)}; expected uint8 {list(SHAPE)}")

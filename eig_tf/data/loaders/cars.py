"""3D Cars: `car_NNN_mesh.mat`, one file a car with its 96 views (section 4)."""

import re

import h5py
import numpy as np
import scipy.io
from PIL import Image

from eig_tf.data import pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.loaders import class_sets
from eig_tf.errors import UserError

KEY = "im"
# As MATLAB shows it: rows, columns, colours, azimuths, elevations.
SHAPE = (128, 128, 3, 24, 4)
NUM_VIEWS = 24 * 4
_NAME = re.compile(r"car_([0-9]{3})_mesh\.mat")
_HDF5 = b"\x89HDF\r\n\x1a\n"
# Where MATLAB puts the signature, after 512 bytes of its own; plain HDF5 starts with it.
_HDF5_OFFSETS = (0, 512)
_NAMED = 5


def list_files(directory, config):
    """Lists the cars of a class set.

    Args:
        directory: `Path` of the directory with the files `car_NNN_mesh.mat`.
        config: see `eig_tf.config`; its `data.class_set`, image size and channels, and its seed count.

    Returns:
        A `Listing` of one file a class, named by its id, `001`. Every view stands for itself: the
        paper's imbalance takes some views of a car (supplement 5.2).

    Raises:
        UserError: there are no such files, or the class set does not go with them.
    """
    ids, _ = _find(directory)
    if not ids:
        raise UserError(f"{directory} holds no files named car_NNN_mesh.mat; expected those of 3D Cars, see "
                        "docs/datasets.md")
    chosen = class_sets.choose(config.data.class_set, ids, config.dataset, config.seed)
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(f"car_{name}_mesh.mat", label, None) for label, name in enumerate(chosen)),
        class_names=tuple(chosen), source=f"3D Cars, {directory}",
        decode=lambda path, entry: resize_views(read_views(path), size, channels),
        options={"image_size": size, "channels": channels}, loader=__name__)


def check(directory, config):
    """What a directory holds and lacks of 3D Cars.

    Args:
        directory: `Path` of an existing directory.
        config: see `list_files`.

    Returns:
        Lines for people.
    """
    ids, strangers = _find(directory)
    lines = [f"{len(ids)} files named car_NNN_mesh.mat" + (f", {ids[0]} to {ids[-1]}" if ids else "")]
    if strangers:
        more = f" and {len(strangers) - _NAMED} more" if len(strangers) > _NAMED else ""
        some = ", ".join(strangers[:_NAMED])
        lines.append(f"{len(strangers)} other names, which are ignored: {some}{more}")
    return [*lines, *class_sets.describe(ids, config.dataset)]


def read_views(path):
    """Reads the views of one car, from MATLAB 5 or MATLAB 7.3 (HDF5).

    Args:
        path: `Path` of the file.

    Returns:
        uint8 [96, 128, 128, 3], RGB; view 24 e + a is azimuth a at elevation e.

    Raises:
        UserError: the file is neither, is damaged or holds other than `im` of the expected kind. One
            car is a whole class, so none is left out.
    """
    with open(path, "rb") as file:
        head = file.read(_HDF5_OFFSETS[-1] + len(_HDF5))
    if any(head[offset:offset + len(_HDF5)] == _HDF5 for offset in _HDF5_OFFSETS):
        read = _read_hdf5
    elif head.startswith(b"MATLAB 5.0"):
        read = _read_matlab5
    else:
        raise UserError(f"{path} starts with {head[:10]!r}; expected a MATLAB 5 or 7.3 file")
    try:
        images = read(path)
    except UserError:
        raise
    except Exception as error:  # Both readers raise whatever a damaged file makes them stumble on.
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"{path} is truncated or damaged ({reason}); expected a MATLAB file with the array "
                        f"{KEY!r}") from None
    return images.transpose(4, 3, 0, 1, 2).reshape(NUM_VIEWS, *SHAPE[:3])


def resize_views(views, size, channels):
    """Makes views smaller, smoothing as they shrink.

    Args:
        views: uint8 [n, H, W, 3] with H = W.
        size: S.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        uint8 [n, S, S, C].
    """
    mode = {1: "L", 3: "RGB"}[channels]
    return np.stack([pictures.fit(Image.fromarray(view).convert(mode), size) for view in views])


def _find(directory):
    """Ids of the cars in a directory, and the names of all else that is not hidden; both sorted."""
    names = sorted(path.name for path in directory.iterdir() if not path.name.startswith("."))
    matches = {name: _NAME.fullmatch(name) for name in names}
    return ([match[1] for match in matches.values() if match],
            [name for name, match in matches.items() if not match])


def _read_matlab5(path):
    found = {name: (kind, shape) for name, shape, kind in scipy.io.whosmat(path)}
    _check(path, found)
    return scipy.io.loadmat(path, variable_names=[KEY])[KEY]


def _read_hdf5(path):
    with h5py.File(path, "r") as file:
        # HDF5 lists the axes from the slowest to the fastest, MATLAB the other way round.
        found = {name: (str(item.dtype), item.shape[::-1]) if isinstance(item, h5py.Dataset)
                 else ("a group", ()) for name, item in file.items()}
        _check(path, found)
        return file[KEY][()].T


def _check(path, found):
    """Compares what a file says it holds, {name: (type, shape)}, before any of it is read."""
    if KEY not in found:
        raise UserError(f"{path} holds {', '.join(found) or 'no arrays'}; expected the array {KEY!r}")
    kind, shape = found[KEY]
    if (kind, tuple(shape)) != ("uint8", SHAPE):
        raise UserError(f"{path}: {KEY!r} is {kind} {list(shape)}; expected uint8 {list(SHAPE)}")

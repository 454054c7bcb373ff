"""Reading the files that Keras keeps weights in, without building the model that wrote them."""

import contextlib
import io
import json
import re
import zipfile
from pathlib import Path

import h5py
import numpy as np

from eig_tf.errors import UserError

_INSIDE_ARCHIVE = "model.weights.h5"


def read(path):
    """Reads the weights of every layer in a file.

    Args:
        path: a file that `save_weights` or `save` wrote: HDF5 (`.h5`), the format of `.weights.h5`, or a
            `.keras` archive. What it is decides, not its name.

    Returns:
        Layer name to its arrays in Keras's order, float32. Files of `.weights.h5` number the layers of
        each class instead: `conv2d`, `conv2d_1`.

    Raises:
        UserError: the file is missing, damaged or of another kind, or holds values that are not finite.
    """
    if not Path(path).is_file():
        raise UserError(f"--pretrained_weights is {str(path)!r}, which is no file; expected one of Keras "
                        "weights, .h5, .weights.h5 or .keras")
    try:
        with _open(path) as (file, names):
            layers = _read_layers(file) if _is_old(file) else _read_numbered(file, names)
        if not layers:
            raise ValueError("it holds no weights")
        for name, arrays in layers.items():
            if not all(np.all(np.isfinite(array)) for array in arrays):
                raise ValueError(f"layer {name} has values that are not finite")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError,
            zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"--pretrained_weights is {str(path)!r}, which cannot be read: {reason}; expected a "
                        "file of Keras weights, .h5, .weights.h5 or .keras") from None
    return layers


@contextlib.contextmanager
def _open(path):
    """Yields the HDF5 file and the layer names that an archive adds to it, by path inside the file."""
    if not zipfile.is_zipfile(path):
        with h5py.File(path, "r") as file:
            yield file, {}
        return
    with zipfile.ZipFile(path) as archive:
        names = _names(json.loads(archive.read("config.json"))["config"].get("layers", []), "")
        content = io.BytesIO(archive.read(_INSIDE_ARCHIVE))
    with h5py.File(content, "r") as file:
        yield file, names


def _names(layers, prefix):
    """Path of each layer in the HDF5 file of an archive to its name."""
    names, seen = {}, {}
    for layer in layers:
        kind = _snake_case(layer["class_name"])
        number = seen[kind] = seen.get(kind, -1) + 1
        path = f"{prefix}layers/{kind}" + (f"_{number}" if number else "")
        names[path] = layer["config"]["name"]
        names.update(_names(layer["config"].get("layers", []), path + "/"))
    return names


def _snake_case(name):
    # As Keras names them: BatchNormalization -> batch_normalization, Conv2D -> conv2d.
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _is_old(file):
    return "layer_names" in file.attrs or "model_weights" in file


def _read_layers(file):
    root = file.get("model_weights", file)
    layers = {}
    for layer in map(_text, root.attrs["layer_names"]):
        paths = [_text(path) for path in root[layer].attrs["weight_names"]]
        owners = {path.rpartition("/")[0] for path in paths}
        for path in paths:
            # The weights of a model within the model are those of its layers.
            owner = path.rpartition("/")[0] if len(owners) > 1 else layer
            layers.setdefault(owner, []).append(_array(root[layer][path]))
    return layers


def _read_numbered(file, names):
    found = {}

    def visit(path, item):
        layer, separator, number = path.rpartition("/vars/")
        if separator and isinstance(item, h5py.Dataset):
            found.setdefault(layer, {})[int(number)] = _array(item)

    file.visititems(visit)
    return {names.get(layer, layer.rpartition("/")[2]): [arrays[number] for number in sorted(arrays)]
            for layer, arrays in found.items() if not layer.startswith("optimizer")}


def _array(dataset):
    return np.asarray(dataset[()], dtype=np.float32)


def _text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else value

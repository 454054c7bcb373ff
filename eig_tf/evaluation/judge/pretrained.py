"""Starting a ResNet-50 from weights of other images, such as ImageNet or VGGFace2 (supplement 4.3)."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from tensorflow import keras

from eig_tf.data.names import first_few
from eig_tf.errors import UserError
from eig_tf.networks.classifiers import BACKBONE

_EXPECTED = "expected a file of Keras weights, .h5, .weights.h5 or .keras"
# Names of the VGGFace2 port of keras-vggface and of Keras before 2.3, and the number of each part of a block
# in the names of keras.applications today.
_VGGFACE = re.compile(r"conv(\d)_(\d)_(1x1_proj|1x1_reduce|3x3|1x1_increase)(/bn)?")
_VGGFACE_PARTS = {"1x1_proj": 0, "1x1_reduce": 1, "3x3": 2, "1x1_increase": 3}
_EARLIER = re.compile(r"(res|bn)(\d)([a-f])_branch(1|2a|2b|2c)")
_EARLIER_PARTS = {"1": 0, "2a": 1, "2b": 2, "2c": 3}
_FIRST = {"conv1/7x7_s2": "conv1_conv", "conv1/7x7_s2/bn": "conv1_bn", "conv1": "conv1_conv",
          "bn_conv1": "conv1_bn"}


def load_pretrained_weights(model: keras.Model, path: str | os.PathLike) -> dict[str, Any]:
    """Load weights of a file into a judge's ResNet-50, and print how many of its layers they fit.

    Args:
        model: what `networks.classifiers.resnet50` returned.
        path: a file that Keras wrote, `.h5`, `.weights.h5` or `.keras`, whatever its suffix. Its layers have
            the names of `keras.applications`, today's or those before Keras 2.3, or of keras-vggface
            (`.weights.h5` has no names). The top of the network is not used.

    Returns:
        The file's name and the number of layers that it fits, for the judge's report.

    Raises:
        UserError: the file cannot be read, holds values that are not finite, or fits fewer than half of the
            ResNet-50's layers.
    """
    backbone = model.get_layer(BACKBONE)
    layers = [layer for layer in backbone.layers if layer.weights]
    found = _read_weights(path, backbone)
    matched = [layer for layer in layers if layer.name in found and _fits(layer, found[layer.name])]
    if 2 * len(matched) < len(layers):
        raise UserError(f"--pretrained_weights is {str(path)!r}, which fits {len(matched)} of the "
                        f"ResNet-50's {len(layers)} layers; expected at least half of them, named as in "
                        "keras.applications or keras-vggface")
    for layer in matched:
        # Convolutions of keras-vggface have no biases; they stay zero, since batch normalization follows.
        layer.set_weights(found[layer.name] + layer.get_weights()[len(found[layer.name]):])
    name = Path(path).name
    others = first_few(layer.name for layer in layers if layer not in matched)
    print(f"pretrained weights: {len(matched)} of the ResNet-50's {len(layers)} layers are from {name}"
          + (f"; not in the file or of another shape: {others}" if others else ""), flush=True)
    return {"pretrained_weights": name, "pretrained_layers": len(matched)}


def file_digest(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file, hexadecimal.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"--pretrained_weights is {str(path)!r}, which cannot be read: {error.strerror}; "
                        f"{_EXPECTED}") from None


def _fits(layer: keras.layers.Layer, arrays: list[np.ndarray]) -> bool:
    expected = [tuple(weight.shape) for weight in layer.weights]
    fewest = 1 if isinstance(layer, keras.layers.Conv2D) else len(expected)
    shapes = [array.shape for array in arrays]
    return fewest <= len(shapes) and shapes == expected[:len(shapes)]


def _read_weights(path: str | os.PathLike, backbone: keras.Model) -> dict[str, list[np.ndarray]]:
    """Return the arrays of each layer in a file, by the name that `keras.applications` gives it today."""
    try:
        if zipfile.is_zipfile(path):
            layers = keras.models.load_model(path, compile=False).submodules
            found = {layer.name: layer.get_weights() for layer in layers
                     if isinstance(layer, keras.layers.Layer) and not isinstance(layer, keras.Model)}
        else:
            with h5py.File(path, "r") as file:
                root = file.get("model_weights", file)
                found = _read_named(root) if "layer_names" in root.attrs else _read_numbered(file, backbone)
        if not found:
            raise ValueError("it holds no weights")
        for name, arrays in found.items():
            if not all(np.isfinite(array).all() for array in arrays):
                raise ValueError(f"layer {name} has values that are not finite")
    except Exception as error:  # Keras and h5py raise whatever a damaged file leads to.
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"--pretrained_weights is {str(path)!r}, which cannot be read: {reason}; "
                        f"{_EXPECTED}") from None
    return {_name_today(name): arrays for name, arrays in found.items()}


def _read_named(root: h5py.Group) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = {}
    for layer in root.attrs["layer_names"]:
        weights = [_text(weight) for weight in root[_text(layer)].attrs["weight_names"]]
        owners = [weight.rpartition("/")[0] for weight in weights]
        for weight, owner in zip(weights, owners):
            # The weights of a model inside the model are those of its own layers.
            name = owner if len(set(owners)) > 1 else _text(layer)
            found.setdefault(name, []).append(np.asarray(root[_text(layer)][weight], np.float32))
    return found


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value


def _read_numbered(file: h5py.File, backbone: keras.Model) -> dict[str, list[np.ndarray]]:
    """Read a `.weights.h5`, which numbers the layers of each kind instead: `conv2d`, `conv2d_1`."""
    found: dict[str, dict[int, np.ndarray]] = {}

    def visit(path: str, item: h5py.Group | h5py.Dataset) -> None:
        layer, separator, number = path.rpartition("/vars/")
        if separator and isinstance(item, h5py.Dataset):
            found.setdefault(layer.rpartition("/")[2], {})[int(number)] = np.asarray(item, np.float32)

    file.visititems(visit)
    names = {}
    for kind, layer_class in (("conv2d", keras.layers.Conv2D),
                              ("batch_normalization", keras.layers.BatchNormalization)):
        for number, layer in enumerate(layer for layer in backbone.layers if isinstance(layer, layer_class)):
            names[f"{kind}_{number}" if number else kind] = layer.name
    return {names[layer]: [arrays[number] for number in sorted(arrays)]
            for layer, arrays in found.items() if layer in names}


def _name_today(name: str) -> str:
    if name in _FIRST:
        return _FIRST[name]
    if match := _VGGFACE.fullmatch(name):
        stage, block, part, norm = match.groups()
        return f"conv{stage}_block{block}_{_VGGFACE_PARTS[part]}_{'bn' if norm else 'conv'}"
    if match := _EARLIER.fullmatch(name):
        kind, stage, block, part = match.groups()
        number = ord(block) - ord("a") + 1
        return f"conv{stage}_block{number}_{_EARLIER_PARTS[part]}_{'bn' if kind == 'bn' else 'conv'}"
    return name

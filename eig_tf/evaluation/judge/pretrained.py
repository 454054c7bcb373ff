"""Starting a ResNet-50 from weights of other images, such as ImageNet or VGGFace2 (supplement 4.3)."""

import hashlib
import re
from pathlib import Path

from tensorflow import keras

from eig_tf.errors import UserError
from eig_tf.evaluation.judge import weights_files
from eig_tf.networks.classifiers import BACKBONE

# How many layers a sentence names before it only counts them.
_NAMED = 4
_READ = 1 << 20
# Names in the VGGFace2 port of keras-vggface and in Keras before 2.3, and how Keras numbers the parts of a
# block today.
_VGGFACE = re.compile(r"conv(\d)_(\d)_(1x1_proj|1x1_reduce|3x3|1x1_increase)(/bn)?")
_VGGFACE_PARTS = {"1x1_proj": 0, "1x1_reduce": 1, "3x3": 2, "1x1_increase": 3}
_EARLIER = re.compile(r"(res|bn)(\d)([a-f])_branch(1|2a|2b|2c)")
_EARLIER_PARTS = {"1": 0, "2a": 1, "2b": 2, "2c": 3}
_FIRST = {"conv1/7x7_s2": "conv1_conv", "conv1/7x7_s2/bn": "conv1_bn", "conv1": "conv1_conv",
          "bn_conv1": "conv1_bn"}


def load(model, path):
    """Gives the ResNet-50 of a classifier the weights of a file, and prints what was and was not taken.

    Args:
        model: what `networks.classifiers.resnet50` returns.
        path: see `weights_files.read`; layers have the names of `keras.applications`, today's or those
            before Keras 2.3, or of keras-vggface. The file's top is left out.

    Returns:
        The file's name and the number of layers taken, a dict for the classifier's report.

    Raises:
        UserError: the file cannot be read, or fewer than half of the ResNet-50's layers find weights in it.
    """
    backbone = model.get_layer(BACKBONE)
    layers = [layer for layer in backbone.layers if layer.weights]
    found = _by_name(weights_files.read(path), layers)
    taken = [layer for layer in layers if _fits(layer, found.get(layer.name))]
    name = Path(path).name
    if 2 * len(taken) < len(layers):
        raise UserError(f"--pretrained_weights is {str(path)!r}, where {len(taken)} of the ResNet-50's "
                        f"{len(layers)} layers find weights; expected at least half of them, by the names "
                        "that keras.applications or keras-vggface gives")
    for layer in taken:
        # Files of keras-vggface have no biases, which stay at zero: batch normalization follows.
        layer.set_weights(found[layer.name] + layer.get_weights()[len(found[layer.name]):])
    share = f"{len(taken)} of the ResNet-50's {len(layers)} layers"
    print("; ".join([f"pretrained weights: {share} are from {name}", *_left_out(layers, found)]), flush=True)
    return {"pretrained_weights": name, "pretrained_layers": len(taken)}


def digest(path):
    """SHA-256 of a file, hexadecimal.

    Raises:
        UserError: there is no such file.
    """
    content = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while part := file.read(_READ):
                content.update(part)
    except OSError as error:
        raise UserError(f"--pretrained_weights is {str(path)!r}, which cannot be read: {error.strerror}; "
                        "expected a file of Keras weights, .h5, .weights.h5 or .keras") from None
    return content.hexdigest()


def _by_name(found, layers):
    """Arrays of the file by the names that `keras.applications` gives today."""
    numbered = _numbered(layers)
    named = {}
    for name, arrays in found.items():
        named.setdefault(numbered.get(name) or _todays_name(name), arrays)
    return named


def _todays_name(name):
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


def _numbered(layers):
    """What a `.weights.h5` of the same ResNet-50 calls each layer, to its name."""
    kinds = {"conv2d": keras.layers.Conv2D, "batch_normalization": keras.layers.BatchNormalization}
    return {kind + (f"_{number}" if number else ""): layer.name
            for kind, class_ in kinds.items()
            for number, layer in enumerate(layer for layer in layers if isinstance(layer, class_))}


def _fits(layer, arrays):
    if arrays is None:
        return False
    expected = [tuple(weight.shape) for weight in layer.weights]
    fewest = 1 if isinstance(layer, keras.layers.Conv2D) else len(expected)
    shapes = [array.shape for array in arrays]
    return fewest <= len(shapes) and shapes == expected[:len(shapes)]


def _left_out(layers, found):
    """Clauses on the layers that find nothing, those of another shape, and what the file has besides."""
    missing = [layer.name for layer in layers if layer.name not in found]
    names = {layer.name for layer in layers}
    misfits = [f"{layer.name} {_shapes(found[layer.name])} instead of {_shapes(layer.weights)}"
               for layer in layers if layer.name in found and not _fits(layer, found[layer.name])]
    besides = [f"{name} {_shapes(arrays)}" for name, arrays in found.items() if name not in names]
    return [f"{what}: {_list(items)}" for what, items in (
        ("not in the file", missing), ("of another shape", misfits), ("in the file, but not used", besides))
        if items]


def _shapes(arrays):
    return " ".join("x".join(map(str, array.shape)) for array in arrays)


def _list(items):
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more

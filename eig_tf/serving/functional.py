"""Networks in inference mode as functional Keras models of Keras's own layers.

The networks are subclasses with custom layers, which cannot be loaded without this package. Here their
`call` runs once on symbolic tensors, with a layer of Keras instead of each custom layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.networks.blocks import GhostBatchNormalization, UpsampledConv
from eig_tf.networks.precision import policy


def functional_networks(model: GenerativeModel,
                        category_network: keras.Model | None = None) -> dict[str, keras.Model]:
    """Copy the inference networks of a model.

    Args:
        model: K codes, noise of size Z, C continuous codes, features of size F.
        category_network: the network of M categories, see `build_categorizer`; None for none.

    Returns:
        Models between dictionaries of tensors, in float32 whatever the policy:

        * `generator`: `code` [N, K], `noise` [N, Z] when Z > 0, `continuous` [N, C] when C > 0 -> `images`
          [N, H, W, channels] in [0, 1];
        * `categorizer`: `images` -> `probabilities` [N, K], their arg max `code`, int32 [N], and `feature`
          [N, F]; with categories also `category_probabilities` [N, M] and their arg max `category`, int32
          [N].
    """
    with policy("float32"):
        networks = {name: _plain(network, name) for name, network in model.inference_networks().items()}
        return {"generator": _generator(model, networks),
                "categorizer": _categorizer(model, networks, category_network)}


def _generator(model, networks):
    sizes = {"code": model.num_codes, "noise": model.noise_dim, "continuous": model.num_continuous}
    inputs = {name: keras.Input([size], name=name) for name, size in sizes.items() if size}
    nothing = inputs["code"][:, :0]
    images = model.generate_with(networks, Latents(**{name: inputs.get(name, nothing) for name in sizes}))
    outputs = {"images": keras.layers.Rescaling(0.5, 0.5, name="images")(images)}
    return keras.Model(inputs, outputs, name="generator")


def _categorizer(model, networks, category_network):
    images = keras.Input(model.image_shape, name="images")
    rescaled = keras.layers.Rescaling(2.0, -1.0, name="to_range")(images)
    encoding = model.encode_with(networks, rescaled)
    outputs = {"probabilities": keras.layers.Softmax(name="probabilities")(encoding.code_logits),
               "code": tf.argmax(encoding.code_logits, axis=-1, output_type=tf.int32),
               "feature": encoding.features}
    if category_network is not None:
        _, logits = category_network(rescaled, training=False)
        outputs["category_probabilities"] = keras.layers.Softmax(name="category_probabilities")(logits)
        outputs["category"] = tf.argmax(logits, axis=-1, output_type=tf.int32)
    return keras.Model({"images": images}, outputs, name="categorizer")


def _plain(layer, name):
    """Return a function that computes what a layer does in inference mode, by layers of Keras."""
    if isinstance(layer, GhostBatchNormalization):
        return _copy(keras.layers.BatchNormalization, layer, name)
    if isinstance(layer, UpsampledConv):
        return _transposed_conv(layer, name)
    if type(layer).__module__.split(".")[0] == "keras":
        return _copy(type(layer), layer, name)
    # `call` runs on an object of the same class whose layers are replaced; the original stays as it is.
    stand_in = object.__new__(type(layer))
    for attribute, value in vars(layer).items():
        # Keras's own lists of the layers.
        if not attribute.startswith("_self_"):
            value = _plain_parts(value, f"{name}_{attribute}")
        vars(stand_in)[attribute] = value
    return lambda inputs, **_: type(layer).call(stand_in, inputs)


def _plain_parts(value, name):
    if isinstance(value, keras.layers.Layer):
        return _plain(value, name)
    if isinstance(value, (list, tuple)):
        return [_plain_parts(part, f"{name}_{number}") for number, part in enumerate(value)]
    return value


def _copy(layer_class: Any, layer: keras.layers.Layer, name: str) -> Any:
    config = {**layer.get_config(), "name": name, "dtype": "float32"}
    if "kernel_initializer" in config:
        # Drawing kernels takes seconds, here and wherever the copy is loaded, and is followed by the weights.
        config["kernel_initializer"] = "zeros"
    return _with_weights(layer_class.from_config(config), layer.get_weights())


def _transposed_conv(layer, name):
    """Return the transposed convolution that an `UpsampledConv` is equal to."""
    kernel = np.transpose(layer.get_weights()[0][::-1, ::-1], [0, 1, 3, 2])
    shifted = [np.pad(kernel, [[down, 1 - down], [right, 1 - right], [0, 0], [0, 0]])
               for down in (0, 1) for right in (0, 1)]
    copy = keras.layers.Conv2DTranspose(
        layer.filters, 4, strides=2, padding="same", use_bias=False, kernel_initializer="zeros", name=name)
    return _with_weights(copy, [sum(shifted)])


def _with_weights(layer, weights):
    def apply(inputs, **_):
        outputs = layer(inputs)
        layer.set_weights(weights)
        return outputs
    return apply

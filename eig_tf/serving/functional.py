"""Networks in inference mode as functional Keras models, made of what Keras itself can load.

The networks are subclasses with layers of their own, which nothing can load without this package. Here
their `call` runs once over symbolic tensors, with a layer of Keras in the place of each of theirs.
"""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow import keras

from eig_tf.models.base import Latents
from eig_tf.networks.blocks import GhostBatchNormalization, UpsampledConv
from eig_tf.networks.precision import policy


class Functional(NamedTuple):
    """The networks that infer, each from a dictionary of tensors to another.

    Attributes:
        generator: `code` [N, K], `noise` [N, Z] and, when C > 0, `continuous` [N, C] -> `images`
            [N, H, W, channels] in [0, 1], those of the last stage.
        categorizer: `images` -> `probabilities` [N, K], their arg max `code`, int32 [N], and `feature`
            [N, 128], as the last stage's Q has them.
    """

    generator: keras.Model
    categorizer: keras.Model


def functional(model):
    """Copies the networks that infer.

    Args:
        model: an `InfoGAN`: K codes, C continuous codes, noise of size Z. The averaged generator is
            copied where it has one.

    Returns:
        `Functional`, in float32 whatever the policy.
    """
    with policy("float32"):
        generator = _generator(model)
        return Functional(generator, _categorizer(model, generator.output_shape["images"][1:]))


def _generator(model):
    inputs = {"code": keras.Input([model.num_codes], name="code"),
              "noise": keras.Input([model.noise_dim], name="noise")}
    if model.num_continuous:
        inputs["continuous"] = keras.Input([model.num_continuous], name="continuous")
    none = inputs["noise"][:, :0]
    latents = Latents(inputs["noise"], inputs["code"], inputs.get("continuous", none))
    images = model.generate_with(_plain_networks(model), latents)
    return keras.Model(
        inputs, {"images": keras.layers.Rescaling(0.5, 0.5, name="images")(images)}, name="generator")


def _categorizer(model, image_shape):
    images = keras.Input(image_shape, name="images")
    in_range = keras.layers.Rescaling(2.0, -1.0, name="to_range")(images)
    feature, logits, _ = model.encode_with(_plain_networks(model), in_range)
    outputs = {"probabilities": keras.layers.Softmax(name="probabilities")(logits),
               "code": tf.argmax(logits, axis=-1, output_type=tf.int32),
               "feature": feature}
    return keras.Model({"images": images}, outputs, name="categorizer")


def _plain_networks(model):
    return {name: _plain(network, name) for name, network in model.inference_networks().items()}


def _plain(layer, name):
    """What does the same as a layer in inference mode, through layers of Keras: a function."""
    if isinstance(layer, GhostBatchNormalization):
        return _copy(keras.layers.BatchNormalization, layer, name)
    if isinstance(layer, UpsampledConv):
        return _transposed(layer, name)
    if type(layer).__module__.startswith("eig_tf."):
        parts = SimpleNamespace(**{part: _plain_parts(value, f"{name}_{part}")
                                   for part, value in vars(layer).items() if not part.startswith("_")})
        return lambda inputs, **_: type(layer).call(parts, inputs)
    return _copy(type(layer), layer, name)


def _plain_parts(value, name):
    if isinstance(value, keras.layers.Layer):
        return _plain(value, name)
    if isinstance(value, (list, tuple)):
        return [_plain_parts(part, f"{name}_{number}") for number, part in enumerate(value)]
    return value


def _copy(layer_class, layer, name):
    config = {**layer.get_config(), "name": name, "dtype": "float32"}
    if "kernel_initializer" in config:
        # Drawing kernels takes seconds, here and wherever the copy is loaded, and the weights follow.
        config["kernel_initializer"] = "zeros"
    return _with_weights(layer_class.from_config(config), layer.get_weights())


def _transposed(layer, name):
    """The transposed convolution that an `UpsampledConv` equals."""
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

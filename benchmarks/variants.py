"""The training step as the package has it, and as it would be without what makes it fast."""

from typing import Any, Callable, NamedTuple

import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from eig_tf.models.optimizers import adam
from eig_tf.models.registry import build_model
from eig_tf.networks.precision import policy


class Variant(NamedTuple):
    """One row of the table of steps.

    Attributes:
        name: what tells it from the other rows.
        config: see `eig_tf.config`.
        precision: Keras's policy, `float32` or `mixed_bfloat16`.
        optimizer: (learning rate, beta_1) -> optimizer.
        step: (model, (images, views)) -> None or losses; one training step.
    """

    name: str
    config: config_dict.ConfigDict
    precision: str
    optimizer: Callable[[float, float], Any]
    step: Callable[[keras.Model, Any], Any]


def keras_adam(learning_rate, beta_1):
    """The Adam that `keras.optimizers.Adam` names since Keras 2.11: many small ops, no fused kernel."""
    return keras.optimizers.Adam(learning_rate, beta_1=beta_1, epsilon=1e-8)


def one_pass_step(model, data):
    """The package's own step."""
    return model.train_step(data)


def two_pass_step(model, data):
    """The step as usually written: the generator makes the same batch anew for the second phase."""
    images, views = data
    num, seed = tf.shape(images)[0], model.step_seed()
    generated = model.generator(model.sample_latents(num, seed), training=True)
    real_activations = model.discriminator_phase(images, generated)
    with tf.GradientTape() as tape:
        latents = model.sample_latents(num, seed)
        generated = model.generator(latents, training=True)
    model.generator_phase(tape, latents, generated, images, views, real_activations)
    model.update_average()


def step_variants(config, precision, everything=False):
    """The rows of the table, the reference first.

    Args:
        config: see `eig_tf.config`.
        precision: the package's own choice on this machine.
        everything: whether rows for information follow: without the contrastive term, and with the
            other gradient routing.

    Returns:
        `Variant`s; `package_variant` picks the one that training uses.
    """
    rows = [
        Variant("two generator passes, Keras Adam, float32", config, "float32", keras_adam, two_pass_step),
        Variant("one generator pass, Keras Adam, float32", config, "float32", keras_adam, one_pass_step),
        Variant("one generator pass, fused Adam, float32", config, "float32", adam, one_pass_step),
    ]
    if precision != "float32":
        rows.append(package_variant(config, precision))
    if everything:
        routing = "head" if config.loss.gradient_routing == "shared" else "shared"
        changes = {f"{routing} routing": {"loss": {"gradient_routing": routing}}}
        if config.method != "gumbel_infogan":
            changes["gumbel_infogan"] = {"method": "gumbel_infogan"}
        for name, change in changes.items():
            changed = config.copy_and_resolve_references()
            changed.update(change)
            rows.append(Variant(f"{name}, fused Adam, {precision}", changed, precision, adam, one_pass_step))
    return rows


def package_variant(config, precision):
    """The step as training does it."""
    return Variant(f"one generator pass, fused Adam, {precision}", config, precision, adam, one_pass_step)


def build(variant, steps_per_execution=1):
    """Builds and compiles the model of a variant under the variant's policy.

    A ground-truth prior is left uniform: its values do not change what a step costs.

    Returns:
        A compiled `InfoGAN`. Keras's global policy is as it was before.
    """
    rates = variant.config.optimizer
    with policy(variant.precision):
        model = build_model(variant.config)
        model.compile(
            discriminator_optimizer=variant.optimizer(rates.learning_rate, rates.beta_1),
            generator_optimizer=variant.optimizer(rates.learning_rate, rates.beta_1),
            prior_optimizer=variant.optimizer(rates.prior_learning_rate, rates.beta_1),
            steps_per_execution=steps_per_execution)
    return model

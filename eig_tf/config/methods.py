"""The methods, those of the paper's table 1 and this project's own, and the network families, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

_NO_DEFAULTS: Mapping[str, Any] = MappingProxyType({})


class Method(NamedTuple):
    """The properties of a method.

    Attributes:
        model: the module of `eig_tf.models` that builds it.
        prior: `learned` (equation 2), `uniform` or `ground_truth` (the split's class fractions).
        contrastive_term: `nt_xent` (equation 3), `positive_pairs` (section 4, baseline v) or None. Only a
            method with such a term is trained on positive views.
        defaults: values of fields that replace those of a data set's preset.
        photograph_defaults: the same, for presets with images larger than 28x28.
        codes_per_category: the default number of codes for each category. Categories are found before the
            last epochs, in which the model follows them (`follow_categories`). 0 for methods whose codes are
            their categories.
        unused: fields, and groups of fields, that a config of the method does not have.
    """

    model: str
    prior: str
    contrastive_term: str | None = None
    defaults: Mapping[str, Any] = _NO_DEFAULTS
    photograph_defaults: Mapping[str, Any] = _NO_DEFAULTS
    codes_per_category: int = 0
    unused: tuple[str, ...] = ("vae", "categories")


class Family(NamedTuple):
    """What a network family fits.

    Attributes:
        models: the modules of `eig_tf.models` that can use the networks.
        image_sizes: sides of the images, in pixels.
        several_stages: whether the generator may have more than one stage.
    """

    models: tuple[str, ...]
    image_sizes: tuple[int, ...]
    several_stages: bool = False


METHODS = {
    "elastic_infogan": Method("infogan", "learned", "nt_xent"),
    "uniform_infogan": Method("infogan", "uniform"),
    "ground_truth_infogan": Method("infogan", "ground_truth"),
    "ground_truth_infogan_ntxent": Method("infogan", "ground_truth", "nt_xent"),
    "gumbel_infogan": Method("infogan", "learned"),
    "gumbel_infogan_pos": Method("infogan", "learned", "positive_pairs"),
    "agglomerative_infogan": Method(
        "infogan", "learned", "nt_xent",
        # With the paper's flat temperature and head routing, the codes of photographs follow brightness.
        photograph_defaults=MappingProxyType({
            "loss.gradient_routing": "contrastive", "loss.contrastive_weight": 1.0,
            "loss.contrastive_temperature": 0.2, "augment.gamma_min": 0.5, "augment.gamma_max": 2.0,
            "categories.guidance_share": 0.33, "categories.contrastive_steps": 600}),
        codes_per_category=3, unused=("vae",)),
    "joint_vae": Method(
        "joint_vae", "uniform",
        defaults=MappingProxyType({
            "networks.width": 1.0, "networks.num_continuous": 10,
            "optimizer.learning_rate": 5e-4, "optimizer.beta_1": 0.9}),
        unused=("loss", "categories", "discriminator_augment", "networks.noise_dim", "networks.stages",
                "networks.batch_statistics",
                "optimizer.prior_learning_rate", "optimizer.ema_decay")),
}

# For each model, the first family that fits the image size is the default.
FAMILIES = {
    "dcgan28": Family(("infogan",), (28,)),
    "stackgan": Family(("infogan",), (32, 64, 128), several_stages=True),
    "joint_vae": Family(("joint_vae",), (28, 32, 64, 128)),
}

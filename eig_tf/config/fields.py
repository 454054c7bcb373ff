"""Every setting of a run: its default, its bounds and its meaning, in one place."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ml_collections import config_dict

from eig_tf.config.methods import FAMILIES, METHODS
from eig_tf.errors import UserError

IMAGE_SIZES = (28, 32, 64, 128)
AUTO_FAMILY = "auto"
# Marks a field that only the presets of some data sets have.
_PRESET_ONLY = object()
_INT32_BOUND = 2**31


class Field(NamedTuple):
    """One setting.

    Attributes:
        name: its place in the config, `GROUP.FIELD`.
        default: the paper's value for MNIST, or `_PRESET_ONLY`.
        description: what it means, with its unit.
        low: smallest value, or None.
        above: value that it must exceed, or None.
        high: largest value, or None.
        below: value that it must stay below, or None.
        choices: the allowed values; all when empty.
        flag: name of its own command-line flag; `--config.GROUP.FIELD` sets it when None.
    """

    name: str
    default: Any
    description: str
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    choices: tuple = ()
    flag: str | None = None


FIELDS = (
    Field("dataset", "", "name of the data set", flag="dataset"),
    Field("preset", "paper", "paper, or cpu for smaller networks", flag="preset"),
    Field("method", "elastic_infogan", "name of the method", choices=tuple(METHODS), flag="method"),
    Field("split", 0, "number of the class-imbalanced split", flag="split"),
    Field("seed", 0, "root of all randomness", low=0, below=_INT32_BOUND, flag="seed"),

    Field("data.imbalance", "paper", "paper, none, or one fraction for each class, such as 0.5,0.3,0.2",
          flag="imbalance"),
    Field("data.class_set", _PRESET_ONLY, "which objects are the classes", flag="class_set"),
    Field("data.image_size", _PRESET_ONLY, "side of the images, pixels", choices=IMAGE_SIZES,
          flag="image_size"),
    Field("data.channels", _PRESET_ONLY, "1 for grey images, 3 for colour", choices=(1, 3)),
    Field("data.resize", _PRESET_ONLY, "crop to the centred square, or pad to one", choices=("crop", "pad"),
          flag="resize"),
    Field("data.stretch_contrast", _PRESET_ONLY, "stretch the brightness of each image to the whole range"),
    Field("data.num_identities", _PRESET_ONLY, "number of people, in alphabetical order", low=2,
          flag="num_identities"),
    Field("data.categories", _PRESET_ONLY, "folder names or synset ids, separated by commas"),
    Field("data.views", _PRESET_ONLY, "renders of each object, the first ones by file name", low=1),
    Field("data.recursive", _PRESET_ONLY, "take the images at any depth, also where folders lie beside them",
          flag="recursive"),
    Field("data.max_unreadable", _PRESET_ONLY, "share of the files that may be left out", low=0, high=1),

    # The positive view delta; see eig_tf.data.augment.
    Field("augment.rotation", 10.0, "degrees either way", low=0),
    Field("augment.zoom", 0.1, "change of size either way, as a share", low=0, below=1),
    Field("augment.flip", False, "mirror images, left to right, with probability 1/2"),
    Field("augment.crop", 1.0, "side of a random crop as a share of the image's; it is resized back", above=0,
          high=1),
    Field("augment.enlarge", 1.0, "scale, after which a random window of the image's size is cut out", low=1),
    Field("augment.gamma_min", 1.0, "smallest power of the intensities in [0, 1]", above=0),
    Field("augment.gamma_max", 1.0, "largest power of the intensities in [0, 1]", above=0),
    Field("augment.brightness", 0.0, "shift either way, as a share of the range", low=0, high=1),
    Field("augment.contrast", 0.0, "change of the factor either way", low=0, high=1),
    Field("augment.saturation", 0.0, "change of the factor either way", low=0, high=1),
    Field("augment.hue", 0.0, "shift either way, in turns of the colour circle", low=0, high=0.5),
    Field("augment.greyscale", 0.0, "probability", low=0, high=1),
    Field("augment.blur", 0.0, "largest standard deviation of a Gaussian, in pixels; where categories are "
          "found, in those of images of 32x32 at most", low=0),

    # Differentiable augmentation of all that D sees; off in the paper.
    Field("discriminator_augment.brightness", 0.0, "largest shift, in units of [-1, 1]", low=0, high=2),
    Field("discriminator_augment.contrast", 0.0, "change of the factor either way", low=0, high=1),
    Field("discriminator_augment.shift", 0, "pixels either way", low=0),

    Field("networks.family", AUTO_FAMILY, "network family; auto chooses by image size",
          choices=(AUTO_FAMILY, *FAMILIES)),
    Field("networks.noise_dim", 62, "Z, the size of the noise", low=1),
    Field("networks.num_codes", 10, "K, the number of codes", low=2, flag="num_codes"),
    Field("networks.num_continuous", 0, "C, the number of continuous codes", low=0),
    Field("networks.stages", 1, "stages of the generator, each with its own D and Q", low=1),
    Field("networks.width", 1.0, "scale of the layers' sizes", above=0),
    Field("networks.batch_statistics", "global", "batch normalization over the images of all devices, or of "
          "each one alone", choices=("global", "local")),

    Field("loss.gradient_routing", "head", "which losses of Q train the trunk: none, all or the contrastive",
          choices=("head", "shared", "contrastive")),
    Field("loss.information_weight", 1.0, "lambda_1", low=0),
    Field("loss.information_target", "hard", "arg max of the code, or the code itself",
          choices=("hard", "soft")),
    Field("loss.continuous_weight", 1.0, "weight of the likelihood of the continuous codes", low=0),
    Field("loss.contrastive_weight", 10.0, "lambda_2", low=0),
    Field("loss.contrastive_temperature", 1.0, "tau'", above=0),
    Field("loss.negatives", "global", "NT-Xent over the images of all devices, or of each one alone",
          choices=("global", "local")),
    Field("loss.gumbel_temperature", 0.1, "tau", above=0),
    Field("loss.prior_initial_stddev", 0.0, "standard deviation of the normal draws that a learned prior's "
          "logits start with; 0 for a uniform start", low=0),

    Field("categories.num_categories", 10, "M, the number of categories to find", low=2,
          flag="num_categories"),
    Field("categories.choose_number", False, "use the number of categories that the images suggest instead "
          "of num_categories, which then only sets the number of codes"),
    Field("categories.categorizer_steps", 200, "steps of the categorizer between two labellings of the "
          "images, of which there are 4 in each of 2 passes", low=1),
    Field("categories.contrastive_steps", 0, "steps of 256 images that train a separate encoder, whose "
          "features are partitioned first; 0: Q's features are used", low=0),
    Field("categories.ignore_colours", False, "whether these features ignore saturation and hue, for colour "
          "images in different light, or of kinds that do not differ in colour"),
    Field("categories.guidance_share", 0.1, "share of the epochs, the last ones, in which the generator "
          "follows the categories; 0 for none", low=0, below=1),
    Field("categories.guidance_weight", 1.0, "weight of the categories in the loss of the generator", low=0),

    Field("vae.beta_continuous", 30.0, "weight of the KL term of the continuous codes", low=0),
    Field("vae.beta_discrete", 30.0, "weight of the KL term of the discrete code", low=0),
    Field("vae.capacity_continuous", 0.0, "largest capacity of the continuous codes, nats; 0: fixed beta",
          low=0),
    Field("vae.capacity_discrete", 0.0, "largest capacity of the discrete code, nats; 0: fixed beta",
          low=0),
    Field("vae.capacity_steps", 25_000, "steps in which the capacities grow to their largest values", low=1),
    Field("vae.gumbel_temperature", 0.67, "temperature of the relaxed discrete code", above=0),

    Field("optimizer.learning_rate", 2e-4, "of all networks", above=0),
    Field("optimizer.prior_learning_rate", 2e-4, "of a learned prior", above=0),
    Field("optimizer.beta_1", 0.5, "of Adam", low=0, below=1),
    Field("optimizer.ema_decay", 0.0, "of the generator's EMA, which is used outside training; 0 for none",
          low=0, below=1),

    Field("training.epochs", 200, "passes over the training images", low=1, below=_INT32_BOUND),
    Field("training.batch_size", 64, "images in a step", low=2, below=_INT32_BOUND),
    Field("training.precision", "auto", "auto is bfloat16 on a CPU that multiplies it in hardware",
          choices=("auto", "float32", "mixed_bfloat16", "mixed_float16")),
    Field("training.steps_per_execution", 32, "largest number of steps that run in one graph", low=1,
          below=_INT32_BOUND),
    Field("training.checkpoint_minutes", 10.0, "minutes after which a checkpoint is saved within an epoch",
          above=0),
)

# Fields that have a flag of their own: those that distinguish runs.
NAMED_FLAGS = {field.name: field.flag for field in FIELDS if field.flag}


def default_config() -> config_dict.ConfigDict:
    """Return the paper's settings for MNIST; presets change what differs for their data set."""
    config = config_dict.ConfigDict()
    for field in FIELDS:
        *groups, name = field.name.split(".")
        place = config
        for group in groups:
            if group not in place:
                place[group] = config_dict.ConfigDict()
            place = place[group]
        if field.default is not _PRESET_ONLY:
            place[name] = field.default
    return config


def flag(name: str) -> str:
    """Return the flag that sets a field: one of its own where there is one, else `--config.GROUP.FIELD`."""
    return f"--{NAMED_FLAGS[name]}" if name in NAMED_FLAGS else f"--config.{name}"


def check_fields(values: dict[str, Any]) -> None:
    """Check every field that has bounds or a set of choices.

    Args:
        values: value by field name; fields that are absent are not checked.

    Raises:
        UserError: the first field out of bounds, with what was found and what is expected.
    """
    for field in FIELDS:
        if field.name in values:
            problem = _problem(field, values[field.name])
            if problem:
                raise UserError(f"{flag(field.name)} is {problem}")


def _problem(field: Field, value: Any) -> str | None:
    if field.choices and value not in field.choices:
        return f"{value!r}; expected one of {', '.join(map(str, field.choices))}"
    # The comparisons are written so that NaN fails too.
    if field.low is not None and not value >= field.low:
        return f"{value}; expected {field.low} or more"
    if field.above is not None and not value > field.above:
        return f"{value}; expected more than {field.above}"
    if isinstance(value, float) and math.isinf(value):
        return f"{value}; expected a finite number"
    if field.high is not None and not value <= field.high:
        return f"{value}; expected {field.high} or less"
    if field.below is not None and not value < field.below:
        return f"{value}; expected less than {field.below}"
    return None

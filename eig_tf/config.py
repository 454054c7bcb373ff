"""What a run is made of: schema, presets, validation, saving and comparison."""

import importlib.util
import json
import math
from pathlib import Path

from ml_collections import config_dict

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.methods import METHODS

# Presets lie inside the package when it was installed from a wheel, beside it in a checkout.
PRESET_DIRECTORIES = (Path(__file__).parent / "configs", Path(__file__).parent.parent / "configs")

# Fields that have a flag of their own: what makes one run another.
NAMED_FLAGS = {
    "dataset": "dataset", "preset": "preset", "method": "method", "split": "split", "seed": "seed",
    "data.imbalance": "imbalance", "data.class_set": "class_set", "data.image_size": "image_size",
    "data.resize": "resize", "data.num_identities": "num_identities", "networks.num_codes": "num_codes",
}


def preset_names():
    """Names of the presets at hand, sorted."""
    return sorted({path.stem for directory in PRESET_DIRECTORIES for path in directory.glob("*.py")
                   if path.stem != "__init__"})


def load_preset(name, preset="paper"):
    """Loads a preset of `configs/<name>.py`.

    Args:
        name: the data set.
        preset: `paper`, or `cpu` for smaller networks where the data set has such a preset.

    Raises:
        UserError: there is no such preset.
    """
    for directory in PRESET_DIRECTORIES:
        path = directory / f"{name}.py"
        if name in preset_names() and path.is_file():
            spec = importlib.util.spec_from_file_location(f"eig_tf_preset_{name}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return _maker(name, preset, module)()
    raise UserError(f"--dataset is {name!r}; expected one of {', '.join(preset_names())}")


def _maker(name, preset, module):
    makers = {"paper": module.get_config}
    if hasattr(module, "get_cpu_config"):
        makers["cpu"] = module.get_cpu_config
    if preset not in makers:
        raise UserError(f"--preset is {preset!r}; --dataset={name} expects {' or '.join(makers)}")
    return makers[preset]


IMAGE_SIZES = (28, 32, 64, 128)
_CHOICES = {
    "method": tuple(METHODS),
    "data.image_size": IMAGE_SIZES,
    "data.channels": (1, 3),
    "data.resize": ("crop", "pad"),
    "loss.gradient_routing": ("head", "shared"),
    "loss.information_target": ("hard", "soft"),
    "training.precision": ("auto", "float32", "mixed_bfloat16"),
}
# field: (smallest value, whether that value itself is allowed)
_LIMITS = {
    "seed": (0, True),
    "data.num_identities": (2, True), "data.views": (1, True), "data.max_unreadable": (0, True),
    "augment.rotation": (0, True), "augment.zoom": (0, True), "augment.crop": (0, False),
    "augment.enlarge": (1, True), "augment.gamma_min": (0, False), "augment.gamma_max": (0, False),
    "augment.brightness": (0, True), "augment.contrast": (0, True), "augment.saturation": (0, True),
    "augment.hue": (0, True), "augment.greyscale": (0, True), "augment.blur": (0, True),
    "discriminator_augment.brightness": (0, True), "discriminator_augment.contrast": (0, True),
    "discriminator_augment.shift": (0, True),
    "networks.noise_dim": (1, True), "networks.num_codes": (2, True),
    "networks.num_continuous": (0, True), "networks.width": (0, False),
    "networks.stages": (1, True),
    "loss.information_weight": (0, True), "loss.continuous_weight": (0, True),
    "loss.contrastive_weight": (0, True), "loss.contrastive_temperature": (0, False),
    "loss.gumbel_temperature": (0, False),
    "optimizer.learning_rate": (0, False), "optimizer.prior_learning_rate": (0, False),
    "optimizer.beta_1": (0, True), "optimizer.generator_average_decay": (0, True),
    "training.epochs": (1, True), "training.batch_size": (2, True),
    "training.steps_per_execution": (1, True),
}
# field: the largest value
_AT_MOST = {"data.max_unreadable": 1, "augment.crop": 1, "augment.brightness": 1, "augment.contrast": 1,
            "augment.saturation": 1, "augment.hue": 0.5, "augment.greyscale": 1,
            "discriminator_augment.brightness": 2, "discriminator_augment.contrast": 1}
# field: the value it must stay below
_BELOW = {"seed": 2**31, "augment.zoom": 1, "optimizer.beta_1": 1,
          "optimizer.generator_average_decay": 1, "training.epochs": 2**31,
          "training.batch_size": 2**31, "training.steps_per_execution": 2**31}


def validate(config):
    """Checks every field that has a range or a set of choices.

    Raises:
        UserError: the first field out of place, with what was found and what is expected.
    """
    values = flatten(config)
    # Which options a loader has is its preset's business: only those that are there are looked at.
    for field, choices in _CHOICES.items():
        if field in values and values[field] not in choices:
            raise UserError(
                f"{flag(field)} is {values[field]!r}; expected one of {', '.join(map(str, choices))}")
    for field, (smallest, allowed) in _LIMITS.items():
        if field not in values:
            continue
        # Written so that NaN fails too.
        if not (values[field] > smallest or (allowed and values[field] == smallest)):
            expected = f"{smallest} or more" if allowed else f"more than {smallest}"
            raise UserError(f"{flag(field)} is {values[field]}; expected {expected}")
        if math.isinf(values[field]):
            raise UserError(f"{flag(field)} is {values[field]}; expected a finite number")
    for field, largest in _AT_MOST.items():
        if field in values and values[field] > largest:
            raise UserError(f"{flag(field)} is {values[field]}; expected {largest} or less")
    for field, bound in _BELOW.items():
        if not values[field] < bound:
            raise UserError(f"{flag(field)} is {values[field]}; expected less than {bound}")
    size = image_shape(config)[0]
    if size == 28 and values["networks.stages"] != 1:
        raise UserError(f"{flag('networks.stages')} is {values['networks.stages']}; expected 1: the networks "
                        "for 28x28 images have one stage")
    if values["discriminator_augment.shift"] >= size:
        raise UserError(f"{flag('discriminator_augment.shift')} is {values['discriminator_augment.shift']}; "
                        f"expected less than the images' side, {size}")
    if values["augment.gamma_max"] < values["augment.gamma_min"]:
        raise UserError(f"{flag('augment.gamma_max')} is {values['augment.gamma_max']}; expected "
                        f"{flag('augment.gamma_min')}, {values['augment.gamma_min']}, or more")


def flag(field):
    """The flag that sets a field: one of its own where there is one, else `--config.GROUP.FIELD`."""
    return f"--{NAMED_FLAGS[field]}" if field in NAMED_FLAGS else f"--config.{field}"


def flatten(config):
    """Nested fields as one dict, `{"training.epochs": 200, ...}`."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, config_dict.ConfigDict):
            flat.update({f"{key}.{name}": inner for name, inner in flatten(value).items()})
        else:
            flat[key] = value
    return flat


def differences(saved, asked):
    """The fields in which two configs differ: `["training.batch_size: 64 saved, 32 asked", ...]`."""
    old, new = flatten(saved), flatten(asked)
    return [f"{field}: {old.get(field)} saved, {new.get(field)} asked"
            for field in sorted(old.keys() | new.keys()) if old.get(field) != new.get(field)]


def describe(config):
    """The config as aligned lines of text."""
    flat = flatten(config)
    width = max(map(len, flat))
    return "\n".join(f"{field:<{width}}  {value}" for field, value in flat.items())


def image_shape(config):
    """(S, S, channels) of the images of a config; sets without these options are like MNIST."""
    size = config.data.get("image_size", 28)
    return (size, size, config.data.get("channels", 1))


def save(config, path):
    """Writes the config as JSON, whole or not at all."""
    files.write_json(config.to_dict(), path)


def load(path):
    """Reads a config that `save` wrote; see `from_dict`.

    Raises:
        UserError: the file is missing, is no JSON, has fields that the schema does not know or a value
            out of place.
    """
    try:
        saved = json.loads(Path(path).read_text(encoding="utf-8"))
        config = from_dict(saved)
        validate(config)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the config of a run directory") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a config that this version wrote: {error}") from None
    return config


def from_dict(saved):
    """The config that `ConfigDict.to_dict` made a dict of, maybe in an earlier version.

    Settings that a later version added are not in it and take their defaults, those of the preset.

    Raises:
        UserError: there is no such data set or preset.
        ValueError, KeyError, TypeError, AttributeError: it is no such dict.
    """
    missing = [field for field in ("dataset", "method", "split", "seed") if field not in saved]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    config = load_preset(saved["dataset"], saved.get("preset", "paper")).lock()
    config.update(saved)
    return config

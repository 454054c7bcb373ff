"""Presets, validation, saving and comparison of configs."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from ml_collections import config_dict

from eig_tf import files
from eig_tf.config.fields import AUTO_FAMILY, check_fields, flag
from eig_tf.config.methods import FAMILIES, METHODS
from eig_tf.errors import UserError

# Presets lie inside the package when it was installed from a wheel, beside it in a checkout.
_PACKAGE = Path(__file__).parent.parent
PRESET_DIRECTORIES = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


def preset_names() -> list[str]:
    """Return the names of the available presets, sorted."""
    return sorted({path.stem for directory in PRESET_DIRECTORIES for path in directory.glob("*.py")
                   if path.stem != "__init__"})


def load_preset(dataset: str, preset: str = "paper", method: str | None = None) -> config_dict.ConfigDict:
    """Load a preset of `configs/<dataset>.py` for a method.

    Args:
        dataset: name of the data set.
        preset: `paper`, or `cpu` for smaller networks where the data set has such a preset.
        method: name of the method; the preset's own when None.

    Returns:
        The config: the preset, then the method's own defaults, without the fields that it does not use.

    Raises:
        UserError: there is no such preset or method.
    """
    config = _make_preset(dataset, preset)
    config.method = config.method if method is None else method
    check_fields({"method": config.method})
    used = METHODS[config.method]
    config.update_from_flattened_dict(dict(used.defaults))
    if image_shape(config)[0] > 28:
        config.update_from_flattened_dict(dict(used.photograph_defaults))
    if used.codes_per_category:
        # A preset states one code for each category, as in the paper's methods.
        config.categories.num_categories = config.networks.num_codes
        config.networks.num_codes *= used.codes_per_category
    for name in used.unused:
        group, _, field = name.partition(".")
        if field:
            del config[group][field]
        else:
            del config[group]
    return config


def config_from_fields(dataset: str, preset: str = "paper", method: str | None = None,
                       fields: Mapping[str, Any] = MappingProxyType({})) -> config_dict.ConfigDict:
    """Return the config of a preset with other values of some fields, validated.

    A method that groups codes gets three codes for each category unless `fields` has their number.

    Args:
        dataset: see `load_preset`.
        preset: see `load_preset`.
        method: see `load_preset`.
        fields: value by field name, such as `{"training.epochs": 15}`.

    Raises:
        UserError: there is no such preset, method or field, or a field is out of bounds.
        TypeError: a value is of another type than the preset's.
    """
    config = load_preset(dataset, preset, method)
    known = flatten(config)
    for name in fields:
        if name not in known:
            raise UserError(f"{flag(name)} is given, which --dataset={dataset} with "
                            f"--method={config.method} does not take")
    config.update_from_flattened_dict(dict(fields))
    if "categories" in config and "networks.num_codes" not in fields:
        config.networks.num_codes = (
            METHODS[config.method].codes_per_category * config.categories.num_categories)
    validate(config)
    return config


def _make_preset(dataset: str, preset: str) -> config_dict.ConfigDict:
    for directory in PRESET_DIRECTORIES:
        path = directory / f"{dataset}.py"
        if dataset in preset_names() and path.is_file():
            spec = importlib.util.spec_from_file_location(f"eig_tf_preset_{dataset}", path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return _preset_maker(dataset, preset, module)()
    raise UserError(f"--dataset is {dataset!r}; expected one of {', '.join(preset_names())}")


def _preset_maker(dataset: str, preset: str, module: ModuleType):
    makers = {"paper": module.get_config}
    if hasattr(module, "get_cpu_config"):
        makers["cpu"] = module.get_cpu_config
    if preset not in makers:
        raise UserError(f"--preset is {preset!r}; --dataset={dataset} expects {' or '.join(makers)}")
    return makers[preset]


def for_64x64(config: config_dict.ConfigDict) -> config_dict.ConfigDict:
    """Set, in place, what the paper's 64x64 data sets share (section 4, supplement 4.2 and 4.4)."""
    config.data.image_size = 64
    config.data.channels = 3
    config.augment.zoom = 0.0
    config.augment.flip = True
    config.networks.noise_dim = 100
    config.optimizer.ema_decay = 0.999
    config.training.epochs = 600
    config.training.batch_size = 50
    return config


def for_cpu(config: config_dict.ConfigDict, epochs: int) -> config_dict.ConfigDict:
    """Change, in place, a 64x64 preset into one that two CPU cores train in less than an hour.

    It differs from the paper in four ways: the networks are a quarter as wide; D sees augmented images,
    since it overfits otherwise on so few (differentiable augmentation, Zhao et al. 2020); the EMA is
    shorter and the prior learns faster, because there are fewer steps.
    """
    config.preset = "cpu"
    config.networks.width = 0.25
    config.discriminator_augment.brightness = 0.3
    config.discriminator_augment.contrast = 0.3
    config.discriminator_augment.shift = 8
    config.optimizer.ema_decay = 0.995
    config.optimizer.prior_learning_rate = 1e-3
    config.training.epochs = epochs
    return config


def image_shape(config: config_dict.ConfigDict) -> tuple[int, int, int]:
    """Return (S, S, channels) of a config's images; data sets without these options are like MNIST."""
    size = config.data.get("image_size", 28)
    return (size, size, config.data.get("channels", 1))


def network_family(config: config_dict.ConfigDict) -> str:
    """Return the name of a config's network family.

    Raises:
        UserError: the family does not fit the method or the image size.
    """
    model, size = METHODS[config.method].model, image_shape(config)[0]
    fitting = [name for name, family in FAMILIES.items()
               if model in family.models and size in family.image_sizes]
    if config.networks.family == AUTO_FAMILY:
        return fitting[0]
    if config.networks.family not in fitting:
        raise UserError(f"{flag('networks.family')} is {config.networks.family!r}; expected one of "
                        f"{', '.join(fitting)} for --method={config.method} and images of {size}x{size}")
    return config.networks.family


def guided_epochs(config: config_dict.ConfigDict) -> int:
    """Return the number of final epochs in which G follows categories; never all of the epochs."""
    if not METHODS[config.method].codes_per_category:
        return 0
    epochs = config.training.epochs
    return min(round(config.categories.guidance_share * epochs), epochs - 1)


def validate(config: config_dict.ConfigDict) -> None:
    """Check every field, and the fields that depend on each other.

    Raises:
        UserError: the first field out of bounds, with what was found and what is expected.
    """
    values = flatten(config)
    check_fields(values)
    size = image_shape(config)[0]
    family, stages = network_family(config), values.get("networks.stages", 1)
    if stages != 1 and not FAMILIES[family].several_stages:
        raise UserError(f"{flag('networks.stages')} is {stages}; expected 1 for the networks {family}")
    num_categories = values.get("categories.num_categories", 0)
    if num_categories > config.networks.num_codes:
        raise UserError(f"{flag('categories.num_categories')} is {num_categories}; expected no more than "
                        f"{flag('networks.num_codes')}, {config.networks.num_codes}")
    shift = values.get("discriminator_augment.shift", 0)
    if shift >= size:
        raise UserError(f"{flag('discriminator_augment.shift')} is {shift}; expected less than the images' "
                        f"side, {size}")
    if config.augment.gamma_max < config.augment.gamma_min:
        raise UserError(f"{flag('augment.gamma_max')} is {config.augment.gamma_max}; expected "
                        f"{flag('augment.gamma_min')}, {config.augment.gamma_min}, or more")


def flatten(config: config_dict.ConfigDict) -> dict[str, Any]:
    """Return nested fields as one dict, `{"training.epochs": 200, ...}`."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, config_dict.ConfigDict):
            flat.update({f"{key}.{name}": inner for name, inner in flatten(value).items()})
        else:
            flat[key] = value
    return flat


def config_differences(saved: config_dict.ConfigDict, asked: config_dict.ConfigDict) -> list[str]:
    """Return the fields in which two configs differ: `["training.batch_size: 64 saved, 32 asked", ...]`."""
    old, new = flatten(saved), flatten(asked)
    return [f"{field}: {old.get(field)} saved, {new.get(field)} asked"
            for field in sorted(old.keys() | new.keys()) if old.get(field) != new.get(field)]


def format_config(config: config_dict.ConfigDict) -> str:
    """Return the config as aligned lines of text."""
    flat = flatten(config)
    width = max(map(len, flat))
    return "\n".join(f"{field:<{width}}  {value}" for field, value in flat.items())


def save_config(config: config_dict.ConfigDict, path: str | os.PathLike) -> None:
    """Write the config as JSON, atomically."""
    files.write_json(config.to_dict(), path)


def load_config(path: str | os.PathLike) -> config_dict.ConfigDict:
    """Read a config that `save_config` wrote; see `config_from_dict`.

    Raises:
        UserError: the file is missing, is not JSON, has unknown fields or a value out of bounds.
    """
    try:
        config = config_from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        validate(config)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the config of a run directory") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not a config that this version wrote: {error}") from None
    return config


def config_from_dict(saved: dict[str, Any]) -> config_dict.ConfigDict:
    """Return the config that `ConfigDict.to_dict` turned into a dict.

    Fields that a later version added take the defaults of the preset.

    Raises:
        UserError: there is no such data set, preset or method.
        ValueError, KeyError, TypeError, AttributeError: the dict is not a config.
    """
    missing = [field for field in ("dataset", "method", "split", "seed") if field not in saved]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    config = load_preset(saved["dataset"], saved.get("preset", "paper"), saved["method"]).lock()
    unknown = flatten(config_dict.ConfigDict(saved)).keys() - flatten(config).keys()
    if unknown:
        raise ValueError(f"it has {', '.join(sorted(unknown))}, which this version does not know")
    config.update(saved)
    return config

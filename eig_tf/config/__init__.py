"""What a run is made of: fields, presets, methods, validation, saving and comparison."""

from eig_tf.config.fields import FIELDS, IMAGE_SIZES, NAMED_FLAGS, default_config, flag
from eig_tf.config.methods import FAMILIES, METHODS, Method
from eig_tf.config.presets import (
    config_differences,
    config_from_dict,
    config_from_fields,
    flatten,
    for_64x64,
    for_cpu,
    format_config,
    guided_epochs,
    image_shape,
    load_config,
    load_preset,
    network_family,
    preset_names,
    save_config,
    validate,
)

__all__ = [
    "FAMILIES", "FIELDS", "IMAGE_SIZES", "METHODS", "NAMED_FLAGS", "Method", "config_differences",
    "config_from_dict", "config_from_fields", "default_config", "flag", "flatten", "for_64x64", "for_cpu",
    "format_config", "guided_epochs", "image_shape", "load_config", "load_preset", "network_family",
    "preset_names", "save_config", "validate",
]

"""The flags that say what is trained and on what, shared by the commands that take them."""

from __future__ import annotations

from typing import Any

from absl import flags
from ml_collections import config_dict, config_flags

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.cli.number_flag import AUTO, define_num_categories
from eig_tf.config import METHODS
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("dataset", None, "preset to use: " + ", ".join(config_lib.preset_names()))
flags.DEFINE_string("preset", None, "paper, or cpu for smaller networks: cars, chairs, shapenet, ytf, folder")
flags.DEFINE_string("data_dir", None, "directory of the data set's files; folder: a CSV or JSON list of "
                    "files, a zip or a tar too")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_string("method", None, "one of " + ", ".join(METHODS))
flags.DEFINE_integer("split", None, "class-imbalanced split of the data set; 0 to 49 for mnist and digits, "
                     "0 to 4 for cars and chairs")
flags.DEFINE_integer("seed", None, "root of all randomness, 0 or more")
flags.DEFINE_string("imbalance", None, "paper, none, or one fraction for each class, such as 0.5,0.3,0.2")
flags.DEFINE_string("class_set", None, "cars, chairs: one of the paper's five sets of ten classes (0 to 4), "
                    "random, or ids such as 003,017")
flags.DEFINE_integer("num_identities", None, "ytf: number of people, in alphabetical order")
flags.DEFINE_integer("image_size", None, "side of the images, 28, 32, 64 or 128; not for digits and mnist")
flags.DEFINE_string("resize", None, "folder: crop to the centred square, or pad to one")
flags.DEFINE_bool("recursive", None, "folder: take the images at any depth, also beside sub-folders; the set "
                  "has no classes then")
define_num_categories("M, the number of categories to find, or auto for the one that the images suggest; for "
                      "methods that group codes")
flags.DEFINE_integer("num_codes", None, "K, the number of codes; for methods that group codes, three for "
                     "each category when absent")

_TOP_LEVEL = tuple(field for field in config_lib.NAMED_FLAGS if "." not in field)


def define_config_flags(argv: list[str]) -> str:
    """Define --config.* for the preset and the method that the command line names; return their help text."""
    FLAGS(argv, known_only=True)
    if FLAGS.dataset is None:
        return ""
    preset = _preset_from_flags()
    values = {name: value for name, value in config_lib.flatten(preset).items() if name not in _TOP_LEVEL}
    _check_names(argv, values)
    descriptions = {field.name: field.description for field in config_lib.FIELDS}
    lines = [f"  --config.{name}={value}: {descriptions[name]}" for name, value in values.items()]
    with preset.unlocked():
        for name in _TOP_LEVEL:
            del preset[name]
    config_flags.DEFINE_config_dict("config", preset)
    return "\n".join([f"\nfields of configs/{FLAGS.dataset}.py and their values:", *lines])


def _preset_from_flags():
    return config_lib.load_preset(FLAGS.dataset, FLAGS.preset or "paper", FLAGS.method)


def _check_names(argv, values):
    """Name an unknown --config.* flag in full, which ml_collections does not."""
    for argument in argv[1:]:
        flag = "--" + argument.lstrip("-").split("=", 1)[0]
        name = flag[len("--config."):] if flag.startswith("--config.") else None
        if argument.startswith("-") and name and name not in values:
            method = f" with --method={FLAGS.method}" if FLAGS.method else ""
            raise UserError(f"{flag} is not a field of configs/{FLAGS.dataset}.py{method}; --help lists the "
                            "flags")


def config_from_flags() -> config_dict.ConfigDict:
    """Return the config that the parsed flags describe.

    Raises:
        UserError: --dataset is absent, a flag does not go with it or a field is out of bounds.
    """
    if FLAGS.dataset is None:
        raise UserError(f"--dataset is missing; expected one of {', '.join(config_lib.preset_names())}")
    return config_lib.config_from_fields(FLAGS.dataset, FLAGS.preset or "paper", FLAGS.method,
                                         fields_from_flags())


def fields_from_flags() -> dict[str, Any]:
    """Return the values that the parsed flags give, by the name of the field; --dataset is given."""
    fields = dict(config_flags.get_override_values(FLAGS["config"]))
    fields.update({field: FLAGS[name].value for field, name in config_lib.NAMED_FLAGS.items()
                   if FLAGS[name].value is not None})
    if fields.get("categories.num_categories") == AUTO:
        del fields["categories.num_categories"]
        fields["categories.choose_number"] = True
    return fields

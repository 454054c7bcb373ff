"""Trains Elastic-InfoGAN or one of its baselines on a class-imbalanced data set.

    python -m eig_tf.train --dataset=digits
    python -m eig_tf.train --dataset=mnist --split=0 --method=uniform_infogan
    python -m eig_tf.train --dataset=mnist --config.training.epochs=15 --config.loss.contrastive_weight=5

The same command on the same run directory goes on where it stopped. Every field of the preset
configs/<dataset>.py can be set by --config.<group>.<field>; with --dataset=NAME --help lists them.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from eig_tf import command
from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.methods import METHODS

FLAGS = flags.FLAGS
_NAMED = ("dataset", "method", "split", "seed")

flags.DEFINE_string("dataset", None, "preset to train: " + ", ".join(config_lib.preset_names()))
flags.DEFINE_string("data_dir", None, "directory of the data set's files")
flags.DEFINE_string("method", None, "one of " + ", ".join(METHODS))
flags.DEFINE_integer("split", None, "which class-imbalanced split of the data set, 0 to 49")
flags.DEFINE_integer("seed", None, "root of all randomness, 0 or more")
flags.DEFINE_string("workdir", None, "run directory; runs/<dataset>-<method>-split<k>-seed<n> when absent")
flags.DEFINE_bool("overwrite", False, "delete the run in the run directory and start anew")


def define_config_flags(argv):
    """Defines --config.* from the preset that the command line names; returns the help text on them."""
    FLAGS(argv, known_only=True)
    if FLAGS.dataset is None:
        return ""
    groups = config_lib.load_preset(FLAGS.dataset)
    _check_fields(argv, groups)
    with groups.unlocked():
        for name in _NAMED:
            del groups[name]
    config_flags.DEFINE_config_dict("config", groups)
    fields = [f"  --config.{line}" for line in config_lib.describe(groups).splitlines()]
    return "\n".join([f"\nfields of configs/{FLAGS.dataset}.py and their values:", *fields])


def _check_fields(argv, groups):
    """Names an unknown --config.* flag in full, which ml_collections does not."""
    known = {f"--config.{field}" for field in config_lib.flatten(groups) if field not in _NAMED}
    for argument in argv[1:]:
        flag = "--" + argument.lstrip("-").split("=", 1)[0]
        if argument.startswith("-") and flag.startswith("--config.") and flag not in known:
            raise UserError(f"{flag} is no field of configs/{FLAGS.dataset}.py; --help lists the flags")


def config_from_flags():
    """The config that the parsed flags describe.

    Raises:
        UserError: --dataset is absent or a field is out of place.
    """
    if FLAGS.dataset is None:
        raise UserError(f"--dataset is missing; expected one of {', '.join(config_lib.preset_names())}")
    config = config_lib.load_preset(FLAGS.dataset)
    config.update(FLAGS.config)
    for name in _NAMED:
        if FLAGS[name].value is not None:
            config[name] = FLAGS[name].value
    config_lib.validate(config)
    return config


def main(arguments):
    """Trains what the flags describe."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = config_from_flags()
    workdir = FLAGS.workdir or Path("runs") / (
        f"{config.dataset}-{config.method}-split{config.split}-seed{config.seed}")
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.training.run import run
    directory = run(config, workdir, FLAGS.data_dir, FLAGS.overwrite)
    print(f"\nrun directory  {directory.path}\nsample grids   {directory.samples}")


if __name__ == "__main__":
    command.run(main, __doc__, prepare=define_config_flags,
                interrupted="interrupted; the same command goes on after the last finished epoch")

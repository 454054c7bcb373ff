"""Decode a data set once, for training on machines that do not have the original files.

    python tools/prepare_data.py cars --data_dir=DIRECTORY --class_set=random --out=OUT
    python -m eig_tf.train --dataset=cars --data_dir=OUT --class_set=random

The first argument is the data set; the flags that choose its images are those of training, and training must
be given the same ones. The whole set is written, since the class-imbalanced subset is drawn at training. OUT
must be new or empty, and appears when everything is written.
"""

from __future__ import annotations

import sys

from absl import flags

from eig_tf import config as config_lib
from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_string("out", None, "directory to write, new or empty")


def define_flags(argv: list[str]) -> str:
    """Turn the first argument into --dataset, then see `run_flags.define_config_flags`."""
    if len(argv) > 1 and not argv[1].startswith("-"):
        if any(argument.lstrip("-").split("=")[0] == "dataset" for argument in argv[2:]):
            raise UserError(f"--dataset is given, but the first argument is {argv[1]!r}; expected one of the "
                            "two")
        argv[1] = f"--dataset={argv[1]}"
    return run_flags.define_config_flags(argv)


def check_flags(arguments: list[str]) -> None:
    """Check the arguments before TensorFlow is imported.

    Raises:
        UserError: an argument is missing, unexpected or has no meaning here.
    """
    if FLAGS.dataset is None:
        found = f"is {sys.argv[1]!r}" if len(sys.argv) > 1 else "is missing"
        raise UserError(f"the first argument {found}; expected the data set, one of "
                        f"{', '.join(config_lib.preset_names())}")
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected the data set, then flags")
    for name in ("split", "imbalance"):
        if FLAGS[name].value is not None:
            raise UserError(f"--{name} is given, but the whole set is prepared; expected it at training")
    if FLAGS.out is None:
        raise UserError("--out is missing; expected a directory to write, new or empty")


def main(arguments: list[str]) -> None:
    """Load the data set and write it."""
    check_flags(arguments)
    config = run_flags.config_from_flags()
    # Importing TensorFlow takes seconds, which --help and flag errors need not wait for.
    from eig_tf.data import prepared, registry
    from eig_tf.data.image_set import summary_lines
    prepared.check_output(FLAGS.out)
    whole = registry.load(config, FLAGS.data_dir, FLAGS.cache_dir)
    print("\n".join(summary_lines(whole)), flush=True)
    prepared.write_prepared(whole, config, FLAGS.out)
    print(f"prepared  {FLAGS.out}")


if __name__ == "__main__":
    command.run_command(main, __doc__, prepare=define_flags)

"""Writes a data set as TFRecord shards, for training on several hosts or where the files are not.

    python tools/prepare_data.py cars --data_dir=DIRECTORY --class_set=random --out=OUT
    python -m eig_tf.train --dataset=cars --data_dir=OUT --class_set=random

OUT, new or empty, gets the shards and dataset_info.json, which says what they were made of; it appears when
all is written. The data set is the first argument; the flags that choose its images are those of a training,
which must then be given the same. The whole set is written: the class-imbalanced subset is drawn later.
"""

import sys

from absl import flags

from eig_tf import config as config_lib
from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_string("out", None, "directory to write, new or empty")
flags.DEFINE_integer("num_shards", None, "number of shards, at least one a host; 8 when not given")


def define_flags(argv):
    """Makes the data set, the first argument, the flag that the other commands take it by."""
    if len(argv) > 1 and not argv[1].startswith("-"):
        if any(argument.lstrip("-").split("=")[0] == "dataset" for argument in argv[2:]):
            raise UserError(f"--dataset is given, but the first argument is {argv[1]!r}; expected one of the "
                            "two")
        argv[1] = f"--dataset={argv[1]}"
    return run_flags.define_config_flags(argv)


def check_flags(arguments):
    """Raises a `UserError` when arguments are missing, too many or without meaning here."""
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
    if FLAGS.num_shards is not None and FLAGS.num_shards < 1:
        raise UserError(f"--num_shards is {FLAGS.num_shards}; expected 1 or more")


def main(arguments):
    """Loads what the flags describe and writes it."""
    check_flags(arguments)
    config = run_flags.config_from_flags()
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import describe, registry, shards
    shards.check_output(FLAGS.out)
    whole = registry.load(config, FLAGS.data_dir, FLAGS.cache_dir)
    print("\n".join(describe.lines(whole)), flush=True)
    shards.write(whole, config, FLAGS.out, FLAGS.num_shards)
    print(f"shards  {FLAGS.out}")


if __name__ == "__main__":
    command.run(main, __doc__, prepare=define_flags)

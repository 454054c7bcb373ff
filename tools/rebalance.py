"""Write the training images of a run as a balanced folder, with generated images for rare categories.

    python tools/rebalance.py RUN_DIR --output=balanced
    python tools/rebalance.py RUN_DIR --output=balanced --by=class

The folder holds a sub-folder for each category, with real_N.png and generated_N.png, and images.csv, which
says where each image comes from. Generated images are kept when the run recognizes their category in them.
--by=class takes the classes of labelled images instead of the categories: the images of a rare class
come from the categories of which it is the most frequent class. Train on the folder with any program, or with
python -m eig_tf.train --dataset=folder --data_dir=balanced.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "folder to write, which does not exist")
flags.DEFINE_enum("by", "category", ["category", "class"], "what the sub-folders are")
flags.DEFINE_integer("per_group", None, "images of each category; as many as the largest has when absent")
flags.DEFINE_float("min_probability", 0.5, "smallest probability of its category at which a generated image "
                   "is kept, 0 to 1; 0 keeps all")
flags.DEFINE_string("decisions", None, "JSON file of decisions on the categories, saved in the run's report: "
                    "merged categories are one, rejected ones are left out")
flags.DEFINE_string("data_dir", None, "directory of the run's data set; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_integer("seed", 0, "seed of the generated images, and of the real ones that are kept")


def check_flags() -> None:
    """Raise a `UserError` for values out of range."""
    if FLAGS.output is None:
        raise UserError("--output is missing; expected the name of a new folder")
    if Path(FLAGS.output).exists():
        raise UserError(f"--output is {FLAGS.output!r}, which exists; expected the name of a new folder")
    command.check_output_place(FLAGS.output, Path(FLAGS.output).parent, "directory")
    if FLAGS.per_group is not None and FLAGS.per_group < 1:
        raise UserError(f"--per_group is {FLAGS.per_group}; expected a number of images from 1 on")
    if not 0 <= FLAGS.min_probability <= 1:
        raise UserError(f"--min_probability is {FLAGS.min_probability:g}; expected a number from 0 to 1")
    if not 0 <= FLAGS.seed < 2**31:
        raise UserError(f"--seed is {FLAGS.seed}; expected a number from 0 to {2**31 - 1}")
    if FLAGS.by == "class" and FLAGS.decisions is not None:
        raise UserError("--decisions is given, which are on categories; expected --by=category with it")


def main(arguments: list[str]) -> None:
    """Write the balanced folder of the run that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    check_flags()
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import names
    from eig_tf.evaluation.rebalance import rebalance
    table, notes = rebalance(
        run_dir, FLAGS.output, FLAGS.by, FLAGS.per_group, FLAGS.min_probability, FLAGS.decisions,
        FLAGS.data_dir, FLAGS.cache_dir, FLAGS.seed)
    for note in notes:
        print(names.printable(f"note: {note}"))
    print("\n".join(names.printable(line) for line in table.splitlines()))
    print(f"folder  {FLAGS.output}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

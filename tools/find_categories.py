"""Find the categories of real images of a finished run of any method, or find another number of them.

    python tools/find_categories.py RUN_DIR --num_categories=10

Codes are grouped, nothing is trained but the categorizer, and no labels are used; see docs/categories.md. The
run needs as many codes as categories, better three times as many. Writes categories/ in RUN_DIR, in place of
what is there. Runs of agglomerative_infogan do this at the end of their training.
"""

from __future__ import annotations

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_integer("num_categories", None, "M, the number of categories, 2 or more; that of the training "
                     "when absent")
flags.DEFINE_string("data_dir", None, "directory of the data set's files; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")


def main(arguments: list[str]) -> None:
    """Find the categories of the run directory that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import registry
    from eig_tf.runs import category_files
    from eig_tf.runs.run_directory import RunDirectory
    directory = RunDirectory(run_dir)
    config, model, epochs = directory.restore_model()
    num_categories = FLAGS.num_categories
    if num_categories is None and "categories" not in config:
        raise UserError(f"--num_categories is missing; a run of {config.method} has no number of its own")
    data_dir = FLAGS.data_dir or directory.load_environment().data_dir
    _, image_set = registry.load_split(config, data_dir, FLAGS.cache_dir)
    category_files.update_categories(directory, config, model, epochs, image_set.images, num_categories)
    print(f"categories  {directory.categories}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

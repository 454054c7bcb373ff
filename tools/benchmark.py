"""Measures the training step, its parts, its arithmetic and the whole loop, on random images.

    python tools/benchmark.py
    python tools/benchmark.py --method=gumbel_infogan --routing=shared --output=benchmark.json

The first row, a step with two generator passes and Keras's Adam, is what the others are compared with.
All rows take turns, so that a machine whose speed drifts slows them alike; figures are ratios on one
machine. The networks are those for MNIST, the device is the first one, the precision the preset's.
"""

import os
from pathlib import Path

from absl import flags

from eig_tf import command, files
from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.methods import METHODS

FLAGS = flags.FLAGS

flags.DEFINE_enum("dataset", "mnist", config_lib.preset_names(), "preset whose settings are measured")
flags.DEFINE_enum("method", None, list(METHODS), "method; the preset's when absent")
flags.DEFINE_enum("routing", None, ["head", "shared"], "gradient routing; the preset's when absent")
flags.DEFINE_integer("batch_size", None, "images a step; the preset's when absent", lower_bound=2)
flags.DEFINE_integer("steps", 4, "steps in a row for each measurement", lower_bound=1)
flags.DEFINE_integer("repeats", 15, "rounds of measurements", lower_bound=1)
flags.DEFINE_bool("all", False, "also measure gumbel_infogan and the other gradient routing")
flags.DEFINE_string("output", None, "JSON file for the figures")


def config_from_flags():
    """The preset's config with what the flags change."""
    config = config_lib.load_preset(FLAGS.dataset)
    if FLAGS.method is not None:
        config.method = FLAGS.method
    if FLAGS.routing is not None:
        config.loss.gradient_routing = FLAGS.routing
    if FLAGS.batch_size is not None:
        config.training.batch_size = FLAGS.batch_size
    config_lib.validate(config)
    return config


def check_output(path):
    """Raises a `UserError` unless a file can be written at `path`, before minutes of measuring."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"--output is {str(path)!r}, a directory; expected the name of a JSON file")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UserError(f"--output is {str(path)!r}, but {str(path.parent)!r} is no directory that can be "
                        "written; expected a file in one")


def main(arguments):
    """Measures what the flags describe, prints the tables and writes the JSON file."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = config_from_flags()
    if FLAGS.output is not None:
        check_output(FLAGS.output)
    print("builds and measures; takes a few minutes", flush=True)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.benchmarking import report, run
    figures = run.run(config, FLAGS.steps, FLAGS.repeats, FLAGS.all)
    print("\n" + report.describe(figures))
    if FLAGS.output is not None:
        files.write_json(figures, FLAGS.output)
        print(f"\nfigures  {FLAGS.output}")


if __name__ == "__main__":
    command.run(main, __doc__)

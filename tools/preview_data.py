"""Draws a data set as it would be trained on, or checks whether its files are complete.

    python tools/preview_data.py --dataset=digits --output=digits.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --class_set=random --output=cars.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --check

The picture holds the classes with their counts and some of their images, and pairs of an image and its
positive view. The flags are those of a training; the same flags give the same picture. --check says what is
found and what is missing, without decoding images; its exit status is 0 when training can start.
"""

from pathlib import Path

from absl import flags

from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_string("output", None, "PNG file for the picture")
flags.DEFINE_bool("check", False, "say what --data_dir holds and lacks, and draw nothing")


def check_output(path):
    """Raises a `UserError` unless a picture can be written at `path`, before anything is decoded."""
    if path is None:
        raise UserError("--output is missing; expected the name of a PNG file, or --check")
    path = Path(path)
    if path.is_dir():
        raise UserError(f"--output is {str(path)!r}, a directory; expected the name of a PNG file")
    if path.suffix.lower() != ".png":
        raise UserError(f"--output is {str(path)!r}; expected a name that ends in .png")
    command.check_place(path, path.parent)


def draw(config):
    """Draws what the flags describe."""
    check_output(FLAGS.output)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import describe, registry
    from eig_tf.figures import preview
    whole, subset = registry.load_split(config, FLAGS.data_dir, FLAGS.cache_dir)
    preview.draw(whole, subset, config, FLAGS.output)
    print("\n".join(describe.lines(subset)))
    print(f"picture  {FLAGS.output}")


def check(config):
    """Prints what the data directory holds; a `UserError` when training cannot start from it."""
    if FLAGS.output is not None:
        raise UserError("--output is given, but --check draws nothing; expected one of the two")
    from eig_tf.data import checks
    for line in checks.lines(config, FLAGS.data_dir):
        print(line, flush=True)
    print("training can start")


def main(arguments):
    """Draws or checks what the flags describe."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = run_flags.config_from_flags()
    if FLAGS.check:
        check(config)
    else:
        draw(config)


if __name__ == "__main__":
    command.run(main, __doc__, prepare=run_flags.define_config_flags)

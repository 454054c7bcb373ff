"""Draw a data set as it would be trained on, or check whether its files are complete.

    python tools/preview_data.py --dataset=digits --output=digits.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --class_set=random --output=cars.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --check
    python tools/preview_data.py --dataset=folder --data_dir=my_images.zip --check

The picture shows the classes with their counts and some of their images, and pairs of an image and its
positive view. The flags are those of a training; the same flags give the same picture. --check says what is
found and what is missing; its exit status is 0 when training can start. It decodes no images except your own,
--dataset=folder, which it reads once to count unreadable files and near-duplicates, and to suggest flags.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from absl import flags

from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_string("output", None, "PNG file of the picture")
flags.DEFINE_bool("check", False, "say what --data_dir holds and lacks; draw nothing")


def check_output(path: str | None) -> None:
    """Raise a `UserError` unless a picture can be written at `path`, before anything is decoded."""
    if path is None:
        raise UserError("--output is missing; expected the name of a PNG file, or --check")
    path = Path(path)
    if path.is_dir():
        raise UserError(f"--output is {str(path)!r}, a directory; expected the name of a PNG file")
    if path.suffix.lower() != ".png":
        raise UserError(f"--output is {str(path)!r}; expected a name that ends in .png")
    command.check_output_place(path, path.parent)


def draw_data(config: Any) -> None:
    """Draw the data set of a config into the file that --output names."""
    check_output(FLAGS.output)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import registry
    from eig_tf.data.image_set import summary_lines
    from eig_tf.figures import preview
    whole, subset = registry.load_split(config, FLAGS.data_dir, FLAGS.cache_dir)
    preview.save_preview(whole, subset, config, FLAGS.output)
    print("\n".join(summary_lines(subset)))
    print(f"picture  {FLAGS.output}")


def check_data_dir(config: Any) -> None:
    """Print what the data directory holds; raise a `UserError` if training cannot start from it."""
    if FLAGS.output is not None:
        raise UserError("--output is given, but --check draws nothing; expected one of the two")
    from eig_tf.data import checks
    for line in checks.check_data(config, FLAGS.data_dir):
        print(line, flush=True)
    print("training can start")


def main(arguments: list[str]) -> None:
    """Draw or check the data set that the flags describe."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = run_flags.config_from_flags()
    if FLAGS.check:
        check_data_dir(config)
    else:
        draw_data(config)


if __name__ == "__main__":
    command.run_command(main, __doc__, prepare=run_flags.define_config_flags)

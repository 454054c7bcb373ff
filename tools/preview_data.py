"""Draws a data set as it would be trained on, or checks whether its files are complete.

    python tools/preview_data.py --dataset=digits --output=digits.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --class_set=random --output=cars.png
    python tools/preview_data.py --dataset=cars --data_dir=DIRECTORY --check

The picture holds the classes with their counts and some of their images, and pairs of an image and its
positive view. The flags are those of a training; the same flags give the same picture. --check says what is
found and what is missing, without decoding images; its exit status is 0 when training can start.
"""

import json
import os
from pathlib import Path

from absl import flags

from eig_tf import command, run_flags
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
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        raise UserError(f"--output is {str(path)!r}, but {str(path.parent)!r} is no directory that can be "
                        "written; expected a file in one")


def draw(config):
    """Draws what the flags describe."""
    check_output(FLAGS.output)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import describe, preview, registry
    whole, subset = registry.load_split(config, FLAGS.data_dir, FLAGS.cache_dir)
    preview.draw(whole, subset, config, FLAGS.output)
    print("\n".join(describe.lines(subset)))
    print(f"picture  {FLAGS.output}")


def check(config):
    """Prints what the data directory holds; a `UserError` when training cannot start from it."""
    if FLAGS.output is not None:
        raise UserError("--output is given, but --check draws nothing; expected one of the two")
    from eig_tf.data import imbalance, registry, shards
    imbalance.check_split(config)
    if FLAGS.data_dir is not None and shards.is_prepared(FLAGS.data_dir):
        check_prepared(Path(FLAGS.data_dir) / shards.INFO)
    elif config.dataset in registry.IN_MEMORY:
        check_in_memory(config.dataset)
    else:
        check_files(config)
    print("training can start")


def check_prepared(path):
    """Prints what the description of prepared shards says."""
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
        print(f"shards of a prepared data set, described by {path}")
        for name, value in info.items():
            print(f"  {name}: {len(value) if isinstance(value, (list, dict)) else value}")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path} is no description of a prepared data set ({error}); expected what "
                        "tools/prepare_data.py writes") from None


def check_in_memory(dataset):
    """Prints which files of MNIST are there, and reads those that --data_dir names."""
    from eig_tf.data import mnist, registry
    if dataset == "digits":
        print("digits are part of scikit-learn; there are no files to check")
    elif FLAGS.data_dir is None:
        print("without --data_dir, training takes Keras's copy of MNIST, and downloads it when there is none")
    else:
        directory = registry.find_directory(dataset, FLAGS.data_dir)
        # As `mnist` finds them: gzipped or not, with a dot as some mirrors write them.
        found = {path.name.replace(".gz", "").replace(".idx", "-idx") for path in directory.iterdir()}
        for name in mnist.FILE_NAMES:
            print(f"{name}: {'found' if name in found else 'missing'}")
        registry.find_loader(dataset).load(directory)


def check_files(config):
    """Prints what a loader finds, and lists the files as training would."""
    from eig_tf.data import imbalance, listing, registry
    loader = registry.find_loader(config.dataset)
    directory = registry.find_directory(config.dataset, FLAGS.data_dir)
    print("\n".join(loader.check(directory, config)), flush=True)
    found = loader.list_files(directory, config)
    listing._check_share(found, found.missing)
    if config.data.imbalance != imbalance.NONE:
        imbalance.split_counts(config, [1] * len(found.class_names))
    print(f"{len(found.entries)} files would be read, of {len(found.class_names) or 'no'} classes")


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

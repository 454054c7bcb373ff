"""Find the categories of real images of a finished run of any method, or find another number of them.

    python tools/find_categories.py RUN_DIR --num_categories=10
    python tools/find_categories.py RUN_DIR --num_categories=auto
    python tools/find_categories.py RUN_DIR --candidates=8,9,10,11,12
    python tools/find_categories.py RUN_DIR --ignore_colours

Trains only the categorizer and the encoder that it starts from, and groups the codes. No labels are used; see
docs/categories.md. A method without settings of its own takes those of the data set's preset;
--ignore_colours, --noignore_colours and --contrastive_steps replace those of either.
The run needs at least as many codes as categories, preferably three times as many. Replaces categories/ in
RUN_DIR. Runs of agglomerative_infogan do this before their last epochs. With
--num_categories=auto, compares numbers, takes the one that the images suggest and writes the evidence to
categories/number.json. With --candidates, prints the evidence for each number, see docs/your_images.md, and
leaves the categories as they are. tools/plot.py --figures=hierarchy draws the tree of the
codes, which helps to choose a number.
"""

from __future__ import annotations

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.cli.number_flag import AUTO, define_num_categories
from eig_tf.config import guided_epochs
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

define_num_categories("M, the number of categories, 2 or more, or auto for the one that the images suggest; "
                      "that of the training when absent")
flags.DEFINE_list("candidates", None, "numbers of categories to compare, each 2 or more; the categories stay")
flags.DEFINE_boolean("ignore_colours", None, "whether the features ignore saturation and hue; as in the "
                     "training when absent")
flags.DEFINE_integer("contrastive_steps", None, "steps of the contrastive training of the features; 0 for "
                     "those of Q; as in the training when absent", lower_bound=0)
flags.DEFINE_string("data_dir", None, "directory of the data set's files; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")


def _parse_candidates(num_codes: int) -> list[int]:
    """Return the numbers of --candidates, none when it is absent."""
    if FLAGS.candidates is not None and FLAGS.num_categories is not None:
        raise UserError("--candidates and --num_categories are given; expected one of them")
    if FLAGS.candidates is not None and not FLAGS.candidates:
        raise UserError("--candidates is empty; expected numbers such as 8,10,12")
    for text in FLAGS.candidates or ():
        if not text.isdecimal() or not 2 <= int(text) <= num_codes:
            raise UserError(f"--candidates has {text!r}; expected numbers from 2 to {num_codes}, the number "
                            "of codes")
    return [int(text) for text in FLAGS.candidates or ()]


def main(arguments: list[str]) -> None:
    """Find the categories of the run directory that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    asked = FLAGS.num_categories
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.categories import discovery, number
    from eig_tf.data import names
    from eig_tf.runs import category_files
    from eig_tf.runs.run_directory import RunDirectory
    from eig_tf.runs.training_images import load_training_images
    directory = RunDirectory(run_dir)
    config, model, epochs = directory.restore_model()
    candidates = _parse_candidates(model.num_codes)
    if asked is None and not candidates:
        if "categories" not in config:
            raise UserError(f"--num_categories is missing; a run of {config.method} has no number of its own")
        options = config.categories
        asked = AUTO if options.choose_number else options.num_categories
    if not candidates and config.training.epochs - guided_epochs(config) < epochs < config.training.epochs:
        raise UserError(f"{directory.path} has done {epochs} of {config.training.epochs} epochs and trains "
                        "with the categories that it has; expected the training to be continued until its "
                        f"end, which --config.training.epochs={epochs} makes the present epoch")
    given = {name: FLAGS[name].value for name in ("ignore_colours", "contrastive_steps")}
    settings = category_files.discovery_settings(config)._replace(
        **{name: value for name, value in given.items() if value is not None})
    _, image_set = load_training_images(directory, config, FLAGS.data_dir, FLAGS.cache_dir)
    for note in image_set.notes:
        print(names.printable(f"note: {note}"))
    if candidates:
        discovery.numbers_to_compare(candidates, model.num_codes, len(image_set.images))
        with directory.locked():
            real = discovery.represent_images(
                model, image_set.images, settings, directory.contrastive_encoder)
        print(number.format_numbers(number.measure_numbers(real.features, candidates, config.seed)))
        return
    with directory.locked():
        category_files.find_run_categories(directory, settings, model, epochs, image_set.images,
                                           None if asked == AUTO else asked)
    print(f"categories  {directory.categories}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

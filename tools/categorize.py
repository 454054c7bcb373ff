"""Sort real images by the categories that a run has found; no labels are needed.

    python tools/categorize.py RUN_DIR
    python tools/categorize.py RUN_DIR --images=FOLDER
    python tools/categorize.py RUN_DIR --images=images.zip --output=found.csv

Without --images, all images of the run's own data set are sorted; with it, those of any folder, list or
archive, resized and converted to the run's size and colours, but for files that cannot be read. Writes a
table with a row for every image, and beside it a picture of the most confident images of each category.

If the codes of the run are grouped into categories (RUN_DIR/categories), the columns are file, category,
probability, code (that of the encoder) and code_probability. Otherwise each code is a category, and the
columns are file, code and probability. The column class follows where there are labels.

--decisions=FILE applies what was decided in the run's report (tools/report.py): merged categories are one,
and the columns name and decision (keep or reject) are added.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("images", None, "folder, list or archive of images to sort; the run's own data set when "
                    "absent")
flags.DEFINE_bool("recursive", False, "take the files of --images at any depth, also beside sub-folders")
flags.DEFINE_string("data_dir", None, "directory of the run's data set; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_string("output", None, "CSV file to write, with a PNG of the same name beside it; "
                    "categories.csv in RUN_DIR when absent, categories_NAME.csv with --images=NAME")
flags.DEFINE_string("decisions", None, "JSON file of decisions on the categories, saved in the run's report")


def check_output(path: Path) -> None:
    """Raise a `UserError` unless a table and its picture can be written, before anything is decoded."""
    if path.suffix.lower() != ".csv":
        found = ", a directory" if path.is_dir() else ""
        raise UserError(f"--output is {str(path)!r}{found}; expected the name of a file that ends in .csv")
    for file in (path, path.with_suffix(".png")):
        if file.is_dir():
            raise UserError(f"--output is {str(path)!r}, but {str(file)!r} is a directory; expected the "
                            "name of a file, with that of its picture free")
    command.check_output_place(path, path.parent)


def main(arguments: list[str]) -> None:
    """Sort the images that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    if FLAGS.images is not None and FLAGS.data_dir is not None:
        raise UserError("--images and --data_dir are given; expected other images or the run's data set")
    if FLAGS.images is not None and not Path(FLAGS.images).exists():
        raise UserError(f"--images is {FLAGS.images!r}, which does not exist; expected a folder, a list or "
                        "an archive of images")
    if FLAGS.recursive and FLAGS.images is None:
        raise UserError("--recursive is given without --images; expected it for other images only")
    name = "categories"
    if FLAGS.images is not None:
        images = Path(FLAGS.images).resolve()
        # The dot of a folder begins no suffix.
        name += f"_{images.name if images.is_dir() else images.stem}"
    output = run_dir / f"{name}.csv" if FLAGS.output is None else Path(FLAGS.output)
    check_output(output)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import names
    from eig_tf.evaluation import categorize
    image_set, found, notes = categorize.categorize(
        run_dir, output, FLAGS.images, FLAGS.data_dir, FLAGS.cache_dir, FLAGS.decisions, FLAGS.recursive)
    print(names.printable(f"{len(image_set.images)} images from {image_set.source}"))
    for note in notes:
        print(names.printable(f"note: {note}"))
    print(categorize.format_categories(found))
    print(f"table    {output}")
    print(f"picture  {categorize.figure_path(output)}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

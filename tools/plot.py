"""Draw the figures of a run directory.

    python tools/plot.py RUN_DIR
    python tools/plot.py RUN_DIR --codes=0,3,7 --columns=8 --formats=png,pdf --output=figures
    python tools/plot.py RUN_DIR --figures=overview,codes --small --output=pictures

Writes, all or none, into RUN_DIR/figures:
  overview        what goes in (images without labels), the categories that come out, and their distribution
  codes           images of each code, with its probability and the class it matches (figures 4 to 7)
  hierarchy       the tree of the codes, cut into categories, if the run has categories
  traversal_J     each code along continuous code J, if the run has continuous codes
  neighbours      real images and their five nearest by the encoder's features, red where the class differs
                  (figure 9)
  prior           the model's distribution of the codes beside the true one of the classes
  prior_history   the probability of each code over the epochs
  losses          each loss over the epochs
  confusion       codes and the classes of their images
Matched classes and confusion are those that tools/evaluate.py found; a run without them is drawn as well.
If the codes of the run are grouped into categories (RUN_DIR/categories), overview has a row for each category
and the codes are ordered by category; --codes shows single codes in overview too.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_list("figures", None, "figures to draw, such as overview,codes,traversal; all when absent")
flags.DEFINE_string("output", None, "directory of the figures; RUN_DIR/figures when absent")
flags.DEFINE_string("data_dir", None, "directory of the data set's files; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_integer("columns", 10, "images of each code and steps of a traversal, 1 to 100")
flags.DEFINE_list("codes", None, "codes to show in grids, in that order; all when absent")
flags.DEFINE_enum("codes_as", "rows", ["rows", "columns"], "whether a code is a row or a column of a grid")
flags.DEFINE_integer("seed", 0, "seed of the latents, the samples and the queries for neighbours, at least 0")
flags.DEFINE_list("formats", ["png"], "files to write: png, pdf or both")
flags.DEFINE_bool("small", False, "write small files for web pages: images of at most 52 pixels, 128 colours")


def check_flags() -> None:
    """Raise a `UserError` for values out of range."""
    if not 1 <= FLAGS.columns <= 100:
        raise UserError(f"--columns is {FLAGS.columns}; expected a number from 1 to 100")
    if not 0 <= FLAGS.seed < 2**31:
        raise UserError(f"--seed is {FLAGS.seed}; expected a number from 0 to {2**31 - 1}")
    if not FLAGS.formats or not set(FLAGS.formats) <= {"png", "pdf"}:
        raise UserError(f"--formats is {','.join(FLAGS.formats)!r}; expected png, pdf or png,pdf")


def parse_codes(values: list[str] | None) -> list[int] | None:
    """Return the codes of --codes, None without it; raise a `UserError` unless they are distinct numbers."""
    if values is None:
        return None
    codes = [int(value) for value in values if value.strip().isdecimal()]
    if not values or len(codes) != len(values) or len(set(codes)) != len(codes):
        raise UserError(f"--codes is {','.join(values)!r}; expected different codes, such as 0,3,7")
    return codes


def check_output(path: Path) -> None:
    """Raise a `UserError` unless figures can be written there, before anything is decoded."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--output is {str(path)!r}, a file; expected a directory, or a new name")
    command.check_output_place(path, path if path.is_dir() else path.parent, "directory")


def main(arguments: list[str]) -> None:
    """Draw the run directory that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    check_flags()
    codes = parse_codes(FLAGS.codes)
    output = run_dir / "figures" if FLAGS.output is None else Path(FLAGS.output)
    check_output(output)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.evaluation.plots import plot_run
    from eig_tf.evaluation.run_figures import FigureOptions
    options = FigureOptions(FLAGS.columns, codes, FLAGS.codes_as == "columns", FLAGS.seed, FLAGS.small)
    paths, notes = plot_run(
        run_dir, output, options, FLAGS.figures, FLAGS.data_dir, FLAGS.cache_dir, FLAGS.formats)
    for note in notes:
        print(f"note: {note}")
    for path in paths:
        print(f"figure  {path}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

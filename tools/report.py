"""Write the report of a run, or of a sweep, as one HTML file that opens without a network.

    python tools/report.py RUN_DIR
    python tools/report.py RUN_DIR --output=report.html
    python tools/report.py RUN_DIR --tensorboard
    python tools/report.py SWEEP_DIR

The report of a run shows its categories with their sizes and images, the images that fit none, a map of
all images, and the training. In the page, categories can be named, merged, kept and rejected; it saves these
decisions as a JSON file, which tools/categorize.py --decisions=FILE applies to its table. The report of a
sweep compares its runs. docs/reports.md says more.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "HTML file to write; report.html in the directory when absent")
flags.DEFINE_string("data_dir", None, "directory of the run's data set; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_bool("tensorboard", False, "write the images of a run for TensorBoard's projector too, into "
                  "RUN_DIR/logs")
flags.DEFINE_integer("seed", 0, "seed of generated images and of the map, at least 0")


def check_flags(output: Path) -> None:
    """Raise a `UserError` for values out of range, or if the report cannot be written there."""
    if not 0 <= FLAGS.seed < 2**31:
        raise UserError(f"--seed is {FLAGS.seed}; expected a number from 0 to {2**31 - 1}")
    if output.suffix.lower() != ".html" or output.is_dir():
        found = ", a directory" if output.is_dir() else ""
        raise UserError(f"--output is {str(output)!r}{found}; expected the name of a file that ends in .html")
    command.check_output_place(output, output.parent)


def main(arguments: list[str]) -> None:
    """Report on the directory that the command line names."""
    directory = Path(command.single_argument(arguments, "RUN_DIR or SWEEP_DIR"))
    if not directory.is_dir():
        raise UserError(f"{directory} is not a directory; expected one of a run or of a sweep")
    output = directory / "report.html" if FLAGS.output is None else Path(FLAGS.output)
    check_flags(output)
    if not any((directory / name).is_file() for name in ("config.json", "sweep.json")):
        raise UserError(f"{directory} has neither config.json nor sweep.json; expected the directory of a "
                        "run or of a sweep")
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import names
    if (directory / "sweep.json").is_file():
        for name in ("tensorboard", "data_dir", "cache_dir", "seed"):
            if FLAGS[name].present:
                raise UserError(f"--{name} is given, but {directory} is a sweep; expected a run with it")
        from eig_tf.reports.sweep_report import report_sweep
        found, notes = report_sweep(directory, output)
    else:
        from eig_tf.reports.run_report import report_run
        found, notes = report_run(directory, output, FLAGS.data_dir, FLAGS.cache_dir, FLAGS.seed,
                                  FLAGS.tensorboard)
    for note in notes:
        print(names.printable(f"note: {note}"))
    print(names.printable(found))
    print(f"report  {output}, {output.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    command.run_command(main, __doc__)

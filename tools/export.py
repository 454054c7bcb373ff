"""Export a run directory as a SavedModel that TensorFlow Serving can load, or as TFLite or Keras files.

    python tools/export.py RUN_DIR
    python tools/export.py RUN_DIR --output=/models --name=faces --keep=2
    python tools/export.py RUN_DIR --format=tflite --quantization=float16

A SavedModel is written atomically as the next version of a model, RUN_DIR/export/<data set>/1, 2, ... The
other formats are written to RUN_DIR/export/<data set>-tflite and -keras, and replace an earlier export.
"""

from __future__ import annotations

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "directory of models; RUN_DIR/export by default")
flags.DEFINE_string("name", None, "name of the model, as clients call it; that of the data set by default")
flags.DEFINE_enum("format", "savedmodel", ["savedmodel", "tflite", "keras"], "format to write")
flags.DEFINE_integer("version", None, "number of the version, 1 or more; the next one by default")
flags.DEFINE_integer("keep", None, "versions to keep, the new one among them; all by default")
flags.DEFINE_enum("precision", None, ["float32", "bfloat16"],
                  "precision of the products in a SavedModel; float32 by default")
flags.DEFINE_enum("quantization", None, ["none", "float16", "int8"],
                  "quantization of TFLite files; none by default")

_FORMAT_OF_FLAG = {"version": "savedmodel", "keep": "savedmodel", "precision": "savedmodel",
                   "quantization": "tflite"}


def main(arguments: list[str]) -> None:
    """Export the run directory that the command line names."""
    run_dir = command.single_argument(arguments, "RUN_DIR")
    _check_flags()
    # TensorFlow takes seconds to import, which --help and errors in flags need not wait for.
    if FLAGS.format == "savedmodel":
        from eig_tf.serving import export, signatures
        version = export.export_run(run_dir, FLAGS.output or None, FLAGS.name, FLAGS.version, FLAGS.keep,
                                FLAGS.precision or "float32")
        lines = [*signatures.describe_signatures(version)]
        notes = export.export_notes(version)
        print(f"SavedModel     {version}")
    else:
        from eig_tf.serving import formats
        directory, report = formats.export_files(
            run_dir, FLAGS.format, FLAGS.output or None, FLAGS.name, FLAGS.quantization or "none")
        lines, notes = report.lines(), []
        print(f"{FLAGS.format:<14} {directory}")
    print("\n".join([*(f"  {line}" for line in lines), *(f"note: {note}" for note in notes)]))


def _check_flags():
    for name in ("version", "keep"):
        if FLAGS[name].value is not None and not 1 <= FLAGS[name].value < 2**63:
            raise UserError(f"--{name} is {FLAGS[name].value}; expected 1 or more, below 2^63")
    for name, needed in _FORMAT_OF_FLAG.items():
        if FLAGS[name].value is not None and FLAGS.format != needed:
            raise UserError(f"--{name} is given with --format={FLAGS.format}; expected it only with "
                            f"--format={needed}")
    if FLAGS.name is not None:
        from eig_tf.serving import versions
        versions.check_model_name(FLAGS.name)


if __name__ == "__main__":
    command.run_command(main, __doc__)

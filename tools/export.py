"""Exports a run directory: as a SavedModel that TF Serving can load, as TFLite or as Keras files.

    python tools/export.py RUN_DIR
    python tools/export.py RUN_DIR --output=/models --name=faces --keep=2
    python tools/export.py RUN_DIR --format=tflite --quantization=float16

A SavedModel becomes the next version of a model, RUN_DIR/export/<data set>/1, 2, ..., whole or not at all.
The other formats become RUN_DIR/export/<data set>-tflite and -keras, and replace what lies there.
"""

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "directory of models; RUN_DIR/export when absent")
flags.DEFINE_string("name", None, "of the model, as clients call it; that of the data set when absent")
flags.DEFINE_enum("format", "savedmodel", ["savedmodel", "tflite", "keras"], "what is written")
flags.DEFINE_integer("version", None, "number of the version, 1 or more; the next one when absent")
flags.DEFINE_integer("keep", None, "versions that stay, the new one among them; all when absent")
flags.DEFINE_enum("precision", None, ["float32", "bfloat16"],
                  "of the products in a SavedModel; float32 when absent")
flags.DEFINE_enum("quantization", None, ["none", "float16", "int8"], "of TFLite files; none when absent")

_OF_FORMAT = {"version": "savedmodel", "keep": "savedmodel", "precision": "savedmodel",
              "quantization": "tflite"}


def main(arguments):
    """Exports the run directory that the command line names."""
    run_dir = command.single_argument(arguments, "RUN_DIR")
    _check_flags()
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.serving import export
    if FLAGS.format == "savedmodel":
        version = export.export(run_dir, FLAGS.output or None, FLAGS.name, FLAGS.version, FLAGS.keep,
                                FLAGS.precision or "float32")
        print(f"SavedModel     {version}")
        print("\n".join(f"  {line}" for line in export.describe_signatures(version)))
        for note in export.notes(version):
            print(f"note: {note}")
    else:
        from eig_tf.serving import other_formats
        directory, lines = other_formats.export(
            run_dir, FLAGS.format, FLAGS.output or None, FLAGS.name, FLAGS.quantization or "none")
        print(f"{FLAGS.format:<14} {directory}")
        print("\n".join(f"  {line}" for line in lines))


def _check_flags():
    for name in ("version", "keep"):
        if FLAGS[name].value is not None and not 1 <= FLAGS[name].value < 2**63:
            raise UserError(f"--{name} is {FLAGS[name].value}; expected 1 or more, below 2^63")
    for name, needed in _OF_FORMAT.items():
        if FLAGS[name].value is not None and FLAGS.format != needed:
            raise UserError(f"--{name} is given with --format={FLAGS.format}; expected it with "
                            f"--format={needed} alone")
    if FLAGS.name is not None:
        from eig_tf.serving import model_name
        model_name.check(FLAGS.name)


if __name__ == "__main__":
    command.run(main, __doc__)

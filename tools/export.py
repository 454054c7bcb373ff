"""Exports a run directory as a SavedModel that TF Serving can load.

    python tools/export.py RUN_DIR

Writes the next version, RUN_DIR/export/1, 2, ..., whole or not at all.
"""

from absl import flags

from eig_tf import command

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "directory of the versions; RUN_DIR/export when absent")


def main(arguments):
    """Exports the run directory that the command line names."""
    run_dir = command.single_argument(arguments, "RUN_DIR")
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.serving import export
    version = export.export(run_dir, FLAGS.output or None)
    print(f"SavedModel     {version}")
    for line in export.describe_signatures(version):
        print(f"  {line}")


if __name__ == "__main__":
    command.run(main, __doc__)

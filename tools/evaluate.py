"""Evaluate a run directory: NMI, ENT, prior, 1-NN accuracy, and the codes of real images.

    python tools/evaluate.py RUN_DIR

Writes evaluation.json, confusion.png and prior.png into RUN_DIR. The classifier that judges generated
images is trained once for each data set and kept in --cache_dir; tools/train_classifier.py trains it
beforehand.
"""

from __future__ import annotations

from absl import flags

from eig_tf import files
from eig_tf.cli import classifier_flags, command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(classifier_flags)
flags.DEFINE_string("data_dir", None, "directory of the data set's files; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of classifiers and decoded data sets")
flags.DEFINE_integer("images_per_code", 1000, "number of images generated for each code, 1 or more")
flags.DEFINE_integer("evaluation_seed", 0, "seed of the generated images and of the 1-NN split, 0 or more")


def main(arguments: list[str]) -> None:
    """Evaluate the run directory that the command line names."""
    run_dir = command.single_argument(arguments, "RUN_DIR")
    for name, smallest, largest in (("images_per_code", 1, 10**6), ("evaluation_seed", 0, 2**31 - 1)):
        if not smallest <= FLAGS[name].value <= largest:
            raise UserError(f"--{name} is {FLAGS[name].value}; expected {smallest} to {largest}")
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.evaluation import evaluate
    record = evaluate.evaluate_run(run_dir, FLAGS.cache_dir, FLAGS.data_dir, FLAGS.images_per_code,
                                   FLAGS.evaluation_seed, FLAGS.classifier, FLAGS.pretrained_weights)
    print(evaluate.format_evaluation(record))
    print(f"evaluation     {run_dir}/evaluation.json, confusion.png, prior.png")


if __name__ == "__main__":
    command.run_command(main, __doc__)

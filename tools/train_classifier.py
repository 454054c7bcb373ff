"""Train the classifier that judges generated images of a data set, or report how good the existing one is.

    python tools/train_classifier.py --dataset=cars --data_dir=DIRECTORY
    python tools/train_classifier.py --dataset=ytf --data_dir=DIRECTORY --pretrained_weights=vggface2.h5

The classifier is kept in --cache_dir, where tools/evaluate.py finds it if the data, --preset,
--config.augment.flip, --classifier and --pretrained_weights are those of the run and its evaluation. It is
trained on all images of the classes, whatever --split and --imbalance.
"""

from __future__ import annotations

from absl import flags

from eig_tf.cli import classifier_flags, command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.adopt_module_key_flags(classifier_flags)


def main(arguments: list[str]) -> None:
    """Train the classifier that the flags describe."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = run_flags.config_from_flags()
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.data import registry
    from eig_tf.evaluation.judge import judge
    recipe = judge.choose_recipe(config, FLAGS.classifier, FLAGS.pretrained_weights)
    image_set = registry.load(config, FLAGS.data_dir, FLAGS.cache_dir)
    trained = judge.load_or_train_judge(image_set, FLAGS.cache_dir, config.dataset, recipe)
    if trained.trained_before:
        print("trained before; delete the directory to train it again")
    print("\n".join(judge.format_judge_report(trained.report, config.dataset)))
    print(f"directory    {trained.directory}")


if __name__ == "__main__":
    command.run_command(main, __doc__, prepare=run_flags.define_config_flags)

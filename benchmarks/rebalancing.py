"""Measure whether generated images of rare classes improve a classifier, compared with oversampling.

    python -m benchmarks.rebalancing RUN_DIR --output=rebalancing.json

Small classifiers are trained on the labelled training images of a run, equally long and with the run's own
augmentations: on the images as they are (imbalanced), drawn equally often from each class (oversampled), and
the same with the images that tools/rebalance.py --by=class generates for classes with too few (rebalanced).
They are compared by the recall of each class on images that the run's training subset leaves out. A run on a
whole set leaves none out: a fifth of each class is then kept from the classifiers, but the run has seen these
images, without their labels.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags
from tensorflow import keras

from benchmarks import reports
from eig_tf import files, progress
from eig_tf.cli import command
from eig_tf.data import augment, holdout, registry
from eig_tf.data.pipeline import to_float
from eig_tf.errors import UserError
from eig_tf.evaluation import rebalance
from eig_tf.evaluation.judge.training import balanced_indices
from eig_tf.networks.classifiers import small_cnn
from eig_tf.runs.category_files import load_categories
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.training_images import load_training_images

FLAGS = flags.FLAGS

flags.DEFINE_integer("steps", 1500, "training steps of each classifier", lower_bound=1)
flags.DEFINE_integer("seeds", 3, "classifiers of each kind", lower_bound=1)
flags.DEFINE_float("min_probability", 0.5, "see tools/rebalance.py", lower_bound=0.0, upper_bound=1.0)
flags.DEFINE_string("data_dir", None, "directory of the run's data set; that of the training when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of decoded data sets")
flags.DEFINE_string("output", None, "JSON file for the result")

_BATCH, _RATE = 64, 1e-3
# The classes with the fewest images are rare: this share of them.
_RARE_SHARE = 1 / 3


def measure_rebalancing(run_dir: str, steps: int, seeds: int, min_probability: float,
                        data_dir: str | None = None, cache_dir: str | None = None) -> dict[str, Any]:
    """Return the recall of each class by kind of training; see the module.

    Raises:
        UserError: there is no run, or its images cannot be loaded or have no labels.
    """
    report = reports.describe_run("recall on held-out images, mean over classifiers")
    directory = RunDirectory(run_dir)
    config, model, epochs = directory.restore_model()
    whole, trained = load_training_images(directory, config, data_dir, cache_dir)
    if trained.labels is None:
        raise UserError(f"{run_dir} is a run on images without labels; expected labelled ones")
    held_out, trained = registry.left_out_images(config, whole), trained.labelled()
    seen_by_run = held_out is None
    if seen_by_run:
        kept, left = holdout.per_class_split(trained.labels, seed=0)
        trained, held_out = trained.subset(kept), trained.subset(left)
    sorter = rebalance.make_sorter(model, load_categories(directory, model, epochs))
    categories = sorter.probabilities(trained.images).argmax(axis=1)
    groups = rebalance.group_by_class(categories, len(sorter.prior), trained)
    counts = np.bincount(trained.labels, minlength=len(trained.class_names))
    real, labels = np.asarray(trained.images[np.arange(len(trained.images))]), trained.labels
    test = np.asarray(held_out.images[np.arange(len(held_out.images))])
    # A class of which every image was trained on has no recall.
    tested = np.unique(held_out.labels)
    view = augment.make_view_function(config) or (lambda images, seed: images)
    num_generated = np.zeros([seeds, len(counts)], int)
    recalls: dict[str, list[np.ndarray]] = {"imbalanced": [], "oversampled": [], "rebalanced": []}
    for seed in range(seeds):
        generated = [[images for images, _ in group.blocks]
                     for group in rebalance.balance_groups(sorter, groups, None, min_probability, seed)]
        num_generated[seed] = [sum(map(len, blocks)) for blocks in generated]
        images = np.concatenate([real, *itertools.chain.from_iterable(generated)])
        all_labels = np.concatenate([labels, np.repeat(np.arange(len(counts)), num_generated[seed])])
        for kind, found in recalls.items():
            shown = (images, all_labels) if kind == "rebalanced" else (real, labels)
            with progress.stage(f"trains a classifier, {kind}, seed {seed}"):
                classifier = _train_classifier(shown[0], shown[1], len(counts), kind != "imbalanced", view,
                                               steps, seed)
            predicted = classifier.predict(to_float(test), batch_size=500, verbose=0).argmax(axis=1)
            found.append(np.array([np.mean(predicted[held_out.labels == label] == label)
                                   for label in tested]))
    rare = np.argsort(counts[tested], kind="stable")[:int(np.ceil(_RARE_SHARE * len(tested)))]
    return {
        **report, "run": {"dataset": config.dataset, "method": config.method, "split": config.split,
                          "seed": config.seed, "epochs": epochs, "preset": config.preset},
        "steps": steps, "seeds": seeds, "min_probability": min_probability,
        "held_out_images_seen_by_the_run": seen_by_run, "num_held_out": len(test),
        "class_names": [trained.class_names[label] for label in tested], "counts": counts[tested].tolist(),
        "generated": num_generated.mean(axis=0)[tested].tolist(),
        "rare": [trained.class_names[label] for label in tested[rare]],
        "rows": [{
            "name": kind, "recall": np.mean(found, axis=0).tolist(),
            "mean_recall": _mean_and_deviation([each.mean() for each in found]),
            "rare_recall": _mean_and_deviation([each[rare].mean() for each in found]),
        } for kind, found in recalls.items()]}


def _train_classifier(images, labels, num_classes, balanced, view, steps, seed):
    keras.utils.set_random_seed(seed)
    if balanced:
        order = np.fromiter(itertools.islice(balanced_indices(labels, seed), steps * _BATCH), np.int64)
    else:
        generator = np.random.default_rng(seed)
        epochs = -(-steps * _BATCH // len(labels))
        order = np.concatenate([generator.permutation(len(labels)) for _ in range(epochs)])[:steps * _BATCH]

    def make_batch(step, indices):
        batch = to_float(tf.numpy_function(lambda chosen: images[chosen], [indices], tf.uint8))
        batch = tf.ensure_shape(batch, [_BATCH, *images.shape[1:]])
        return view(batch, tf.stack([seed, tf.cast(step, tf.int32)])), tf.gather(labels, indices)
    batches = tf.data.Dataset.from_tensor_slices(order.reshape(steps, _BATCH)).enumerate().map(
        make_batch, num_parallel_calls=2).prefetch(2)
    classifier = small_cnn(images.shape[1:], num_classes)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps)
    classifier.compile(keras.optimizers.legacy.Adam(rate),
                       keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    classifier.fit(batches, epochs=1, verbose=0)
    return classifier


def _mean_and_deviation(values):
    return {"mean": float(np.mean(values)),
            "std": float(np.std(values, ddof=1)) if len(values) > 1 else None}


def format_rebalancing_report(report: dict[str, Any]) -> str:
    """Return the text of what `measure_rebalancing` returns."""
    def text(found):
        return f"{found['mean']:.3f}" + ("" if found["std"] is None else f" +- {found['std']:.3f}")
    return "\n".join(reports.format_table(
        ["training images", "mean recall", f"recall of {', '.join(report['rare'])}"],
        [[row["name"], text(row["mean_recall"]), text(row["rare_recall"])] for row in report["rows"]]))


def main(arguments: list[str]) -> None:
    """Measure on the run that the command line names."""
    run_dir = command.run_directory_argument(arguments)
    if FLAGS.output is not None:
        command.check_output_place(FLAGS.output, Path(FLAGS.output).parent)
    report = measure_rebalancing(str(run_dir), FLAGS.steps, FLAGS.seeds, FLAGS.min_probability,
                                 FLAGS.data_dir, FLAGS.cache_dir)
    print(format_rebalancing_report(report))
    if FLAGS.output is not None:
        files.write_json(report, FLAGS.output)


if __name__ == "__main__":
    command.run_command(main, __doc__)

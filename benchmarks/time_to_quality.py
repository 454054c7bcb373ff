"""Measure how long a training takes until its generated images reach an NMI.

    python -m benchmarks.time_to_quality --dataset=mnist --split=0 --output=quality.json
    python -m benchmarks.time_to_quality --dataset=mnist --threshold=0.8 --every=2 \\
        --config.optimizer.prior_learning_rate=1e-3 --config.training.precision=float32 --output=quality.json

Seconds are those of the epochs' steps, with the tracing of the first; evaluations, sample grids and
checkpoints after an epoch are not counted. The classifier of the data set comes from the cache; if it is not
there, it is trained first. The training ends when the NMI is reached, or after its epochs.

A method that finds categories has them only at the end: the NMI is that of the final categories, and the
seconds are those of the whole training. `--every` has no effect then.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from absl import flags
from tensorflow import keras

from benchmarks import reports
from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.cli import command, run_flags
from eig_tf.config import METHODS
from eig_tf.data import registry
from eig_tf.errors import UserError
from eig_tf.evaluation import metrics
from eig_tf.evaluation.evaluate import evaluate_run
from eig_tf.evaluation.judge import judge
from eig_tf.evaluation.registry import EvaluationContext
from eig_tf.models.base import GenerativeModel
from eig_tf.runs import environment
from eig_tf.runs.training import train_run

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_float("threshold", 0.85, "NMI of generated images at which the training ends", lower_bound=0.0,
                   upper_bound=1.0)
flags.DEFINE_integer("every", 1, "epochs between evaluations", lower_bound=1)
flags.DEFINE_integer("images_per_code", 1000, "images of each code that are generated for an evaluation",
                     lower_bound=1)
flags.DEFINE_string("output", None, "JSON file for the result")


class QualityReachedError(Exception):
    """The end of a training whose images are good enough."""


class QualityClock(keras.callbacks.Callback):
    """Evaluates after epochs, and measures the seconds of training alone.

    Args:
        evaluate: model -> NMI and ENT.
        threshold: the NMI at which `QualityReachedError` is raised.
        every: epochs between evaluations; the last epoch is evaluated too.
        last_epoch: the number of epochs.
        clock: returns seconds.
    """

    def __init__(self, evaluate: Callable[[GenerativeModel], tuple[float, float]], threshold: float,
                 every: int, last_epoch: int, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self.evaluate = evaluate
        self.threshold = threshold
        self.every = every
        self.last_epoch = last_epoch
        self.clock = clock
        self.seconds = 0.0
        self.curve: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clock."""
        self._began_at = self.clock()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop the clock; evaluate."""
        self.seconds += self.clock() - self._began_at
        if (epoch + 1) % self.every and epoch + 1 != self.last_epoch:
            return
        nmi, ent = self.evaluate(self.model)
        self.curve.append({"epoch": epoch + 1, "steps": int(self.model.step.numpy()),
                           "seconds": self.seconds, "nmi": nmi, "ent": ent})
        print(f"epoch {epoch + 1}: {self.seconds:.1f} s of training, NMI {nmi:.3f}, ENT {ent:.3f}",
              flush=True)
        if nmi >= self.threshold:
            raise QualityReachedError


class StepCounter(keras.callbacks.Callback):
    """Counts the steps of a training."""

    steps = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Read the number of steps from the model."""
        self.steps = int(self.model.step.numpy())


def main(arguments: list[str]) -> None:
    """Train what the flags describe until the NMI is reached; write the JSON file."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    if FLAGS.output is not None:
        command.check_output_place(FLAGS.output, Path(FLAGS.output).parent)
    config = run_flags.config_from_flags()
    result: dict[str, Any] = {**reports.describe_run(reports.RATIO_NOTE), **reports.describe_config(config)}
    whole, image_set = registry.load_split(config, FLAGS.data_dir, FLAGS.cache_dir)
    trained = judge.load_or_train_judge(whole, FLAGS.cache_dir, config.dataset, judge.choose_recipe(config))

    def evaluate(model):
        counts = EvaluationContext(model, config, image_set, trained.predict_classes, FLAGS.images_per_code,
                                   seed=0).confusion
        return metrics.normalized_mutual_information(counts), metrics.average_entropy(counts)[0]

    epochs = config.training.epochs
    with tempfile.TemporaryDirectory(prefix="eig_tf-benchmark-") as directory:
        run_dir = f"{directory}/run"
        if METHODS[config.method].codes_per_category:
            counter, began_at = StepCounter(), time.perf_counter()
            train_run(config, run_dir, FLAGS.data_dir, FLAGS.cache_dir, callbacks=[counter])
            seconds = time.perf_counter() - began_at
            found = evaluate_run(run_dir, FLAGS.cache_dir, FLAGS.data_dir, FLAGS.images_per_code).categories
            curve = [{"epoch": epochs, "steps": counter.steps, "seconds": seconds, "nmi": found["nmi"],
                      "ent": found["ent"]}]
        else:
            clock = QualityClock(evaluate, FLAGS.threshold, FLAGS.every, epochs)
            with contextlib.suppress(QualityReachedError):
                train_run(config, run_dir, FLAGS.data_dir, FLAGS.cache_dir, callbacks=[clock])
            curve = clock.curve
    reached = curve[-1] if curve[-1]["nmi"] >= FLAGS.threshold else None
    if FLAGS.output is not None:
        files.write_json({
            **result, "precision": environment.resolve_precision(config.training.precision),
            "settings": config_lib.flatten(config), "threshold": FLAGS.threshold, "every": FLAGS.every,
            "images_per_code": FLAGS.images_per_code, "judge_accuracy": trained.report["accuracy"],
            "reached": reached, "curve": curve}, FLAGS.output)
    print(f"NMI {FLAGS.threshold:g} is not reached in {epochs} epochs" if reached is None else
          f"NMI {FLAGS.threshold:g} is reached after {reached['seconds']:.0f} s, {reached['steps']:,} steps "
          f"and {reached['epoch']} epochs")


if __name__ == "__main__":
    command.run_command(main, __doc__, prepare=run_flags.define_config_flags)

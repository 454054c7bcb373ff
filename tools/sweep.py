"""Train and evaluate the runs of a specification, side by side, on this machine or on a Ray cluster.

    python tools/sweep.py configs/sweeps/digits.yaml --dry_run
    python tools/sweep.py configs/sweeps/digits.yaml
    python tools/sweep.py SPEC --data_root=DIRECTORY --gpus_per_run=0.15
    python tools/sweep.py SPEC --data_root=/shared/data --sweep_dir=/shared/sweep --address=auto

The same command continues a sweep that was interrupted: runs that are done are skipped, others continue
after their last checkpoint. The exit status is 1 if a run failed. docs/sweeps.md describes specifications.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command

FLAGS = flags.FLAGS

flags.DEFINE_string("sweep_dir", None, "directory of the sweep, in a file system that all machines share; "
                    "sweeps/<name of SPEC> when absent")
flags.DEFINE_string("data_root", ".", "directory that data_dir of SPEC is relative to")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of classifiers and decoded data sets")
flags.DEFINE_float("cpus_per_run", 1.0, "cores of each run", lower_bound=0.01)
flags.DEFINE_float("gpus_per_run", 0.0, "GPUs of each run, such as 0.15; 0 to train on CPUs", lower_bound=0.0)
flags.DEFINE_string("address", None, "address of a Ray cluster, such as auto or HOST:6379; this machine "
                    "alone when absent")
flags.DEFINE_integer("max_retries", 3, "how often a run whose process or machine died is started again",
                     lower_bound=0)
flags.DEFINE_bool("dry_run", False, "list the runs with their commands, and estimate their time")


def main(arguments: list[str]) -> int:
    """Run the sweep that the command line names; return the exit status."""
    path = command.single_argument(arguments, "SPEC")
    from eig_tf.sweeps import estimate, execution, spec
    sweep = spec.load_spec(path)
    sweep_dir = FLAGS.sweep_dir or Path("sweeps") / Path(path).stem
    places = {"data_root": FLAGS.data_root, "cache_dir": FLAGS.cache_dir, "cpus_per_run": FLAGS.cpus_per_run,
              "gpus_per_run": FLAGS.gpus_per_run, "address": FLAGS.address}
    if FLAGS.dry_run:
        estimate.print_plan(sweep, sweep_dir, **places)
        return 0
    outcomes = execution.run_sweep(sweep, sweep_dir, **places, max_retries=FLAGS.max_retries)
    print(execution.format_outcomes(outcomes, sweep_dir))
    return execution.exit_status(outcomes)


if __name__ == "__main__":
    command.run_command(main, __doc__)

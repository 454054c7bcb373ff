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

from eig_tf.cli import command, sweep_flags

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(sweep_flags)
flags.DEFINE_string("sweep_dir", None, "directory of the sweep, in a file system that all machines share; "
                    "sweeps/<name of SPEC> when absent")
flags.DEFINE_bool("dry_run", False, "list the runs with their commands, and estimate their time")


def main(arguments: list[str]) -> int:
    """Run the sweep that the command line names; return the exit status."""
    path = command.single_argument(arguments, "SPEC")
    from eig_tf.sweeps import estimate, execution, spec
    sweep = spec.load_spec(path)
    sweep_dir = FLAGS.sweep_dir or Path("sweeps") / Path(path).stem
    places = sweep_flags.places_from_flags()
    if FLAGS.dry_run:
        estimate.print_plan(sweep, sweep_dir, **places)
        return 0
    outcomes = execution.run_sweep(sweep, sweep_dir, **places, max_retries=FLAGS.max_retries)
    print(execution.format_outcomes(outcomes, sweep_dir))
    return execution.exit_status(outcomes)


if __name__ == "__main__":
    command.run_command(main, __doc__)

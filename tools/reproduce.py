"""Make the tables and figures of the paper, each number beside the paper's; train what is missing.

    python tools/reproduce.py table1 --data_root=DATA                # the paper's protocol, days on GPUs
    python tools/reproduce.py all --preset=cpu --data_root=DATA      # small networks, substitute data
    python tools/reproduce.py table1 --evaluations=results/digits    # tables of what there is; no training
    python tools/reproduce.py false_negatives

Targets:
  table1 to table4        NMI and ENT, both with deviations, 1-NN accuracy
  fig1, fig3 to fig9      images of the codes; neighbours of real images (fig9)
  traversals              images along two continuous codes (section 4.2)
  claims                  the paper's claims as paired differences, with a verdict for each data set
  false_negatives         E(F.N.) of the paper's splits (supplement 2); needs no training
  ablations               elastic_infogan on digits and on a split of MNIST, with one setting changed at
                          a time; not in the paper
  all                     everything but the ablations
A table is written as .md, .csv, .tex and .png, a figure as .png with its caption in .md. A cell without runs
is `missing`; runs of unequal settings in one column are refused. The same command continues what was
interrupted; the exit status is 1 if a run failed or `all` leaves out a target.
docs/reproduction.md says what is run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from eig_tf.cli import command, sweep_flags
from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.reproduction import protocol

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(sweep_flags)
flags.DEFINE_enum("preset", "paper", ["paper", "cpu"], "paper: the paper's protocol; cpu: small networks, "
                  "few epochs and substitute data")
flags.DEFINE_string("output", None, "directory of tables and figures; reproduction/PRESET, or with "
                    "--evaluations reproduction/evaluations, when absent")
flags.DEFINE_string("sweep_dir", None, "directory of the sweeps; OUTPUT/sweeps when absent")
flags.DEFINE_multi_string("evaluations", None, "evaluation.json files or directories of them, with * and ?; "
                          "may be repeated. Nothing is trained")
flags.DEFINE_list("datasets", None, "columns of tables 1 to 4 and of the claims, such as mnist,cars; all "
                  "when absent")
flags.DEFINE_enum("reference", "elastic_infogan", list(METHODS), "method that the differences in tables 1 to "
                  "4 are to")


_TRAINING_FLAGS = ("preset", "sweep_dir", "data_root", "cpus_per_run", "gpus_per_run", "address",
                   "max_retries")


def check_training_flags(target: str) -> None:
    """Raise a `UserError` for flags of trainings where nothing is trained."""
    why = "--evaluations" if FLAGS.evaluations else target
    if FLAGS.evaluations or target == protocol.FALSE_NEGATIVES:
        for name in _TRAINING_FLAGS:
            if FLAGS[name].present:
                raise UserError(f"--{name} is given with {why}, where it has no effect; expected one of them")


def main(arguments: list[str]) -> int:
    """Make what the command line names; return the exit status."""
    target = command.single_argument(arguments, "a target; --help lists them")
    protocol.check_target(target)
    check_training_flags(target)
    directory = "evaluations" if FLAGS.evaluations else FLAGS.preset
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.reproduction.targets import reproduce
    paths, problems = reproduce(
        target, FLAGS.output or Path("reproduction", directory), preset=FLAGS.preset,
        evaluations=FLAGS.evaluations, sweep_dir=FLAGS.sweep_dir, datasets=FLAGS.datasets,
        reference=FLAGS.reference, **sweep_flags.places_from_flags(), max_retries=FLAGS.max_retries)
    for path in paths:
        print(f"written  {path}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    command.run_command(main, __doc__)

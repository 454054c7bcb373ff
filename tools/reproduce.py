"""Make the tables and figures of the paper, each number beside the paper's; train what is missing.

    python tools/reproduce.py table1 --data_root=DATA                # the paper's protocol, days on GPUs
    python tools/reproduce.py all --preset=cpu --data_root=DATA      # small networks, substitute data
    python tools/reproduce.py table1 --evaluations=results/digits    # tables of what there is; no training
    python tools/reproduce.py false_negatives

Targets:
  table1 to table4        NMI and ENT, both with deviations, 1-NN accuracy
  fig1, fig3 to fig9      images of the codes; neighbours of real images (fig9)
  traversals              images along two continuous codes (section 4.2)
  false_negatives         E(F.N.) of the paper's splits (supplement 2); needs no training
  ablations               elastic_infogan on digits with one setting changed at a time; not in the paper
  all                     everything but the ablations
A table is written as .md, .csv, .tex and .png, a figure as .png with its caption in .md. A cell without runs
is `missing`; runs of unequal settings in one column are refused. The same command continues what was
interrupted; the exit status is 1 if a run failed. docs/reproduction.md says what is run.
"""

from __future__ import annotations

import sys
from pathlib import Path

from absl import flags

from eig_tf import files
from eig_tf.cli import command
from eig_tf.config import METHODS
from eig_tf.reproduction import protocol

FLAGS = flags.FLAGS

flags.DEFINE_enum("preset", "paper", ["paper", "cpu"], "paper: the paper's protocol; cpu: small networks, "
                  "few epochs and substitute data")
flags.DEFINE_string("output", None, "directory of tables and figures; reproduction/PRESET when absent")
flags.DEFINE_string("sweep_dir", None, "directory of the sweeps; OUTPUT/sweeps when absent")
flags.DEFINE_multi_string("evaluations", None, "evaluation.json files or directories of them, with * and ?; "
                          "may be repeated. Nothing is trained")
flags.DEFINE_list("datasets", None, "columns to make, such as mnist,cars; all when absent")
flags.DEFINE_enum("reference", "elastic_infogan", list(METHODS), "method that the differences in tables 1 to "
                  "4 are to")
flags.DEFINE_string("data_root", ".", "directory of the directories of the data sets")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "directory of classifiers and decoded data sets")
flags.DEFINE_float("cpus_per_run", 1.0, "cores of each run", lower_bound=0.01)
flags.DEFINE_float("gpus_per_run", 0.0, "GPUs of each run, such as 0.15; 0 to train on CPUs", lower_bound=0.0)
flags.DEFINE_string("address", None, "address of a Ray cluster, such as auto or HOST:6379; this machine "
                    "alone when absent")
flags.DEFINE_integer("max_retries", 3, "how often a run whose process or machine died is started again",
                     lower_bound=0)


def main(arguments: list[str]) -> int:
    """Make what the command line names; return the exit status."""
    target = command.single_argument(arguments, "a target; --help lists them")
    protocol.check_target(target)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.reproduction.targets import reproduce
    paths, problems = reproduce(
        target, FLAGS.output or Path("reproduction", FLAGS.preset), preset=FLAGS.preset,
        evaluations=FLAGS.evaluations, sweep_dir=FLAGS.sweep_dir, datasets=FLAGS.datasets,
        reference=FLAGS.reference, data_root=FLAGS.data_root, cache_dir=FLAGS.cache_dir,
        cpus_per_run=FLAGS.cpus_per_run, gpus_per_run=FLAGS.gpus_per_run, address=FLAGS.address,
        max_retries=FLAGS.max_retries)
    for path in paths:
        print(f"written  {path}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    command.run_command(main, __doc__)

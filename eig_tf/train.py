"""Train Elastic-InfoGAN or one of its baselines on a class-imbalanced data set.

    python -m eig_tf.train --dataset=digits
    python -m eig_tf.train --dataset=mnist --split=0 --method=uniform_infogan
    python -m eig_tf.train --dataset=mnist --config.training.epochs=15 --config.loss.contrastive_weight=5
    python -m eig_tf.train --dataset=folder --data_dir=my_images --image_size=32 --num_codes=20

The same command on the same run directory continues where it stopped, also on another number of devices; see
docs/distributed.md for several devices and hosts. Every field of the preset
configs/<dataset>.py can be set by --config.<group>.<field>; --help with --dataset=NAME lists them.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(run_flags)
flags.DEFINE_string("workdir", None, "run directory; runs/<dataset>-<method>-split<k>-seed<n>, with "
                    "the preset unless it is paper and the class set for cars and chairs, when absent")
flags.DEFINE_bool("export", True, "export the finished run as a SavedModel; see tools/export.py")
flags.DEFINE_string("devices", None, "what to train on: gpu, gpu:0,1 (numbers of GPUs), cpu, or cpu:N for N "
                    "logical devices; all GPUs, else one CPU, when absent")
flags.DEFINE_float("host_timeout", 300.0, "seconds to wait for the other hosts of TF_CONFIG or of a Slurm "
                   "step", lower_bound=1.0)
flags.DEFINE_bool("overwrite", False, "delete the run in the run directory and start a new one")


def main(arguments: list[str]) -> None:
    """Train what the flags describe."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    config = run_flags.config_from_flags()
    workdir = FLAGS.workdir or Path("runs") / _run_name(config)
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.runs.hosts import cluster_from_environment
    from eig_tf.runs.training import train_run
    directory = train_run(config, workdir, FLAGS.data_dir, FLAGS.cache_dir, FLAGS.overwrite,
                          devices=FLAGS.devices, host_timeout=FLAGS.host_timeout)
    print(f"\nrun directory  {directory.path}\nsample grids   {directory.samples}", flush=True)
    # Several hosts have trained one run, and the first of them exports it.
    cluster = cluster_from_environment()
    if FLAGS.export and (cluster is None or cluster.number == 0):
        from eig_tf.serving import export
        version = export.ensure_exported(directory.path)
        notes = (f"note: {note}" for note in export.export_notes(version))
        print("\n".join([f"SavedModel     {version}", *notes]))


def _run_name(config):
    class_set = f"-set{config.data.class_set}" if "class_set" in config.data else ""
    preset = "" if config.preset == "paper" else f"-{config.preset}"
    return f"{config.dataset}{preset}-{config.method}{class_set}-split{config.split}-seed{config.seed}"


if __name__ == "__main__":
    command.run_command(
        main, __doc__, prepare=run_flags.define_config_flags,
        interrupted="interrupted; the same command continues after the last checkpoint")

"""Find the kinds of images in a folder: from the folder to a report, in one command.

    python -m eig_tf.discover FOLDER
    python -m eig_tf.discover FOLDER --minutes=60 --num_categories=12
    python -m eig_tf.discover FOLDER --image_size=32 --config.augment.flip=False --dry_run

Checks the folder, measures the machine and plans a training of agglomerative_infogan for the time there is,
prints the plan with its reasons (--dry_run stops there), trains, sorts the images into categories.csv and
writes report.html. The same command continues where it stopped. docs/your_images.md says more; --config.*
sets any field of configs/folder.py.
"""

from __future__ import annotations

from pathlib import Path

from absl import flags

from eig_tf.cli import command, run_flags
from eig_tf.errors import UserError

FLAGS = flags.FLAGS
_FIXED = ("dataset", "data_dir", "method", "split", "imbalance", "class_set", "num_identities")

flags.DEFINE_float("minutes", 30.0, "time for everything, more than 0", lower_bound=0.0)
flags.DEFINE_string("workdir", None, "run directory; runs/discover-<name of the folder> when absent")
flags.DEFINE_string("devices", None, "what to train on: gpu, gpu:0,1 (numbers of GPUs) or cpu; all GPUs, "
                    "else one CPU, when absent")
flags.DEFINE_bool("dry_run", False, "print the plan and stop")
for _name in ("preset", "cache_dir", "seed", "image_size", "resize", "recursive", "num_categories",
              "num_codes"):
    flags.declare_key_flag(_name)


def _prepare(argv: list[str]) -> str:
    """Define --config.* for folders; refuse the flags of other data sets."""
    FLAGS(argv, known_only=True)
    for name in _FIXED:
        if FLAGS[name].present:
            raise UserError(f"--{name} is given, which a folder of images has no use for; expected FOLDER "
                            "and the flags that --help lists")
    FLAGS["dataset"].value, FLAGS["method"].value = "folder", "agglomerative_infogan"
    return run_flags.define_config_flags(argv)


def main(arguments: list[str]) -> None:
    """Go from the folder that the command line names to its report."""
    folder = Path(command.single_argument(arguments, "FOLDER"))
    if not folder.exists():
        raise UserError(f"{str(folder)!r} does not exist; expected a folder of images")
    fields = run_flags.fields_from_flags()
    for name in ("dataset", "method", "preset"):
        fields.pop(name, None)
    workdir = Path(FLAGS.workdir or Path("runs") / f"discover-{folder.resolve().name}")
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    from eig_tf.folder_runs import plan, stages
    stages.discover(plan.Request(str(folder), FLAGS.minutes, FLAGS.preset, fields), workdir, FLAGS.cache_dir,
                    FLAGS.devices, FLAGS.dry_run)


if __name__ == "__main__":
    command.run_command(
        main, __doc__, prepare=_prepare,
        interrupted="interrupted; the same command continues where it stopped")

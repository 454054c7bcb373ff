"""Measure the training step and the whole loop, on one device or several, the input pipelines, or an export.

    python tools/benchmark.py
    python tools/benchmark.py --method=gumbel_infogan --output=benchmark.json
    python tools/benchmark.py --what=profile
    python tools/benchmark.py --what=data
    python tools/benchmark.py --what=data --dataset=folder --data_dir=my_images
    python tools/benchmark.py --what=serving --dataset=cars --preset=cpu
    python tools/benchmark.py --what=scaling --dataset=mnist --width=0.25
    python tools/benchmark.py --what=precision

The step is measured on random images of one preset. The first row, Keras's own Adam in float32, is the
reference; the last one before those of --all is what training does. All rows take turns, so that a machine
whose speed drifts slows them alike: the figures are ratios on one machine. The device is the first one.

The profile shows which operations of the step take its time, on one thread of a CPU, where they do not
overlap.

The input pipelines are measured for every preset of the paper, or for one: pairs of an image and its positive
view per second, from the file of a decoded set, on one core and on two; and the memory of a process that
iterates over sets of two sizes. That takes 3.3 GB in the temporary directory (TMPDIR), which are freed again.

Serving is measured on a model with fresh weights, exported and loaded as TensorFlow Serving loads it: every
signature at batch sizes 1, 8, 64 and 256 beside the bare Keras networks; a process's first requests, with and
without warm-up requests; and whether a new batch size costs more than a known one.

Scaling measures the step on one device, on several in one process (GPUs, or logical CPUs where there are
none) and in several processes over loopback, all with the same global batch; with the statistics and
negatives of the global batch, and with those of each device alone; and the peak memory of every process.

Precision measures the step on a GPU in float32, TF32, bfloat16 and float16, with and without XLA, for mnist,
cars and ytf, or for one preset; whether the losses of each stay near those of float32; and whether the first
losses are those of a CPU.

This command needs a checkout: the package `benchmarks` is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.cli import command
from eig_tf.config import METHODS
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_enum("what", "step", ["step", "profile", "data", "serving", "scaling", "precision"],
                  "the training step, the operations in it, the input pipelines, an exported model, several "
                  "devices, or precisions")
flags.DEFINE_enum("dataset", None, config_lib.preset_names(), "preset whose settings are measured; when "
                  "absent, mnist, or all of the paper's for data, and mnist, cars and ytf for precision")
flags.DEFINE_string("preset", "paper", "all but data: paper, or cpu for smaller networks where --dataset "
                    "has them")
flags.DEFINE_float("width", None, "all but data: scale of the layers' sizes; the preset's when absent",
                   lower_bound=0.01)
flags.DEFINE_enum("method", None, list(METHODS), "the preset's when absent")
flags.DEFINE_enum("routing", None, ["head", "shared", "contrastive"],
                  "all but data, serving: gradient routing; the preset's when absent")
flags.DEFINE_integer("batch_size", None, "all but serving: images in a step; the preset's when absent",
                     lower_bound=2)
flags.DEFINE_integer("steps", None, "steps, batches or requests in a row for each measurement; when absent, "
                     "4 steps (precision: 20), 200 batches, or 2 requests of the largest batch to 32 of the "
                     "smallest",
                     lower_bound=1)
flags.DEFINE_integer("repeats", 15, "all but profile: rounds of measurements", lower_bound=1)
flags.DEFINE_bool("all", False, "step: also measure another gradient routing and the method without the "
                  "contrastive term")
flags.DEFINE_multi_integer("replicas", [2], "scaling: number of devices in one process; may be repeated",
                           lower_bound=2)
flags.DEFINE_integer("processes", 2, "scaling: number of processes; 1 for none", lower_bound=1)
flags.DEFINE_integer("loss_steps", 50, "precision: steps after which losses are compared", lower_bound=1)
flags.DEFINE_float("seconds", 480.0, "precision: time for all measurements; what is left is skipped then")
flags.DEFINE_bool("allow_cpu", False, "precision: measure on a CPU where there is no GPU")
flags.DEFINE_bool("xla", True, "precision: measure with XLA too")
flags.DEFINE_multi_integer("num_images", [2_500, 250_000], "data: number of images of a set whose memory is "
                           "measured; may be repeated", lower_bound=1)
flags.DEFINE_string("data_dir", None, "data: directory of --dataset's files; enlarged digits when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "data: directory of decoded data sets")
flags.DEFINE_string("output", None, "JSON file for the figures")

# Digits differ from mnist in their networks alone.
_DATASETS = {"data": ("mnist", "cars", "chairs", "shapenet", "ytf"), "precision": ("mnist", "cars", "ytf")}
# For each flag that some measurements do not take, those that do.
_TAKEN_BY = {"preset": ("step", "profile", "serving", "scaling", "precision"),
             "width": ("step", "profile", "serving", "scaling", "precision"),
             "routing": ("step", "profile", "scaling", "precision"), "all": ("step",),
             "batch_size": ("step", "profile", "data", "scaling", "precision"), "loss_steps": ("precision",),
             "seconds": ("precision",), "allow_cpu": ("precision",), "xla": ("precision",),
             "repeats": ("step", "data", "serving", "scaling", "precision"),
             "replicas": ("scaling",), "processes": ("scaling",), "num_images": ("data",),
             "data_dir": ("data",), "cache_dir": ("data",)}


def find_benchmarks() -> None:
    """Make the package `benchmarks` of this checkout importable; raise a `UserError` outside a checkout."""
    checkout = Path(__file__).resolve().parent.parent
    if not (checkout / "benchmarks" / "worker.py").is_file():
        raise UserError(f"{checkout / 'benchmarks'} is missing, which is not part of the installed package; "
                        "expected tools/benchmark.py of a checkout")
    sys.path.insert(0, str(checkout))


def config_from_flags(dataset: str) -> config_dict.ConfigDict:
    """Return a preset's config with the changes that the flags ask for."""
    config = config_lib.load_preset(dataset, FLAGS.preset, FLAGS.method)
    if FLAGS.routing is not None:
        if "loss.gradient_routing" not in config_lib.flatten(config):
            raise UserError(f"--routing is given, but --method={config.method} has no gradient routing; "
                            "expected another method or no --routing")
        config.loss.gradient_routing = FLAGS.routing
    if FLAGS.width is not None:
        config.networks.width = FLAGS.width
    if FLAGS.batch_size is not None:
        config.training.batch_size = FLAGS.batch_size
    config_lib.validate(config)
    return config


def check_output(path: str) -> None:
    """Raise a `UserError` unless a file can be written at `path`, before minutes of measuring."""
    if Path(path).is_dir():
        raise UserError(f"--output is {path!r}, a directory; expected the name of a JSON file")
    command.check_output_place(Path(path), Path(path).parent)


def check_flags() -> None:
    """Raise a `UserError` for flags that exclude each other."""
    for name, takers in _TAKEN_BY.items():
        if FLAGS.what not in takers and FLAGS[name].present:
            raise UserError(f"--{name} is given, which only --what={' or --what='.join(takers)} takes")
    if FLAGS.what == "data" and FLAGS.method and METHODS[FLAGS.method].contrastive_term is None:
        raise UserError(f"--method is {FLAGS.method}, which takes no pairs; expected one that does")
    if FLAGS.data_dir is not None and FLAGS.dataset is None:
        raise UserError("--data_dir is given, but --dataset is missing; expected the data set of its files")
    if FLAGS.output is not None:
        check_output(FLAGS.output)


def measure() -> tuple[dict[str, Any], str]:
    """Return the figures that the flags ask for, and their text."""
    names = _DATASETS.get(FLAGS.what, ("mnist",))
    configs = [config_from_flags(name) for name in ([FLAGS.dataset] if FLAGS.dataset else names)]
    print("builds and measures; takes a few minutes", flush=True)
    # TensorFlow takes seconds to import; --help and errors in flags need not wait for it.
    from benchmarks import reports
    if FLAGS.what == "data":
        from benchmarks.input_pipeline import measure_input_pipelines
        figures = measure_input_pipelines(configs, FLAGS.steps or 200, FLAGS.repeats, FLAGS.num_images,
                                          FLAGS.data_dir, FLAGS.cache_dir)
        return figures, reports.format_data_report(figures)
    if FLAGS.what == "serving":
        from benchmarks.serving import measure_serving
        figures = measure_serving(configs[0], FLAGS.steps, FLAGS.repeats)
        return figures, reports.format_serving_report(figures)
    if FLAGS.what == "scaling":
        from benchmarks.scaling import measure_scaling
        figures = measure_scaling(configs[0], FLAGS.replicas, FLAGS.processes, FLAGS.steps or 4,
                                  FLAGS.repeats)
        return figures, reports.format_scaling_report(figures)
    if FLAGS.what == "precision":
        from benchmarks.precision import measure_precisions

        def save(report):
            if FLAGS.output is not None:
                files.write_json(report, FLAGS.output)
        figures = measure_precisions(configs, FLAGS.steps or 20, FLAGS.repeats, FLAGS.loss_steps,
                                     FLAGS.seconds, FLAGS.allow_cpu, FLAGS.xla, save)
        return figures, reports.format_precision_report(figures)
    if FLAGS.what == "profile":
        from benchmarks.step_profile import profile_training_step
        figures = profile_training_step(configs[0], FLAGS.steps or 4)
        return figures, reports.format_profile_report(figures)
    from benchmarks.training_step import measure_training_step
    figures = measure_training_step(configs[0], FLAGS.steps or 4, FLAGS.repeats, FLAGS.all)
    return figures, reports.format_step_report(figures)


def main(arguments: list[str]) -> None:
    """Measure what the flags ask for, print the tables and write the JSON file."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    check_flags()
    find_benchmarks()
    figures, text = measure()
    print("\n" + text)
    if FLAGS.output is not None:
        files.write_json(figures, FLAGS.output)
        print(f"\nfigures  {FLAGS.output}")


if __name__ == "__main__":
    command.run_command(main, __doc__)

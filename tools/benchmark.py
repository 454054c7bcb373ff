"""Measures the training step, its parts and the whole loop, the input pipelines, or an exported model.

    python tools/benchmark.py
    python tools/benchmark.py --method=gumbel_infogan --routing=shared --output=benchmark.json
    python tools/benchmark.py --what=data
    python tools/benchmark.py --what=data --dataset=folder --data_dir=my_images
    python tools/benchmark.py --what=serving --dataset=cars --preset=cpu

The step is measured on random images of one preset. The first row, a step with two generator passes and
Keras's Adam, is what the others are compared with. All rows take turns, so that a machine whose speed drifts
slows them alike; figures are ratios on one machine. The device is the first one, the precision the preset's.

The data are measured for every preset of the paper, or for one: pairs of an image and its positive view a
second, from the file of a decoded set, on one core and on two; and the memory of a process that iterates over
sets of two sizes. That takes 3.3 GB in the temporary directory (TMPDIR), which are freed again.

Serving is measured on a model with fresh weights, exported and loaded as TensorFlow Serving loads it: every
signature at batch sizes 1, 8, 64 and 256 beside the bare Keras networks; a process's first requests, with and
without the warm-up records replayed; and whether a new batch size costs more than a known one.
"""

from pathlib import Path

from absl import flags

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.cli import command
from eig_tf.config import METHODS
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_enum("what", "step", ["step", "data", "serving"],
                  "the training step, the input pipelines, or an exported model")
flags.DEFINE_enum("dataset", None, config_lib.preset_names(), "preset whose settings are measured; when "
                  "absent, mnist for the step and serving, and all of the paper's for data")
flags.DEFINE_string("preset", "paper", "step, serving: paper, or cpu for smaller networks where --dataset "
                    "has them")
flags.DEFINE_enum("method", None, list(METHODS), "step, data: method; the preset's when absent")
flags.DEFINE_enum("routing", None, ["head", "shared"], "step: gradient routing; the preset's when absent")
flags.DEFINE_integer("batch_size", None, "step, data: images a step; the preset's when absent", lower_bound=2)
flags.DEFINE_integer("steps", None, "steps, batches or requests in a row for each measurement; when absent, "
                     "4 steps, 200 batches, or 2 requests of the largest batch to 32 of the smallest",
                     lower_bound=1)
flags.DEFINE_integer("repeats", 15, "rounds of measurements", lower_bound=1)
flags.DEFINE_bool("all", False, "step: also measure gumbel_infogan and the other gradient routing")
flags.DEFINE_multi_integer("num_images", [2_500, 250_000], "data: number of images of a set whose memory is "
                           "measured; may be repeated", lower_bound=1)
flags.DEFINE_string("data_dir", None, "data: directory of --dataset's files; enlarged digits when absent")
flags.DEFINE_string("cache_dir", files.default_cache_dir(), "data: directory of decoded data sets")
flags.DEFINE_string("output", None, "JSON file for the figures")

# Digits have the images and the transformations of mnist, their networks apart.
_PAPERS = ("mnist", "cars", "chairs", "shapenet", "ytf")
# Flags that not every measurement takes, and which ones do.
_TAKEN_BY = {"preset": ("step", "serving"), "routing": ("step",), "all": ("step",),
             "method": ("step", "data"), "batch_size": ("step", "data"),
             "num_images": ("data",), "data_dir": ("data",), "cache_dir": ("data",)}


def config_from_flags(dataset):
    """A preset's config with what the flags change."""
    config = config_lib.load_preset(dataset, FLAGS.preset)
    if FLAGS.method is not None:
        config.method = FLAGS.method
    if FLAGS.routing is not None:
        config.loss.gradient_routing = FLAGS.routing
    if FLAGS.batch_size is not None:
        config.training.batch_size = FLAGS.batch_size
    config_lib.validate(config)
    return config


def check_output(path):
    """Raises a `UserError` unless a file can be written at `path`, before minutes of measuring."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"--output is {str(path)!r}, a directory; expected the name of a JSON file")
    command.check_place(path, path.parent)


def check_flags():
    """Raises a `UserError` for flags that do not go with each other."""
    for name, takers in _TAKEN_BY.items():
        if FLAGS.what not in takers and FLAGS[name].present:
            raise UserError(f"--{name} is given, which only --what={' or --what='.join(takers)} takes")
    if FLAGS.what == "data" and FLAGS.method and METHODS[FLAGS.method].contrastive_term is None:
        raise UserError(f"--method is {FLAGS.method}, which takes no pairs; expected one that does")
    if FLAGS.data_dir is not None and FLAGS.dataset is None:
        raise UserError("--data_dir is given, but --dataset is missing; expected the set of these files")


def measure():
    """The figures of what the flags describe, and their text."""
    # TensorFlow takes seconds to import, which --help and flag errors need not wait for.
    if FLAGS.what == "data":
        configs = [config_from_flags(name) for name in ([FLAGS.dataset] if FLAGS.dataset else _PAPERS)]
        announce()
        from benchmarks import data, data_report
        figures = data.run(configs, FLAGS.steps or 200, FLAGS.repeats, FLAGS.num_images, FLAGS.data_dir,
                           FLAGS.cache_dir)
        return figures, data_report.describe(figures)
    config = config_from_flags(FLAGS.dataset or "mnist")
    announce()
    if FLAGS.what == "serving":
        from benchmarks import serving, serving_report
        figures = serving.run(config, FLAGS.steps, FLAGS.repeats)
        return figures, serving_report.describe(figures)
    from benchmarks import report, run
    figures = run.run(config, FLAGS.steps or 4, FLAGS.repeats, FLAGS.all)
    return figures, report.describe(figures)


def announce():
    """Says that it takes a while, once the flags are known to be right."""
    print("builds and measures; takes a few minutes", flush=True)


def main(arguments):
    """Measures what the flags describe, prints the tables and writes the JSON file."""
    if arguments:
        raise UserError(f"unexpected argument {arguments[0]!r}; expected flags only")
    check_flags()
    if FLAGS.output is not None:
        check_output(FLAGS.output)
    figures, text = measure()
    print("\n" + text)
    if FLAGS.output is not None:
        files.write_json(figures, FLAGS.output)
        print(f"\nfigures  {FLAGS.output}")


if __name__ == "__main__":
    command.run(main, __doc__)

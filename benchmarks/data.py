"""How fast the input pipelines are on one core and on two, and what memory they hold."""

import math
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from benchmarks import circumstances, workers
from eig_tf.config import image_shape
from eig_tf.data import registry
from eig_tf.data.loaders import digits
from eig_tf.errors import UserError

NOTE = ("Images come from a file that the operating system holds in memory, made by repeating a few; each "
        "process had its cores to itself only on a machine without other work.")
# Images of the files for the rates: 200 MB at 64x64, far more than the processor's caches hold.
_NUM_IMAGES = 16_384
# Of a data set, how many are repeated.
_NUM_SOURCE = 1_000
_CORES = (1, 2)


def run(configs, steps, repeats, sizes, data_dir=None, cache_dir=None):
    """Measures the pipelines of presets from the cache's kind of file to batches with views.

    Args:
        configs: see `eig_tf.config`; their methods use views.
        steps: batches in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        sizes: numbers of images of the sets whose memory is measured, for the last config.
        data_dir: where the images of the configs' data set are; enlarged digits are taken when None.
        cache_dir: where decoded sets are kept.

    Returns:
        The report, a dict that JSON can hold; `data_report.describe` makes tables of it.

    Raises:
        UserError: the temporary directory has no room, a batch is larger than a set, the system is not
            Linux, or `registry.load` fails.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise UserError(f"--what is data, which asks Linux for cores and memory; this is {sys.platform}")
    for config in configs:
        if config.training.batch_size > min(*sizes, _NUM_IMAGES):
            raise UserError(f"the batch size of --dataset={config.dataset} is {config.training.batch_size}; "
                            f"expected {min(*sizes, _NUM_IMAGES)} or less, the number of images")
    _check_room(tempfile.gettempdir(), configs, sizes)
    about = circumstances.describe(NOTE)
    available = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="eig_tf-benchmark-") as directory:
        rows = [_row(config, Path(directory), _NUM_IMAGES, data_dir, cache_dir) for config in configs]
        rates = [_rates(rows, available[:cores], steps, repeats) for cores in _CORES
                 if cores <= len(available)]
        memory = _memory(configs[-1], Path(directory), sizes, available, data_dir, cache_dir)
    return {
        **about,
        "images": f"--dataset={configs[0].dataset}" if data_dir else "scikit-learn's digits, enlarged",
        "steps": steps,
        "repeats": repeats,
        "rates": [row for rows in rates for row in rows],
        "memory": memory,
    }


def _check_room(directory, configs, sizes):
    shapes = {image_shape(config) for config in configs}
    needed = _NUM_IMAGES * sum(map(math.prod, shapes)) + max(sizes) * math.prod(image_shape(configs[-1]))
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise UserError(f"the temporary directory {directory} has {free / 1e9:.1f} GB free; expected "
                        f"{needed / 1e9:.1f} GB or more, or another one in TMPDIR")


def _rates(rows, cores, steps, repeats):
    measured = _work("rates", cores, rows=rows, steps=steps, repeats=repeats)
    result = []
    for row in rows:
        pairs = row["config"]["training"]["batch_size"]
        ms, cpu_ms = (measured[row["name"]][clock] for clock in ("ms", "cpu_ms"))
        result.append({
            "name": row["name"], "cores": len(cores), "image_shape": row["shape"][1:], "batch_size": pairs,
            "pairs_per_second": {name: round(1e3 * pairs / ms[slowness]) for name, slowness in (
                ("median", "median"), ("min", "max"), ("max", "min"))},
            "cpu_microseconds_per_pair": round(1e3 * cpu_ms["median"] / pairs, 1)})
    return result


def _memory(config, directory, sizes, cores, data_dir, cache_dir):
    # The same number of batches for all: every image of the largest set once.
    steps = max(1, max(sizes) // config.training.batch_size)
    result = []
    for size in sizes:
        row = _row(config, directory, size, data_dir, cache_dir)
        mib = _work("memory", cores, row=row, steps=steps)
        result.append({"name": row["name"], "images": size, "batches": steps,
                       "file_mib": round(math.prod(row["shape"]) / 2**20), "mib": mib})
        Path(row["path"]).unlink()
    return result


def _work(measure, cores, **arguments):
    """What `data_worker` answers to a task."""
    return workers.work("data_worker", measure=measure, cores=list(cores), **arguments)


def _row(config, directory, count, data_dir, cache_dir):
    """A pipeline for the worker; writes the file of its images unless it is there."""
    shape = image_shape(config)
    path = directory / f"{count}-{'x'.join(map(str, shape))}"
    if not path.exists():
        write_images(path, source_images(config, data_dir, cache_dir), count)
    return {"name": config.dataset, "config": config.to_dict(), "path": str(path), "shape": [count, *shape]}


def source_images(config, data_dir=None, cache_dir=None):
    """Up to 1,000 images of a config's size: uint8 [n, H, W, C].

    Args:
        config: see `eig_tf.config`.
        data_dir: where the files of its data set are; enlarged digits are taken when None.
        cache_dir: where decoded sets are kept.
    """
    if data_dir is not None:
        return np.asarray(registry.load(config, data_dir, cache_dir).images[:_NUM_SOURCE])
    height, width, channels = image_shape(config)
    resized = tf.image.resize(digits.load().images[:_NUM_SOURCE], [height, width]).numpy()
    return np.repeat(np.rint(resized).astype(np.uint8), channels, axis=-1)


def write_images(path, images, count):
    """Writes a file for `StoredImages` that repeats images [n, H, W, C] until there are `count`."""
    with path.open("wb") as file:
        for start in range(0, count, len(images)):
            file.write(images[:count - start].tobytes())

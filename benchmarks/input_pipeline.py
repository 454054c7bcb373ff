"""The rates of input pipelines on one core and on two, and the memory of a process that iterates."""

from __future__ import annotations

import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from ml_collections import config_dict

from benchmarks import reports
from benchmarks.timing import Case, measure_in_turn, summarize
from benchmarks.worker import measure_in_process
from eig_tf.config import image_shape, load_preset
from eig_tf.data import augment, pipeline, registry
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError
from eig_tf.runs import environment

_NOTE = ("Images come from a file in the memory of the operating system, which repeats a few images; each "
         "process has its cores alone only on a machine without other work.")
# Images in the files for the rates: 200 MB at 64x64, far more than the caches of a processor hold.
_NUM_IMAGES = 16_384
# Images of a data set that are repeated.
_NUM_SOURCE = 1_000
_CORES = (1, 2)


def measure_input_pipelines(configs: Sequence[config_dict.ConfigDict], steps: int, repeats: int,
                            sizes: Sequence[int], data_dir: str | None = None,
                            cache_dir: str | None = None) -> dict[str, Any]:
    """Measure the pipelines of presets, from a file as the cache has it to batches with their views.

    Args:
        configs: see `eig_tf.config`; their methods use views.
        steps: batches in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        sizes: numbers of images in the sets whose memory is measured, for the last config.
        data_dir: directory of the files of the configs' data set; enlarged digits are used when None.
        cache_dir: directory of decoded data sets.

    Returns:
        A dict that JSON can hold; `reports.format_data_report` prints it.

    Raises:
        UserError: the temporary directory is too small, a batch is larger than a set, the system is not
            Linux, or `registry.load` fails.
    """
    if not hasattr(os, "sched_setaffinity"):
        raise UserError(f"--what is data, which needs Linux to choose cores; this system is {sys.platform}")
    for config in configs:
        if config.training.batch_size > min(*sizes, _NUM_IMAGES):
            raise UserError(f"the batch size of --dataset={config.dataset} is {config.training.batch_size}; "
                            f"expected {min(*sizes, _NUM_IMAGES)} or less, the number of images")
    _check_free_space(tempfile.gettempdir(), configs, sizes)
    run = reports.describe_run(_NOTE)
    available = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="eig_tf-benchmark-") as directory:
        sources = [_write_source(config, Path(directory), _NUM_IMAGES, data_dir, cache_dir)
                   for config in configs]
        rates = [row for cores in _CORES if cores <= len(available)
                 for row in _rate_rows(sources, available[:cores], steps, repeats)]
        # All sets take the same number of batches, which is every image of the largest set.
        batches = max(1, max(sizes) // configs[-1].training.batch_size)
        memory = []
        for size in sizes:
            source = _write_source(configs[-1], Path(directory), size, data_dir, cache_dir)
            mib = measure_in_process("input_pipeline", "measure_memory", source=source, steps=batches)
            memory.append({"name": source["name"], "images": size, "batches": batches,
                           "file_mib": round(math.prod(source["shape"]) / 2**20), "mib": mib})
            Path(source["path"]).unlink()
    return {
        **run,
        "images": f"--dataset={configs[0].dataset}" if data_dir else "scikit-learn's digits, enlarged",
        "steps": steps,
        "repeats": repeats,
        "rates": rates,
        "memory": memory,
    }


def measure_rates(sources: Sequence[dict[str, Any]], steps: int, repeats: int) -> dict[str, Any]:
    """Measure the pipelines of several presets in turn; called in a process that is bound to some cores.

    Args:
        sources: for each pipeline its `name`, its `config` as a dict, and `path` and `shape` of its images.
        steps: batches in a row for each measurement.
        repeats: rounds of measurements.

    Returns:
        By name, the milliseconds of a batch (`ms`) and its processor time on all cores together (`cpu_ms`);
        each as median, min and max.
    """
    cpu_seconds: dict[str, list[float]] = {source["name"]: [] for source in sources}

    def case(source):
        # tf.data takes a while to find its degree of parallelism; training has hours.
        timed = pipeline_case(_open_batches(**source), steps, source["name"], warm_up=steps)

        def measure():
            start = time.process_time()
            seconds = timed.measure()
            cpu_seconds[source["name"]].append((time.process_time() - start) / (2 * steps))
            return seconds
        return timed._replace(measure=measure)

    ms = measure_in_turn([case(source) for source in sources], repeats)
    return {name: {"ms": ms[name], "cpu_ms": summarize(cpu_seconds[name][1:])} for name in ms}


def measure_memory(source: dict[str, Any], steps: int) -> dict[str, dict[str, int]]:
    """Measure the memory of this process while it takes batches from a pipeline.

    Args:
        source: see `measure_rates`.
        steps: number of batches.

    Returns:
        `start` (all modules imported, nothing read) and `end`; see `memory_mib`.
    """
    start = memory_mib()
    for _ in zip(range(steps), _open_batches(**source)):
        pass
    return {"start": start, "end": memory_mib()}


def memory_mib() -> dict[str, int]:
    """Return the memory of this process in MiB: `resident`, `anonymous` (not backed by files), `peak`."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: round(int(fields[field].split()[0]) / 1024)  # "VmRSS:  1234 kB"
            for name, field in (("resident", "VmRSS"), ("anonymous", "RssAnon"), ("peak", "VmHWM"))}


def endless_batches(images: np.ndarray | StoredImages, config: config_dict.ConfigDict) -> tf.data.Dataset:
    """Return the input pipeline of training over images [M, H, W, C], which does not end."""
    return pipeline.training_batches(images, config.training.batch_size, config.seed, epochs=1_000_000,
                                     make_view=augment.make_view_function(config))


def pipeline_case(batches: tf.data.Dataset, steps: int, name: str, warm_up: int) -> Case:
    """Return the case of an input pipeline alone, whose steps are batches.

    Args:
        batches: an endless data set.
        steps: batches for each measurement.
        name: name of the case.
        warm_up: batches before the clock starts.
    """
    def measure():
        # A new iterator each time: an idle one would fill its buffers while other cases are measured.
        iterator = iter(batches)
        for _ in range(warm_up):
            next(iterator)
        start = time.perf_counter()
        for _ in range(steps):
            next(iterator)
        return (time.perf_counter() - start) / steps
    return Case(name, measure)


def source_images(config: config_dict.ConfigDict, data_dir: str | None = None,
                  cache_dir: str | None = None) -> np.ndarray:
    """Return up to 1,000 images of a config's size, uint8 [n, H, W, C].

    Args:
        config: see `eig_tf.config`.
        data_dir: directory of the files of its data set; enlarged digits are used when None.
        cache_dir: directory of decoded data sets.
    """
    if data_dir is not None:
        return np.asarray(registry.load(config, data_dir, cache_dir).images[:_NUM_SOURCE])
    height, width, channels = image_shape(config)
    digits = registry.load(load_preset("digits")).images[:_NUM_SOURCE]
    resized = tf.image.resize(digits, [height, width]).numpy()
    return np.repeat(np.rint(resized).astype(np.uint8), channels, axis=-1)


def write_repeated_images(path: Path, images: np.ndarray, count: int) -> None:
    """Write a file for `StoredImages` that repeats images [n, H, W, C] until there are `count`."""
    with path.open("wb") as file:
        for start in range(0, count, len(images)):
            file.write(images[:count - start].tobytes())


def _check_free_space(directory, configs, sizes):
    shapes = {image_shape(config) for config in configs}
    needed = _NUM_IMAGES * sum(map(math.prod, shapes)) + max(sizes) * math.prod(image_shape(configs[-1]))
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise UserError(f"the temporary directory {directory} has {free / 1e9:.1f} GB free; expected "
                        f"{needed / 1e9:.1f} GB or more, or another one in TMPDIR")


def _rate_rows(sources, cores, steps, repeats):
    measured = measure_in_process("input_pipeline", "measure_rates", cores, sources=sources, steps=steps,
                                  repeats=repeats)
    rows = []
    for source in sources:
        pairs = source["config"]["training"]["batch_size"]
        ms, cpu_ms = (measured[source["name"]][clock] for clock in ("ms", "cpu_ms"))
        rows.append({
            "name": source["name"], "cores": len(cores), "image_shape": source["shape"][1:],
            "batch_size": pairs,
            "pairs_per_second": {name: round(1e3 * pairs / ms[slowness]) for name, slowness in (
                ("median", "median"), ("min", "max"), ("max", "min"))},
            "cpu_microseconds_per_pair": round(1e3 * cpu_ms["median"] / pairs, 1)})
    return rows


def _write_source(config, directory, count, data_dir, cache_dir):
    """Write the images of a pipeline unless they exist; return what `measure_rates` takes."""
    shape = image_shape(config)
    path = directory / f"{count}-{'x'.join(map(str, shape))}"
    if not path.exists():
        write_repeated_images(path, source_images(config, data_dir, cache_dir), count)
    return {"name": config.dataset, "config": config.to_dict(), "path": str(path), "shape": [count, *shape]}


def _open_batches(config, path, shape, **_):
    # Training asks for deterministic ops, which influences how tf.data runs.
    environment.set_seed(config["seed"])
    return endless_batches(StoredImages(path, shape), config_dict.ConfigDict(config))

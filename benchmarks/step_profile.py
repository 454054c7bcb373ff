"""Where the time of a training step goes on a CPU, by kind of operation, on one thread."""

from __future__ import annotations

import collections
import re
import statistics
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_collections import config_dict

from benchmarks import flops, reports
from benchmarks.timing import time_call
from benchmarks.training_step import build_variant, make_step, package_variant, random_batch
from eig_tf.errors import UserError
from eig_tf.networks.precision import policy
from eig_tf.runs import environment

OTHER = "other operations"
# By a part of the operation's type; the first that matches counts. oneDNN prefixes its own with _Mkl.
_KINDS = (("Conv2D", "convolutions"), ("MatMul", "matrix products"), ("ApplyAdam", "Adam"),
          ("Cast", "casts between precisions"), ("BatchNorm", "batch normalization"),
          ("SquaredDifference", "batch normalization"), ("Relu", "activations"))
# What the trace calls an operation: `NAME:TYPE`.
_OPERATION = re.compile(r".*[^:]:(\w+)")
_ARITHMETIC = ("convolutions", "matrix products")
# Types with a smaller share of the step are not listed.
_RARE = 0.01
_WARM_UP = 3


def profile_training_step(config: config_dict.ConfigDict, steps: int) -> dict[str, Any]:
    """Profile the training step on one thread, so that operations do not overlap.

    Args:
        config: see `eig_tf.config`; its data set is not loaded, images are random.
        steps: number of profiled steps, 1 or more.

    Returns:
        A dict that JSON can hold; `reports.format_profile_report` prints it.

    Raises:
        UserError: TensorFlow has a GPU, or has begun to compute with several threads.
    """
    if tf.config.list_physical_devices("GPU"):
        raise UserError("--what=profile measures a CPU, and TensorFlow sees a GPU; expected an empty "
                        "CUDA_VISIBLE_DEVICES")
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    report = {**reports.describe_run(reports.RATIO_NOTE), **reports.describe_config(config)}
    environment.set_seed(config.seed)
    with policy("float32"):
        precision = environment.set_precision(config.training.precision)
    step = make_step(build_variant(package_variant(config, precision)), random_batch(config))
    product, product_flops = flops.matrix_product(precision)
    for _ in range(_WARM_UP):
        step()
        product()
    product_seconds = statistics.median(time_call(product)[0] for _ in range(2 * _WARM_UP + 1))
    with tempfile.TemporaryDirectory(prefix="eig_tf-profile-") as directory:
        with tf.profiler.experimental.Profile(directory):
            for _ in range(steps):
                step()
        milliseconds = {kind: total / steps for kind, total in _operation_times(Path(directory)).items()}
    whole = sum(milliseconds.values())
    rare = [kind for kind, total in milliseconds.items() if total < _RARE * whole]
    milliseconds[OTHER] = sum(milliseconds.pop(kind) for kind in rare)
    rate = product_flops / product_seconds
    arithmetic_seconds = sum(milliseconds.get(kind, 0.0) for kind in _ARITHMETIC) / 1e3
    return {
        **report, "method": config.method, "batch_size": config.training.batch_size,
        "precision": precision, "steps": steps,
        "rows": [{"name": kind, "ms": total, "share": total / whole}
                 for kind, total in sorted(milliseconds.items(), key=lambda item: -item[1])],
        "arithmetic_share_of_product_rate": flops.count_flops(step) / arithmetic_seconds / rate,
        "step_share_of_product_rate": flops.count_flops(step) / (whole / 1e3) / rate}


def _operation_times(directory):
    """Milliseconds of all operations by kind, from the trace of TensorFlow's profiler."""
    # The trace's format; TensorFlow has no public module for it.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2
    times = collections.Counter()
    for path in directory.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            for line in plane.lines:
                for event in line.events:
                    # Others are `CLASS::METHOD` and `FunctionRun: NAME`.
                    operation = _OPERATION.fullmatch(plane.event_metadata[event.metadata_id].name)
                    if operation and plane.name.startswith("/host:CPU"):
                        times[_operation_kind(operation[1])] += event.duration_ps / 1e9
    return times


def _operation_kind(operation: str) -> str:
    return next((kind for part, kind in _KINDS if part in operation), operation)

"""The training step in every precision, with and without XLA: its rate, and losses that tell if it trains."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

import tensorflow as tf
from ml_collections import config_dict

from benchmarks import reports
from benchmarks.input_pipeline import endless_batches, source_images
from benchmarks.timing import measure_in_turn, repeated_call
from benchmarks.training_step import build_variant, package_variant, random_batch
from benchmarks.worker import measure_in_process
from eig_tf.errors import UserError
from eig_tf.runs import environment

_NOTE = ("Every network has two processes, without and with TF32, since an algorithm that was chosen for a "
         "convolution is kept: ratios need a machine without other work. " + reports.RATIO_NOTE)
# A precision trains like float32 if no mean loss differs by more than this, relative or in nats.
NEAR = 0.05
# Relative difference of the first losses of two devices; a loss below 0.1 nats counts as that.
AGREEMENT = 0.01
_FIRST_STEPS = 5
# Keras's policy of each precision, for products without TF32 and with it.
_PRECISIONS = {False: {"float32": "float32"},
               True: {"TF32": "float32", "mixed_bfloat16": "mixed_bfloat16",
                      "mixed_float16": "mixed_float16"}}


def measure_precisions(configs: Sequence[config_dict.ConfigDict], steps: int, repeats: int, loss_steps: int,
                       seconds: float, allow_cpu: bool = False) -> dict[str, Any]:
    """Measure the training step of several presets in float32, TF32, bfloat16 and float16.

    Args:
        configs: see `eig_tf.config`; images are enlarged digits.
        steps: steps in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        loss_steps: steps after which losses are compared with those of float32.
        seconds: time after which no further step is compiled with XLA.
        allow_cpu: whether to measure on a CPU where there is no GPU.

    Returns:
        A dict that JSON can hold; `reports.format_precision_report` prints it.

    Raises:
        UserError: there is no GPU.
    """
    if not allow_cpu and not tf.config.list_physical_devices("GPU"):
        raise UserError("--what is precision, and no GPU is visible; expected one, or --allow_cpu")
    report = {**reports.describe_run(_NOTE), "steps": steps, "repeats": repeats, "loss_steps": loss_steps,
              "near": NEAR, "agreement": AGREEMENT, "networks": []}
    for config in configs:
        rows = []
        for tf32, precisions in _PRECISIONS.items():
            rows += measure_in_process(
                "precision", "measure_rows", config=config.to_dict(), tf32=tf32, steps=steps, repeats=repeats,
                loss_steps=loss_steps, seconds=seconds / len(configs) / 4 * len(precisions))
        _compare_with_first(rows)
        report["networks"].append({**reports.describe_config(config), "rows": rows,
                                   "batch_size": config.training.batch_size})
    report["auto"] = choose_precision([network["rows"] for network in report["networks"]])
    report["first_losses"] = measure_in_process("precision", "first_losses", config=configs[0].to_dict())
    return report


def choose_precision(networks: Sequence[Sequence[dict[str, Any]]]) -> str:
    """Return the fastest precision, by the geometric mean of its ratios, that is near float32 everywhere.

    Args:
        networks: the rows of each network; those with XLA do not count.
    """
    def mean_ratio(name):
        rows = [row for rows in networks for row in rows if row["name"] == name]
        return math.prod(row["ratio"] if row["near"] and "ratio" in row else 0.0 for row in rows)
    return max((name for names in _PRECISIONS.values() for name in names), key=mean_ratio)


def measure_rows(config: dict[str, Any], tf32: bool, steps: int, repeats: int, loss_steps: int,
                 seconds: float) -> list[dict[str, Any]]:
    """Measure the precisions that go with TF32 on or off; called in a process of its own.

    Args:
        config: see `eig_tf.config`, as a dict.
        tf32: whether float32 products may be TF32.
        steps, repeats, loss_steps, seconds: see `measure_precisions`.
    """
    started = time.monotonic()
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    settings = config_dict.ConfigDict(config)
    data = random_batch(settings)
    cases, rows = [], []
    for with_xla in (False, True):
        for name, policy in _PRECISIONS[tf32].items():
            row: dict[str, Any] = {"name": f"{name}, XLA" if with_xla else name}
            rows.append(row)
            if with_xla and time.monotonic() - started > seconds:
                row["skipped"] = "the time is up"
                continue
            environment.set_seed(settings.seed)
            model = build_variant(package_variant(settings, policy))
            step = tf.function(model.train_step, jit_compile=with_xla)
            if not with_xla:
                for batch in islice(endless_batches(source_images(settings), settings), loss_steps):
                    losses = step(batch)
                row["losses"] = {key: float(loss) for key, loss in losses.items()}
            try:
                step(data)
            except (tf.errors.OpError, ValueError) as error:
                row["skipped"] = " ".join(str(error).split())[:200]
                continue
            cases.append(repeated_call(row["name"], functools.partial(step, data), steps))
    timings = measure_in_turn(cases, repeats)
    return [{**row, "ms": timings[row["name"]],
             "images_per_second": 1e3 * settings.training.batch_size / timings[row["name"]]["median"]}
            if row["name"] in timings else row for row in rows]


def first_losses(config: dict[str, Any]) -> dict[str, Any]:
    """Train the same few steps in float32 on the first device and on the CPU, and compare the mean losses.

    Args:
        config: see `eig_tf.config`, as a dict.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)
    settings = config_dict.ConfigDict(config)
    environment.set_seed(settings.seed)
    variant = package_variant(settings, "float32")
    with tf.device("CPU:0"):
        on_cpu = build_variant(variant)
    model = build_variant(variant)
    # Initial values are drawn differently on different devices.
    for variable, value in zip(model.variables, on_cpu.variables):
        variable.assign(value)
    for batch in islice(endless_batches(source_images(settings), settings), _FIRST_STEPS):
        losses = model.train_step(batch)
        with tf.device("CPU:0"):
            cpu_losses = on_cpu.train_step(batch)
    found, expected = ({name: float(loss) for name, loss in each.items()} for each in (losses, cpu_losses))
    return {"steps": _FIRST_STEPS, "losses": found, "cpu_losses": expected, "agree": all(
        abs(found[name] - loss) <= AGREEMENT * max(abs(loss), 0.1) for name, loss in expected.items())}


def _compare_with_first(rows):
    """Add to each measured row its rate relative to the first, and whether its losses are near."""
    first = rows[0]
    for row in rows:
        if "ms" in row:
            row["ratio"] = first["ms"]["median"] / row["ms"]["median"]
        if "losses" in row:
            row["near"] = all(abs(row["losses"][name] - loss) <= NEAR * max(abs(loss), 1.0)
                              for name, loss in first["losses"].items())

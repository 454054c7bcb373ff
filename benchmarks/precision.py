"""The training step in every precision, with and without XLA: its rate, and losses that tell if it trains."""

from __future__ import annotations

import functools
import math
import subprocess
import time
from collections.abc import Callable, Sequence
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

_NOTE = ("Each network is measured in one process without TF32 and one with it, since the algorithm of a "
         "convolution is chosen once, and with XLA in one for each precision: ratios need a machine without "
         "other work. " + reports.RATIO_NOTE)
_TIME_IS_UP = "the time is up"
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
                       seconds: float, allow_cpu: bool = False, xla: bool = True,
                       save: Callable[[dict[str, Any]], object] = lambda report: None) -> dict[str, Any]:
    """Measure the training step of several presets in float32, TF32, bfloat16 and float16.

    Args:
        configs: see `eig_tf.config`; images are enlarged digits.
        steps: steps in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.
        loss_steps: steps after which losses are compared with those of float32.
        seconds: time for everything; what is not measured then is skipped. XLA, whose compilations take
            longest, comes last.
        allow_cpu: whether to measure on a CPU where there is no GPU.
        xla: whether to measure with XLA too.
        save: called with the unfinished report whenever there is something new in it.

    Returns:
        A dict that JSON can hold; `reports.format_precision_report` prints it.

    Raises:
        UserError: there is no GPU.
    """
    if not allow_cpu and not tf.config.list_physical_devices("GPU"):
        raise UserError("--what is precision, and no GPU is visible; expected one, or --allow_cpu")
    deadline = time.monotonic() + seconds
    report = {**reports.describe_run(_NOTE), "steps": steps, "repeats": repeats, "loss_steps": loss_steps,
              "near": NEAR, "agreement": AGREEMENT, "auto": None, "first_losses": None, "networks": [
                  {**reports.describe_config(config), "batch_size": config.training.batch_size, "rows": []}
                  for config in configs]}

    def measure(function, **arguments):
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return None
        try:
            return measure_in_process("precision", function, timeout=remaining, **arguments)
        except subprocess.TimeoutExpired:
            return None

    for with_xla in (False, True) if xla else (False,):
        for config, network in zip(configs, report["networks"]):
            for tf32, precisions in _PRECISIONS.items():
                for names in [[name] for name in precisions] if with_xla else [list(precisions)]:
                    rows = measure("measure_rows", config=config.to_dict(), tf32=tf32, names=names,
                                   with_xla=with_xla, steps=steps, repeats=repeats, loss_steps=loss_steps)
                    network["rows"] += rows or [{"name": _row_name(name, with_xla), "skipped": _TIME_IS_UP}
                                                for name in names]
                    _compare_with_first(network["rows"])
                    save(report)
        if not with_xla:
            report["auto"] = choose_precision([network["rows"] for network in report["networks"]])
            report["first_losses"] = measure("first_losses", config=configs[0].to_dict())
            save(report)
    return report


def choose_precision(networks: Sequence[Sequence[dict[str, Any]]]) -> str | None:
    """Return the fastest precision, by the geometric mean of its ratios, that is near float32 everywhere.

    Args:
        networks: the rows of each network; those with XLA do not count.

    Returns:
        A name, or None where float32 was not measured for all networks.
    """
    def mean_ratio(name):
        rows = [row for rows in networks for row in rows if row["name"] == name]
        return math.prod(row["ratio"] if row.get("near") and "ratio" in row else 0.0 for row in rows)
    names = [name for names in _PRECISIONS.values() for name in names]
    return max(names, key=mean_ratio) if any(map(mean_ratio, names)) else None


def measure_rows(config: dict[str, Any], tf32: bool, names: Sequence[str], with_xla: bool, steps: int,
                 repeats: int, loss_steps: int) -> list[dict[str, Any]]:
    """Measure precisions that go with TF32 on or off; called in a process of its own.

    Args:
        config: see `eig_tf.config`, as a dict.
        tf32: whether float32 products may be TF32.
        names: the precisions.
        with_xla: whether the step is compiled with XLA; its losses are not compared then.
        steps, repeats, loss_steps: see `measure_precisions`.

    Returns:
        A dict for each; its `preparation_seconds` are those of building, tracing and compiling the step, and
        of the steps whose losses are compared.
    """
    tf.config.experimental.enable_tensor_float_32_execution(tf32)
    settings = config_dict.ConfigDict(config)
    data = random_batch(settings)
    cases, rows = [], []
    for name in names:
        row: dict[str, Any] = {"name": _row_name(name, with_xla)}
        rows.append(row)
        start = time.monotonic()
        environment.set_seed(settings.seed)
        model = build_variant(package_variant(settings, _PRECISIONS[tf32][name]))
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
        finally:
            row["preparation_seconds"] = time.monotonic() - start
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


def _row_name(precision, with_xla):
    return f"{precision}, XLA" if with_xla else precision


def _compare_with_first(rows):
    """Add to each measured row its rate relative to the first, and whether its losses are near."""
    first = rows[0]
    for row in rows:
        if "ms" in row and "ms" in first:
            row["ratio"] = first["ms"]["median"] / row["ms"]["median"]
        if "losses" in row and "losses" in first:
            row["near"] = all(abs(row["losses"][name] - loss) <= NEAR * max(abs(loss), 1.0)
                              for name, loss in first["losses"].items())

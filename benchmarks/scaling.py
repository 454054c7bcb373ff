"""The training step on several devices and in several processes: its rate, the cost of agreeing, memory."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple

import tensorflow as tf
from ml_collections import config_dict

from benchmarks import reports
from benchmarks.input_pipeline import memory_mib
from benchmarks.timing import Case, measure_in_turn, repeated_call
from benchmarks.training_step import package_variant, random_batch
from benchmarks.worker import RepeatedMeasurement
from eig_tf.config import flatten
from eig_tf.models.registry import build_model, compile_model
from eig_tf.runs import environment
from eig_tf.runs.hosts import make_hosts
from eig_tf.runs.training import check_divisible

_NOTE = (reports.RATIO_NOTE + " Every row trains on the same global batch. Logical CPU devices and processes "
         "share the cores that one device has alone: their ratio to it is the overhead of distribution.")
# What replicas synchronize besides the gradients.
_SHARED = {"networks.batch_statistics": "local", "loss.negatives": "local"}


class Layout(NamedTuple):
    """Devices and processes that train together.

    Attributes:
        processes: number of processes.
        devices: number of devices of each process.
        shared: `global`, or `local` for statistics and negatives of each device alone.
    """

    processes: int
    devices: int
    shared: str

    def describe(self) -> str:
        """Return the layout in words."""
        words = f"{self.devices} device{'s' * (self.devices > 1)}"
        if self.processes > 1:
            words = f"{self.processes} processes of {words}"
        return words if self.processes * self.devices == 1 else f"{words}, {self.shared}"


def measure_scaling(config: config_dict.ConfigDict, replicas: Sequence[int], processes: int, steps: int,
                    repeats: int) -> dict[str, Any]:
    """Measure the training step on one device, on several, and in several processes over loopback.

    Args:
        config: see `eig_tf.config`; its data set is not loaded, images are random.
        replicas: numbers of devices in one process; one device is always measured.
        processes: number of processes of one device each; 1 for none.
        steps: steps in a row for each measurement, 1 or more.
        repeats: rounds of measurements, 1 or more.

    Returns:
        A dict that JSON can hold; `reports.format_scaling_report` prints it.

    Raises:
        UserError: the batch cannot be divided.
        OSError: a process failed; its error is on stderr.
    """
    run = {**reports.describe_run(_NOTE), **reports.describe_config(config)}
    gpus = len(tf.config.list_physical_devices("GPU"))
    with_local = _SHARED.keys() <= flatten(config).keys()
    layouts, skipped = [Layout(1, 1, "global")], []
    for number, size in [*((1, count) for count in sorted({*replicas} - {1})), *[(processes, 1)]]:
        if number * size == 1:
            continue
        check_divisible(config.training.batch_size, number * size)
        pair = [Layout(number, size, shared) for shared in ("global", "local")[:1 + with_local]]
        if gpus and number * size > gpus:
            skipped += [{"name": layout.describe(), "skipped": f"there are {gpus} GPUs"} for layout in pair]
        else:
            layouts += pair
    with contextlib.ExitStack() as stack:
        groups = {layout.describe(): stack.enter_context(_started(layout, config, bool(gpus), steps))
                  for layout in layouts}
        peaks: dict[str, list[dict[str, int]]] = {}
        timings = measure_in_turn([_case(name, group, peaks) for name, group in groups.items()], repeats)
    first = timings[layouts[0].describe()]["median"]
    rows = []
    for layout in layouts:
        ms = timings[layout.describe()]
        alone = timings.get(layout._replace(shared="local").describe(), ms)
        rows.append({
            "name": layout.describe(), **layout._asdict(), "ms": ms, "peak_mib": peaks[layout.describe()],
            "images_per_second": 1e3 * config.training.batch_size / ms["median"],
            "ratio": first / ms["median"],
            # The share of the step that statistics and negatives of the global batch take.
            "share_of_agreeing": None if layout.shared == "local" or layout is layouts[0] or not with_local
            else 1 - alone["median"] / ms["median"]})
    return {**run, "batch_size": config.training.batch_size, "steps": steps, "repeats": repeats,
            "precision": environment.resolve_precision(config.training.precision),
            "devices": "GPU" if gpus else "logical CPU", "rows": rows + skipped}


def prepare_step(config: dict[str, Any], devices: str, steps: int) -> Callable[[], dict[str, Any]]:
    """Prepare the step of one process; called in a process whose TF_CONFIG names the others.

    Args:
        config: see `eig_tf.config`, as a dict.
        devices: see `make_hosts`.
        steps: steps in a row for each measurement.

    Returns:
        A function that returns the seconds of a step, and the peak memory in MiB, of the process and of each
        of its GPUs.
    """
    hosts = make_hosts(devices)
    part = config_dict.ConfigDict(config)
    part.training.batch_size //= hosts.strategy.num_replicas_in_sync
    environment.set_seed(part.seed)
    variant = package_variant(part, environment.set_precision(part.training.precision))
    with hosts.strategy.scope():
        model = build_model(variant.config)
        compile_model(model, variant.config, variant.make_optimizer)
    data = random_batch(part)

    @tf.function
    def step():
        return hosts.strategy.run(model.train_step, args=(data,))

    def finish():
        # TensorFlow cannot wait for the devices of other hosts.
        for number in hosts.strategy.experimental_local_results(model.step):
            number.numpy()

    case = repeated_call("step", step, steps, finish)

    def measure():
        seconds = case.measure()
        gpus = {gpu.name.split(":", 1)[1]: tf.config.experimental.get_memory_info(
            gpu.name.split(":", 1)[1])["peak"] // 2**20 for gpu in tf.config.list_logical_devices("GPU")}
        return {"seconds": seconds, "peak_mib": {"process": memory_mib()["peak"], **gpus}}
    return measure


@contextlib.contextmanager
def _started(layout: Layout, config: config_dict.ConfigDict, on_gpus: bool,
             steps: int) -> Iterator[list[RepeatedMeasurement]]:
    """Give the processes of a layout."""
    changed = config.copy_and_resolve_references()
    if layout.shared == "local":
        changed.update_from_flattened_dict(_SHARED)
    addresses = [f"localhost:{port}" for port in _free_ports(layout.processes)]
    group = []
    try:
        for number in range(layout.processes):
            variables = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
            if layout.processes > 1:
                variables["TF_CONFIG"] = json.dumps({"cluster": {"worker": addresses},
                                                     "task": {"type": "worker", "index": number}})
            chosen = ",".join(str(number + device) for device in range(layout.devices))
            group.append(RepeatedMeasurement(
                "scaling", "prepare_step", variables, config=changed.to_dict(), steps=steps,
                devices=f"gpu:{chosen}" if on_gpus else "cpu" if layout.devices == 1
                else f"cpu:{layout.devices}"))
        yield group
    finally:
        for process in group:
            process.end()


def _case(name, group, peaks):
    def measure():
        for process in group:
            process.start()
        results = [process.result() for process in group]
        peaks[name] = [result["peak_mib"] for result in results]
        return max(result["seconds"] for result in results)
    return Case(name, measure)


def _free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]

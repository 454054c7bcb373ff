"""The devices and hosts of a training: their choice, how hosts find each other and what they agree on."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import tensorflow as tf

# Neither has a public way: TensorFlow's own strategy configures the coordination service with these.
from tensorflow.python.eager import context as eager_context
from tensorflow.tsl.protobuf import coordination_config_pb2

from eig_tf.errors import UserError

# Milliseconds without a sign of life after which a host counts as lost.
_HEARTBEAT_TIMEOUT = 20_000
_SLURM_PORT = 8888
# Seconds that TensorFlow takes at most to connect hosts that all answer, whatever the deadline for them.
_CONNECT_SECONDS = 60
# Errors of TensorFlow after the loss of a host.
LOST_HOST_ERRORS = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError,
                    tf.errors.InternalError, tf.errors.DeadlineExceededError)


class Cluster(NamedTuple):
    """The hosts of a training, and the place of this process among them.

    Attributes:
        addresses: `name:port` of every host; the first is the chief, which alone writes.
        number: that of this process.
    """

    addresses: tuple[str, ...]
    number: int


class Hosts:
    """A strategy over the devices of one or more hosts, and what the hosts tell each other.

    Args:
        strategy: the strategy.
        cluster: the hosts; None when there is only this one.
    """

    def __init__(self, strategy: tf.distribute.Strategy, cluster: Cluster | None = None) -> None:
        self.strategy = strategy
        self.cluster = cluster
        self._mean = tf.function(self._replica_mean)
        self._comparisons = 0

    @property
    def num_hosts(self) -> int:
        """The number of hosts."""
        return len(self.cluster.addresses) if self.cluster else 1

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.cluster is None or self.cluster.number == 0

    def mean(self, *values: float) -> list[float]:
        """Return the means of numbers over the hosts, which all must call this at the same time."""
        if self.cluster is None:
            return [float(value) for value in values]
        results = self._mean(tf.constant(values, tf.float32))
        return self.strategy.experimental_local_results(results)[0].numpy().tolist()

    def _replica_mean(self, values):
        # An argument lies on no device of the strategy, which a reduction requires; its copy does.
        return self.strategy.run(lambda own: tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.MEAN, tf.identity(own)), args=(values,))

    def check_same(self, facts: dict[str, Any]) -> None:
        """Compare facts, such as the config, with those of the first host.

        Args:
            facts: values that JSON can hold, by name; the first that differs is reported.

        Raises:
            UserError: a host has others; all hosts raise it.
        """
        if self.cluster is None:
            return
        context = eager_context.context()
        self._comparisons += 1
        key = f"eig_tf/facts/{self._comparisons}"
        context.set_config_key_value(f"{key}/{self.cluster.number}", json.dumps(facts))
        # Reading a key that a lost host has not set would never end; a reduction does.
        self.mean(0)
        every = [json.loads(context.get_config_key_value(f"{key}/{index}"))
                 for index in range(self.num_hosts)]
        for index, found in enumerate(every):
            differing = (name for name in {**every[0], **found} if found.get(name) != every[0].get(name))
            for name in differing:
                raise UserError(
                    f"host {index} ({self.cluster.addresses[index]}) has {name} {found.get(name)!r}, and "
                    f"host 0 {every[0].get(name)!r}; expected the same flags, data, packages and devices on "
                    "all hosts")

    @contextmanager
    def lost_host_is_an_error(self) -> Iterator[None]:
        """Turn TensorFlow's error after the loss of a host into a `UserError`."""
        try:
            yield
        except LOST_HOST_ERRORS as error:
            if self.cluster is None:
                raise
            lost = re.search(r"task:(\d+) heartbeat|target /job:worker/replica:0/task:(\d+)", str(error))
            if lost:
                number = int(next(filter(None, lost.groups())))
                which = f"host {number} ({self.cluster.addresses[number]}) has ended or cannot be reached"
            else:
                reason = " ".join(error.message.split())[:200]
                which = f"another host has ended, or TensorFlow has failed on this one ({reason})"
            raise UserError(f"{which}; once the cause that it printed is fixed, the same command on all "
                            "hosts continues after the last checkpoint") from None


def make_hosts(devices: str | None = None, host_timeout: float = 300.0) -> Hosts:
    """Choose the devices of this process and connect to the other hosts; the first use of TensorFlow.

    Several hosts are described by the environment: `TF_CONFIG`, or the variables of a Slurm step of several
    tasks.

    Args:
        devices: `gpu`, `gpu:0,1` (numbers of GPUs), `cpu` or `cpu:2` (two logical devices); all GPUs, else
            one CPU, when None.
        host_timeout: seconds to wait for the other hosts.

    Raises:
        UserError: there are no such devices, or the hosts are described badly.
    """
    cluster = cluster_from_environment()
    names = _choose_devices(devices)
    if cluster is None:
        strategy = tf.distribute.MirroredStrategy(names) if len(names) > 1 else tf.distribute.get_strategy()
        return Hosts(strategy)
    if devices and devices.startswith("cpu:"):
        raise UserError(f"--devices is {devices!r}, and there are {len(cluster.addresses)} hosts; expected "
                        "cpu, or GPUs, on several hosts")
    return Hosts(_connect(cluster, host_timeout), cluster)


def cluster_from_environment() -> Cluster | None:
    """Return the hosts that `TF_CONFIG` or Slurm describe; None for a single process.

    Raises:
        UserError: `TF_CONFIG` is damaged.
    """
    text = os.environ.get("TF_CONFIG")
    if text:
        cluster = _parse_tf_config(text)
    elif int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=_SLURM_PORT, gpus_per_node=_slurm_tasks_per_node(), auto_set_gpu=False)
        addresses = resolver.cluster_spec().as_dict()["worker"]
        cluster = Cluster(tuple(addresses), resolver.task_id)
    else:
        return None
    return cluster if len(cluster.addresses) > 1 else None


def _parse_tf_config(text):
    try:
        content = json.loads(text)
        jobs = content["cluster"]
        addresses = [*jobs.get("chief", ()), *jobs["worker"]]
        if not all(re.fullmatch(r"\[?[^\s/]+\]?:\d+", address) for address in addresses):
            raise ValueError(f"its addresses are {addresses}; expected name:port")
        kind, index = content["task"]["type"], int(content["task"]["index"])
        if not jobs.keys() <= {"chief", "worker"} or kind not in jobs or not 0 <= index < len(jobs[kind]):
            raise ValueError(f"its task is {kind} {index} of {jobs}; expected one of the workers")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"TF_CONFIG cannot be read: {reason}; expected JSON such as " '{"cluster": {"worker": ["a:2222", '
            '"b:2222"]}, "task": {"type": "worker", "index": 0}}') from None
    return Cluster(tuple(addresses), index + (len(jobs.get("chief", ())) if kind == "worker" else 0))


def _slurm_tasks_per_node():
    """What the resolver takes for the number of GPUs of a node: it leaves tasks without any out."""
    tasks = re.findall(r"\d+(?=\(|,|$)", os.environ.get("SLURM_STEP_TASKS_PER_NODE", "1"))
    return max(int(number) for number in tasks)


def _choose_devices(devices):
    """Hide all other devices from TensorFlow; return the names of the chosen ones."""
    if devices is None:
        # The caller may have chosen among the GPUs.
        return [f"GPU:{number}" for number in range(len(tf.config.get_visible_devices("GPU")))] or ["CPU:0"]
    gpus = tf.config.list_physical_devices("GPU")
    kind, _, rest = devices.partition(":")
    if kind == "gpu":
        if not gpus or (rest and not re.fullmatch(r"\d+(,\d+)*", rest)):
            raise UserError(f"--devices is {devices!r}; expected {_available(gpus)}")
        numbers = [int(number) for number in rest.split(",")] if rest else range(len(gpus))
        if max(numbers) >= len(gpus) or len(set(numbers)) < len(numbers):
            raise UserError(f"--devices is {devices!r}; expected {_available(gpus)}")
        chosen = [gpus[number] for number in numbers]
        if chosen != tf.config.get_visible_devices("GPU"):
            _configure(lambda: tf.config.set_visible_devices(chosen, "GPU"))
        return [f"GPU:{number}" for number in range(len(chosen))]
    if kind != "cpu" or (rest and not re.fullmatch(r"[1-9]\d?", rest)):
        raise UserError(f"--devices is {devices!r}; expected {_available(gpus)}")
    if tf.config.get_visible_devices("GPU"):
        _configure(lambda: tf.config.set_visible_devices([], "GPU"))
    number = int(rest or 1)
    if number > 1:
        cpu, = tf.config.list_physical_devices("CPU")
        _configure(lambda: tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * number))
    return [f"CPU:{number}" for number in range(number)]


def _available(gpus):
    found = f"gpu:0 to gpu:{len(gpus) - 1}, such as gpu:0,1," if gpus else "no GPU (none is visible), but"
    return f"{found} cpu, or cpu:N for N logical devices"


def _configure(setting):
    try:
        setting()
    except RuntimeError:
        raise UserError("devices can only be chosen before TensorFlow is used; expected a fresh "
                        "process") from None


def _connect(cluster, host_timeout):
    """Return the strategy of all hosts."""
    _wait_for_hosts(cluster, host_timeout)
    context = eager_context.context()
    context.configure_coordination_service(
        service_type="standalone", service_leader="/job:worker/task:0",
        heartbeat_timeout_in_ms=_HEARTBEAT_TIMEOUT,
        coordinated_jobs=[coordination_config_pb2.CoordinatedJob(
            name="worker", num_tasks=len(cluster.addresses))])
    try:
        with _ended_by_the_system(_CONNECT_SECONDS):
            strategy = tf.distribute.MultiWorkerMirroredStrategy(
                tf.distribute.cluster_resolver.SimpleClusterResolver(
                    tf.train.ClusterSpec({"worker": list(cluster.addresses)}), task_type="worker",
                    task_id=cluster.number, rpc_layer="grpc"))
            context.set_config_key_value(f"eig_tf/connected/{cluster.number}", "yes")
            for number in range(len(cluster.addresses)):
                context.get_config_key_value(f"eig_tf/connected/{number}")
    except (tf.errors.OpError, RuntimeError) as error:
        raise UserError(f"the hosts {', '.join(cluster.addresses)} cannot be connected: "
                        f"{' '.join(str(error).split())[:200]}") from None
    return strategy


@contextmanager
def _ended_by_the_system(seconds):
    """End the process after a time: if a host ends now, TensorFlow waits forever and blocks Python."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    print(f"connects to the other hosts, for {seconds} seconds at most", flush=True)
    handler = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)


def _wait_for_hosts(cluster, host_timeout):
    """Return when every other host listens at its port, while this one listens at its own."""
    name, _, port = cluster.addresses[cluster.number].rpartition(":")
    try:
        both = socket.has_dualstack_ipv6()
        listener = socket.create_server(
            ("", int(port)), family=socket.AF_INET6 if both else socket.AF_INET, dualstack_ipv6=both)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"port {port} of {name} cannot be used: {reason}; expected a free port, or no other "
                        "training on this host") from None
    with listener:
        silent = [address for number, address in enumerate(cluster.addresses) if number != cluster.number]
        deadline = time.monotonic() + host_timeout
        while silent := [address for address in silent
                         if time.monotonic() > deadline or not _answers(address)]:
            if time.monotonic() > deadline:
                raise UserError(
                    f"{', '.join(silent)} did not answer within {host_timeout:g} seconds; expected the same "
                    "command on all hosts, or a larger --host_timeout")
            time.sleep(0.5)


def _answers(address):
    name, _, port = address.rpartition(":")
    try:
        socket.create_connection((name.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError):
        return False
    return True

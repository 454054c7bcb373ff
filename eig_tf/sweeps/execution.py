"""The execution of a sweep: its runs as tasks of Ray, retried when they die, skipped when they are done."""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.evaluation.record import load_record
from eig_tf.runs.stop_requests import StopRequests
from eig_tf.sweeps.attempts import AttemptResult, run_attempt, run_commands
from eig_tf.sweeps.progress_table import ProgressTable
from eig_tf.sweeps.spec import SweepRun, SweepSpec, check_data_directories
from eig_tf.sweeps.sweep_directory import DONE, FAILED, RUNNING, WAITING, RunStatus, SweepDirectory

# Seconds between two looks at the runs.
_TICK = 1.0
# Seconds in which the first machine of a cluster answers.
_CONNECT_SECONDS = 10.0
# Ray's own store of objects, which runs do not use, takes a third of the memory otherwise.
_OBJECT_STORE_BYTES = 100 * 2**20
_CONTINUE = "runs that trained are saved; the same command continues the sweep"


class RunOutcome(NamedTuple):
    """How a run of a sweep ended: its status is `done` or `failed`."""

    run: SweepRun
    status: RunStatus


def run_sweep(spec: SweepSpec, sweep_dir: str | os.PathLike, *, data_root: str | os.PathLike = ".",
              cache_dir: str | os.PathLike | None = None, cpus_per_run: float = 1.0,
              gpus_per_run: float = 0.0, address: str | None = None, max_retries: int = 3,
              only: Collection[str] | None = None,
              make_commands: Callable[[SweepRun], dict[str, list[str]]] | None = None) -> list[RunOutcome]:
    """Train and evaluate the runs of a sweep that are not done yet, side by side and in their order.

    A run whose process, worker or machine dies is started again and continues after its last checkpoint. One
    that ends with a user error, such as a training that diverged, is not. When a sweep is interrupted, its
    trainings save; the same call continues it.

    Args:
        spec: see `eig_tf.sweeps.spec`.
        sweep_dir: the directory of the sweep; in a cluster, in a file system that all machines share.
        data_root: the directory that `data_dir` of the runs is relative to.
        cache_dir: directory of classifiers and decoded data sets; the user's cache directory when None.
        cpus_per_run: number of cores of each run, above 0.
        gpus_per_run: number of GPUs of each run; a fraction lets several runs share one, and 0 means CPUs.
        address: of a Ray cluster, such as `auto` or `host:6379`; None starts Ray on this machine.
        max_retries: how often a run that died is started again.
        only: names of the runs to do and to report; all when None.
        make_commands: returns the commands of a run by what they do; those of `run_commands` when None.

    Returns:
        The outcomes in the order of the specification.

    Raises:
        UserError: the directory holds another sweep, data are missing, the cluster cannot be reached or no
            machine of it has room for a run.
        TrainingStopped: SIGTERM or Ctrl-C.
    """
    check_data_directories(spec, data_root)
    directory = SweepDirectory(Path(sweep_dir).expanduser().absolute())
    # The lock would be left in a directory of something else.
    directory.check(spec)
    with directory.locked():
        directory.prepare(spec)
        root, cache = (Path(path).expanduser().absolute()
                       for path in (data_root, cache_dir or files.default_cache_dir()))
        wanted = spec._replace(runs=tuple(run for run in spec.runs if only is None or run.name in only))
        make = make_commands or (lambda run: run_commands(run, spec, directory, root, cache))
        sweep = _Sweep(wanted, directory, cpus_per_run, gpus_per_run, max_retries)
        if sweep.pending():
            with ray_slots(address, cpus_per_run, gpus_per_run) as slots:
                sweep.execute(make, slots)
        return [RunOutcome(run, sweep.statuses[run.name]) for run in wanted.runs]


def is_finished(run: SweepRun, spec: SweepSpec, directory: SweepDirectory) -> bool:
    """Return whether a run was evaluated, with its config, after its last epoch and as the sweep asks."""
    try:
        record = load_record(directory.evaluation(run.name))
    except UserError:
        return False  # The evaluation is written anew.
    if record is None or (spec.export and not any(directory.run(run.name).glob("export/*/*"))):
        return False
    asked = dict(argument.removeprefix("--").split("=", 1) for argument in spec.evaluate_arguments)
    return (record.config == config_lib.config_from_dict(run.config).to_dict()
            and record.epochs == run.config["training"]["epochs"]
            and not record.lacks_categories
            and str(record.images_per_code) == asked.get("images_per_code", str(record.images_per_code))
            and str(record.evaluation_seed) == asked.get("evaluation_seed", str(record.evaluation_seed))
            and record.judge.get("architecture") == asked.get("classifier", record.judge.get("architecture")))


@contextlib.contextmanager
def ray_slots(address: str | None, cpus_per_run: float, gpus_per_run: float) -> Iterator[int]:
    """Connect to a cluster, or start Ray on this machine; yield the number of runs it has room for.

    Raises:
        UserError: Ray is not installed, the cluster cannot be reached, or no machine has room for a run.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray would give runs a low priority, so that any other work of the machine came first.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # In Ray's coming default, a task without GPUs sees those of the machine; `run_attempt` hides them.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError:
        raise UserError("ray is not installed, which sweeps need; expected pip install "
                        "'eig_tf[sweep]'") from None
    local: dict[str, Any] = {"object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False}
    try:
        host, _, port = (address or "").rpartition(":")
        if host and port.isdigit():
            # Ray itself tries for minutes.
            socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR,
                 **({} if address else local))
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"--address is {address!r}, and Ray cannot be used there: {reason}; expected that of "
                        "a cluster that ray start made, or none for this machine") from None
    try:
        machines = _machines(ray)
        slots = _room(machines, cpus_per_run, gpus_per_run)
        if not slots:
            found = "; ".join(f"{machine.get('CPU', 0):g} cores and {machine.get('GPU', 0):g} GPUs"
                              for machine in machines)
            raise UserError(f"--cpus_per_run is {cpus_per_run:g} and --gpus_per_run {gpus_per_run:g}, and "
                            f"the machines have {found}; expected no more than one machine has")
        yield slots
    finally:
        ray.shutdown()


def _machines(ray) -> list[dict[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _room(machines: list[dict[str, float]], cpus_per_run: float, gpus_per_run: float) -> int:
    return sum(room_of_machine(machine, cpus_per_run, gpus_per_run) for machine in machines)


def room_of_machine(resources: dict[str, float], cpus_per_run: float, gpus_per_run: float) -> int:
    """Return the number of runs that a machine has room for.

    Args:
        resources: its numbers of cores, `CPU`, and of GPUs, `GPU`.
        cpus_per_run: see `run_sweep`.
        gpus_per_run: see `run_sweep`; a run that needs less than one GPU has all of that on one.
    """
    # Shares of a GPU are rounded in binary: 1 // 0.1 is 9.
    room = resources.get("CPU", 0) / cpus_per_run + 1e-6
    if gpus_per_run:
        per_gpu = int(1 / gpus_per_run + 1e-6)
        gpus = resources.get("GPU", 0)
        room = min(room, gpus * per_gpu if per_gpu else gpus / gpus_per_run)
    return int(room)


class _Sweep:
    """The statuses of the runs, and their execution."""

    def __init__(self, spec, directory, cpus_per_run, gpus_per_run, max_retries):
        self.spec = spec
        self.directory = directory
        self.cpus_per_run = cpus_per_run
        self.gpus_per_run = gpus_per_run
        self.retries = {run.name: max_retries for run in spec.runs}
        self.statuses = {}
        for run in spec.runs:
            earlier = directory.load_status(run.name)._replace(error=None)
            if is_finished(run, spec, directory):
                self._set(run.name, earlier._replace(state=DONE))
            else:
                # Saved by `execute`: a start that fails must not hide why runs failed before.
                self.statuses[run.name] = earlier._replace(state=WAITING)

    def pending(self):
        return [run for run in self.spec.runs if self.statuses[run.name].state != DONE]

    def execute(self, make_commands, slots):
        import ray
        stops, stopping = StopRequests(), False
        self.directory.request_stop(False)
        table = ProgressTable(self.spec, self.directory, slots)
        # Ray sets handlers of its own, so that these come later.
        with stops.handled(), stops.deferred(), table:
            commands = {run.name: make_commands(run) for run in self.pending()}
            for name in commands:
                self._set(name, self.statuses[name])
            waiting, tasks, running = collections.deque(commands), {}, {}
            table.update(self.statuses)
            while (tasks or waiting) and not (stopping and not running):
                table.slots = _room(_machines(ray), self.cpus_per_run, self.gpus_per_run)
                # Ray keeps no order among tasks that wait, so that at most one waits, which makes a cluster
                # grow on demand.
                while waiting and not stopping and (len(tasks) < table.slots or len(running) == len(tasks)):
                    name = waiting.popleft()
                    tasks[self._submit(ray, name, commands[name])] = name
                ready, _ = ray.wait(list(tasks), timeout=_TICK)
                for task in ready:
                    name = tasks.pop(task)
                    if self._finish(name, self._result(ray, task), stopping):
                        waiting.appendleft(name)
                if stops.requested and not stopping:
                    stopping = True
                    # Ray's own cancellation is an exception that may get lost in a task.
                    self.directory.request_stop(True)
                    table.announce("stops: trainings that run are saved")
                states = {name: self.directory.load_status(name) for name in tasks.values()}
                running = {name: status for name, status in states.items() if status.state == RUNNING}
                table.update({**self.statuses, **running})
        if stops.requested:
            stops.stop(_CONTINUE)

    def _submit(self, ray, name, commands):
        # Ray's retries are not used, since they would not be counted.
        task = ray.remote(run_attempt).options(
            name=name, num_cpus=self.cpus_per_run, num_gpus=self.gpus_per_run, max_retries=0)
        # Ray puts the GPUs of a task that has any into its CUDA_VISIBLE_DEVICES.
        return task.remote(name, self.directory.path, commands, self.cpus_per_run, self.statuses[name],
                           visible_gpus=None if self.gpus_per_run else "")

    def _result(self, ray, task):
        try:
            return ray.get(task)
        except ray.exceptions.RayTaskError as error:
            # An error of this package or of a file system on the machine of the run.
            return AttemptResult(0.0, " ".join(str(error.cause or error).split())[-300:])
        except ray.exceptions.RayError as error:
            # The first sentence of a long explanation.
            reason = " ".join(str(error).split()).split(". ")[0]
            return AttemptResult(0.0, f"the worker was lost: {reason[:200]}", retry=True)

    def _finish(self, name, result, stopping):
        """Take over the result of an attempt; return whether there is another attempt."""
        begun = self.directory.load_status(name)
        seconds = round(begun.seconds + result.seconds, 1)
        if result.stopped or (stopping and result.retry):
            # The error of an earlier attempt is not the reason why the run waits.
            self._set(name, begun._replace(state=WAITING, seconds=seconds, error=None))
            return False
        if result.error is None:
            self._set(name, begun._replace(state=DONE, seconds=seconds, error=None))
            return False
        again = result.retry and self.retries[name] > 0
        self.retries[name] -= 1
        state = WAITING if again else FAILED
        self._set(name, begun._replace(state=state, seconds=seconds, error=result.error))
        return again

    def _set(self, name, status):
        self.statuses[name] = status
        self.directory.save_status(name, status)


def format_outcomes(outcomes: list[RunOutcome], sweep_dir: str | os.PathLike) -> str:
    """Return how a sweep ended in one sentence, and a line with the log for each run that failed."""
    directory = SweepDirectory(sweep_dir)
    failed = [outcome for outcome in outcomes if outcome.status.state == FAILED]
    return "\n".join([
        f"{len(outcomes) - len(failed)} of {len(outcomes)} runs are done, {len(failed)} failed: {sweep_dir}",
        *(f"failed  {run.name}: {status.error}; see {directory.log(run.name)}" for run, status in failed)])


def exit_status(outcomes: list[RunOutcome]) -> int:
    """Return the exit status of a sweep: 1 if a run failed, else 0."""
    return int(any(outcome.status.state == FAILED for outcome in outcomes))

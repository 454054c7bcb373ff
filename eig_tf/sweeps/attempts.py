"""An attempt at a run: its commands as processes, whose output goes to the log of the run."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import filelock

from eig_tf.sweeps.spec import SweepRun, SweepSpec
from eig_tf.sweeps.sweep_directory import RUNNING, RunStatus, SweepDirectory

_PACKAGE = Path(__file__).parent.parent
# Seconds between two looks at a process; seconds that it may take to save after SIGTERM; seconds until the
# processes of an earlier attempt have ended.
_POLL, _SAVING, _LOCKED = 0.2, 120.0, 120.0
# The exit status after bad input or a diverged training: another attempt would fail in the same way.
_USER_ERROR = 2


class AttemptResult(NamedTuple):
    """How an attempt ended.

    Attributes:
        seconds: how long it took.
        error: why it failed, in one sentence; None when all commands succeeded.
        retry: whether another attempt may succeed.
        stopped: whether it ended because the sweep stops.
    """

    seconds: float
    error: str | None = None
    retry: bool = False
    stopped: bool = False


def run_commands(run: SweepRun, spec: SweepSpec, directory: SweepDirectory, data_root: Path,
                 cache_dir: Path) -> dict[str, list[str]]:
    """Return the commands that train and evaluate a run, by what they do.

    Args:
        run: one of the specification's runs.
        spec: the specification.
        directory: of the sweep.
        data_root: the directory that the run's `data_dir` is relative to.
        cache_dir: directory of classifiers and decoded data sets.
    """
    data_dir = [f"--data_dir={data_root / run.data_dir}"] if run.data_dir else []
    run_dir, cache = directory.run(run.name), f"--cache_dir={cache_dir}"
    # Tools lie inside the package when it was installed from a wheel, beside it in a checkout.
    tools = next(path for path in (_PACKAGE / "tools", _PACKAGE.parent / "tools") if path.is_dir())
    return {
        "training": [sys.executable, "-m", "eig_tf.train", *run.train_arguments, *data_dir, cache,
                     f"--workdir={run_dir}", "--export" if spec.export else "--noexport"],
        "evaluation": [sys.executable, str(tools / "evaluate.py"), str(run_dir), cache,
                       *spec.evaluate_arguments]}


def run_attempt(name: str, path: Path, commands: Mapping[str, list[str]], cpus: float, earlier: RunStatus,
                visible_gpus: str | None = None) -> AttemptResult:
    """Run the commands of a run one after another until one fails.

    When the sweep is to stop, the command gets SIGTERM, so that a training saves.

    Args:
        name: of the run.
        path: the directory of the sweep.
        commands: command lines, by what they do; see `run_commands`.
        cpus: number of cores for the run.
        earlier: the run's status after the attempts before this one.
        visible_gpus: the value of CUDA_VISIBLE_DEVICES; None leaves that of this process.

    Raises:
        OSError: the log or the status cannot be written, or a command cannot be started.
    """
    directory, started = SweepDirectory(path), time.monotonic()
    if directory.stop_requested():
        return AttemptResult(0.0, stopped=True)
    directory.save_status(name, earlier._replace(
        state=RUNNING, attempts=earlier.attempts + 1, host=socket.gethostname()))
    environment = run_environment(cpus, visible_gpus)
    _wait_until_free(directory.run(name))
    result = AttemptResult(0.0)
    with directory.log(name).open("ab", buffering=0) as log:
        for what, command in commands.items():
            log.write(f"\n$ {shlex.join(command)}\n".encode())
            begin = log.tell()
            with _process(command, log, environment) as process:
                while process.poll() is None and not directory.stop_requested():
                    time.sleep(_POLL)
                stopped = process.returncode is None
            if stopped:
                result = AttemptResult(0.0, stopped=True)
                break
            if process.returncode:
                error = _reason(what, process.returncode, directory.log(name), begin)
                result = AttemptResult(0.0, error, process.returncode != _USER_ERROR)
                break
    return result._replace(seconds=time.monotonic() - started)


def run_environment(cpus: float, visible_gpus: str | None = None) -> dict[str, str]:
    """Return the environment of a run's processes, in which several runs share a machine.

    Args:
        cpus: number of cores, which is the number of threads of each kind, at least 1.
        visible_gpus: see `run_attempt`.
    """
    threads = str(max(1, int(cpus)))
    gpus = {} if visible_gpus is None else {"CUDA_VISIBLE_DEVICES": visible_gpus}
    # These describe the workers of Ray, and a run would wait for them as its other hosts.
    own = {name: value for name, value in os.environ.items()
           if name not in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS")}
    return {
        **own, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": threads, "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE.parent), os.environ.get("PYTHONPATH")])),
        **gpus}


def _wait_until_free(run_dir: Path) -> None:
    """Wait for a training of an earlier attempt; if it does not end in time, the next attempt reports it."""
    if run_dir.is_dir():
        with contextlib.suppress(filelock.Timeout, OSError, NotImplementedError), \
                filelock.FileLock(run_dir / ".lock", timeout=_LOCKED):
            pass


@contextlib.contextmanager
def _process(command: list[str], log, environment: Mapping[str, str]) -> Iterator[subprocess.Popen]:
    """Start a process that dies with this one, and end it when the block is left early."""
    bound = [sys.executable, "-m", "eig_tf.sweeps.bound_process", str(os.getpid()), *command]
    # In a session of its own, Ctrl-C reaches the sweep alone, which decides what happens.
    process = subprocess.Popen(bound, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                               env=environment, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_SAVING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _reason(what: str, status: int, log: Path, begin: int) -> str:
    """Return the command's own error from its part of the log, or else how it ended."""
    if status < 0 or status > 128:
        number = -status if status < 0 else status - 128
        with contextlib.suppress(ValueError):
            return f"the {what} was ended by {signal.Signals(number).name}"
    with log.open("rb") as file:
        file.seek(begin)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or [f"the {what} ended with status {status}"])[-1]

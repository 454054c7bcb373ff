"""The directory of a sweep: where everything of it lies, and readers of its files."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import filelock

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.sweeps.spec import SweepRun, SweepSpec

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"


class RunStatus(NamedTuple):
    """How far a run is.

    Attributes:
        state: `waiting`, also for a run that was interrupted, `running`, `done` or `failed`.
        attempts: how often it was started.
        seconds: how long the attempts took that have ended, in seconds.
        error: the sentence that says why it failed, or why the last attempt did; None otherwise.
        host: the machine of the last attempt, or None.
    """

    state: str = WAITING
    attempts: int = 0
    seconds: float = 0.0
    error: str | None = None
    host: str | None = None


class LoadedSweep(NamedTuple):
    """What `load_sweep` reads.

    Attributes:
        spec: the specification.
        status: the status of each run, by name.
        evaluations: the path of `evaluation.json` of each run that has one, by name.
    """

    spec: SweepSpec
    status: dict[str, RunStatus]
    evaluations: dict[str, Path]


class SweepDirectory:
    """The paths of one sweep, and readers and writers of its own files.

    Args:
        path: the directory; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self.spec = self.path / "sweep.json"
        self.lock = self.path / ".lock"
        self.stop = self.path / ".stop"

    def run(self, name: str) -> Path:
        """Return the run directory of a run."""
        return self.path / "runs" / name

    def evaluation(self, name: str) -> Path:
        """Return the path of the evaluation of a run."""
        return self.run(name) / "evaluation.json"

    def log(self, name: str) -> Path:
        """Return the path of the output of all attempts of a run."""
        return self.path / "logs" / f"{name}.log"

    def status(self, name: str) -> Path:
        """Return the path of the status of a run."""
        return self.path / "status" / f"{name}.json"

    def load_spec(self) -> SweepSpec | None:
        """Return the specification that was saved; None when there is none.

        Raises:
            UserError: the file is damaged.
        """
        try:
            content = json.loads(self.spec.read_text(encoding="utf-8"))
            runs = tuple(SweepRun(**{**run, "train_arguments": tuple(run["train_arguments"])})
                         for run in content["runs"])
            for run in runs:
                config_lib.config_from_dict(run.config)
            return SweepSpec(content["name"], runs, tuple(content["evaluate_arguments"]), content["export"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"it lacks {error}" if isinstance(error, KeyError) else error
            raise UserError(f"{self.spec} cannot be read: {reason}; expected the file that tools/sweep.py "
                            "wrote") from None

    def load_status(self, name: str) -> RunStatus:
        """Return the status of a run; `waiting` when it was never started.

        Raises:
            UserError: the file is damaged.
        """
        path = self.status(name)
        try:
            return RunStatus(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return RunStatus()
        except (ValueError, TypeError) as error:
            raise UserError(f"{path} cannot be read: {error}; expected the file that tools/sweep.py wrote, "
                            "or none") from None

    def save_status(self, name: str, status: RunStatus) -> None:
        """Write what `load_status` reads, atomically."""
        files.write_json(status._asdict(), self.status(name))

    def request_stop(self, stop: bool) -> None:
        """Tell all attempts that the sweep stops, or that it does not."""
        files.write_text("stop" if stop else "", self.stop)

    def stop_requested(self) -> bool:
        """Return whether the sweep stops."""
        # The file always exists: network file systems show a new content sooner than a new file.
        with contextlib.suppress(OSError):
            return self.stop.read_text(encoding="utf-8") == "stop"
        return False

    def check(self, spec: SweepSpec) -> None:
        """Check that the directory is new or empty, or holds the sweep asked for.

        Runs may be added to a sweep, and nothing else may change.

        Raises:
            UserError: the directory holds another sweep or other files.
        """
        saved = self.load_spec()
        if saved is None:
            if self.path.exists() and not (self.path.is_dir() and all(
                    entry.name.startswith(".") for entry in self.path.iterdir())):
                raise UserError(f"--sweep_dir is {str(self.path)!r}, which exists and holds no sweep; "
                                "expected a new or empty directory, or one of an earlier sweep")
        else:
            _check_same_sweep(self.path, saved, spec)

    def prepare(self, spec: SweepSpec) -> None:
        """Create the directory, or check it, and save the specification.

        Raises:
            UserError: see `check`.
        """
        self.check(spec)
        self.path.mkdir(parents=True, exist_ok=True)
        # First, so that a start that is killed leaves the directory of a sweep.
        files.write_json({**spec._asdict(), "runs": [run._asdict() for run in spec.runs]}, self.spec)
        for directory in ("runs", "logs", "status"):
            (self.path / directory).mkdir(exist_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory within a `with` block, so that one process at a time runs the sweep.

        Raises:
            UserError: another process runs it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.lock, blocking=False):
                yield
        except filelock.Timeout:
            raise UserError(f"{self.path} is in use by another tools/sweep.py; expected another --sweep_dir, "
                            "or to wait until it has ended") from None
        except NotImplementedError as error:
            raise UserError(f"{self.lock} cannot be locked: {error}; expected a file system with "
                            "locks") from None


def load_sweep(path: str | os.PathLike) -> LoadedSweep:
    """Read a sweep, finished or not.

    Args:
        path: the directory of the sweep.

    Raises:
        UserError: there is no sweep, or a file of it is damaged.
    """
    directory = SweepDirectory(path)
    spec = directory.load_spec()
    if spec is None:
        raise UserError(f"{directory.path} is no directory of a sweep: it has no sweep.json; expected one "
                        "that tools/sweep.py wrote")
    names = [run.name for run in spec.runs]
    return LoadedSweep(
        spec, {name: directory.load_status(name) for name in names},
        {name: directory.evaluation(name) for name in names if directory.evaluation(name).is_file()})


def _check_same_sweep(path: Path, saved: SweepSpec, asked: SweepSpec) -> None:
    problem = None
    runs = {run.name: _settings(run) for run in asked.runs}
    if (saved.evaluate_arguments, saved.export) != (asked.evaluate_arguments, asked.export):
        problem = "other values of evaluate or export"
    for run in saved.runs:
        if run.name not in runs:
            problem = f"a run {run.name}, which {asked.name} lacks"
        elif runs[run.name] != _settings(run):
            problem = f"other settings of {run.name} ({' '.join(run.train_arguments)})"
    if problem:
        raise UserError(f"{path} holds a sweep with {problem}; expected the same specification, one with "
                        "more runs, or another --sweep_dir")


def _settings(run: SweepRun) -> tuple[dict, str | None]:
    return config_lib.config_from_dict(run.config).to_dict(), run.data_dir

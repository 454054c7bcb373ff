"""Where the runs of tables and figures come from: sweeps that train what is missing, or given evaluations."""

from __future__ import annotations

import glob
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eig_tf import config as config_lib
from eig_tf.config.presets import PRESET_DIRECTORIES
from eig_tf.data import imbalance, registry
from eig_tf.errors import UserError
from eig_tf.reproduction.evaluated_runs import Run, read_runs
from eig_tf.reproduction.protocol import ABLATIONS
from eig_tf.sweeps.execution import RunOutcome, format_outcomes, is_finished, run_sweep
from eig_tf.sweeps.spec import SweepRun, SweepSpec, load_spec
from eig_tf.sweeps.sweep_directory import DONE, SweepDirectory

BALANCED, CONTINUOUS = "balanced", "continuous"
NOT_COLUMNS = (ABLATIONS, BALANCED, CONTINUOUS)


class SweepRuns:
    """The runs of the sweeps of a preset.

    Args:
        sweeps: name of a file in configs/sweeps by what it is for: a column of the tables or a name of
            `NOT_COLUMNS`.
        sweep_dir: directory of the directories of the sweeps.
        options: arguments of `sweeps.execution.run_sweep`: `data_root`, `cache_dir`, `cpus_per_run` etc.
    """

    def __init__(self, sweeps: Mapping[str, str], sweep_dir: str | os.PathLike, **options: Any) -> None:
        self._sweeps, self._path = sweeps, Path(sweep_dir).expanduser()
        self._options = {"data_root": ".", **options}
        self._wanted: dict[str, list[SweepRun]] = {}

    @property
    def columns(self) -> list[str]:
        """The data sets of the tables."""
        return [name for name in self._sweeps if name not in NOT_COLUMNS]

    def prepare(self, needs: Mapping[str, Collection[str] | None]) -> list[str]:
        """Train and evaluate what is missing.

        Args:
            needs: methods by sweep; None for all.

        Returns:
            A sentence for each sweep of which runs failed.

        Raises:
            UserError: data are missing, which is said of all sweeps before anything is trained, or see
                `run_sweep`.
        """
        specs = {name: self._load_spec(name) for name in needs}
        for name, methods in needs.items():
            self._wanted[name] = [run for run in specs[name].runs if methods is None or run.method in methods]
        missing = {name: spec for name, spec in specs.items() if not all(
            is_finished(run, spec, self._directory(name)) for run in self._wanted[name])}
        check_data([run for name in missing for run in self._wanted[name]], self._options["data_root"])
        problems = []
        for name, spec in missing.items():
            directory = self._directory(name)
            saved = directory.load_spec()
            # A sweep may grow but not shrink, and an earlier call may have asked for other methods.
            wanted = {run.name for run in self._wanted[name]}
            known = wanted | {run.name for run in (saved.runs if saved else ())}
            runs = tuple(run for run in spec.runs if run.name in known)
            outcomes = run_sweep(spec._replace(runs=runs), directory.path, only=wanted, **self._options)
            problems += _failures(outcomes, directory)
        return problems

    def runs(self, name: str) -> list[Run]:
        """Return the evaluated runs of a sweep among those that `prepare` was asked for."""
        evaluations = [self._directory(name).evaluation(run.name) for run in self._wanted[name]]
        return read_runs(path for path in evaluations if path.is_file())

    def _directory(self, name: str) -> SweepDirectory:
        return SweepDirectory(self._path.absolute() / self._sweeps[name])

    def _load_spec(self, name: str) -> SweepSpec:
        file_name = Path("sweeps", f"{self._sweeps[name]}.yaml")
        paths = [directory / file_name for directory in PRESET_DIRECTORIES]
        return load_spec(next((path for path in paths if path.is_file()), paths[0]))


class GivenRuns:
    """The runs of given evaluations, by data set; runs on balanced data and with continuous codes apart.

    Args:
        patterns: glob patterns of `evaluation.json` files under any name, and directories: of a sweep, of a
            run, or of such files.

    Raises:
        UserError: a pattern matches nothing, or a file is damaged.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        paths = [path for pattern in patterns for path in find_evaluations(pattern)]
        self._all = read_runs(dict.fromkeys(paths))
        self._by_sweep: dict[str, list[Run]] = {}
        for run in self._all:
            self._by_sweep.setdefault(_sweep_of(run), []).append(run)

    @property
    def columns(self) -> list[str]:
        """The data sets of the runs."""
        return [name for name in self._by_sweep if name not in NOT_COLUMNS]

    def prepare(self, needs: Mapping[str, Collection[str] | None]) -> list[str]:
        """Train nothing."""
        del needs
        return []

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a data set; all for ablations, and those of one data set for `NOT_COLUMNS`."""
        if name == ABLATIONS:
            return self._all
        found = self._by_sweep.get(name, [])
        if name not in NOT_COLUMNS:
            return found
        # The paper's are of MNIST.
        dataset = min((run.dataset for run in found), key=lambda one: (one != "mnist", one), default=None)
        return [run for run in found if run.dataset == dataset]


def find_evaluations(pattern: str) -> list[Path]:
    """Return the evaluation files that a glob pattern or a directory stands for, sorted.

    Raises:
        UserError: there are none.
    """
    found: list[Path] = []
    for place in map(Path, sorted(glob.glob(os.path.expanduser(pattern)))):
        if not place.is_dir():
            found.append(place)
        elif (place / "runs").is_dir():
            found += sorted(place.glob("runs/*/evaluation.json"))
        elif (place / "evaluation.json").is_file():
            found.append(place / "evaluation.json")
        # The JSON files of a run that is not evaluated yet are others.
        elif not (place / "config.json").is_file():
            found += sorted(place.glob("*.json"))
    if not found:
        raise UserError(f"--evaluations has {pattern!r}, where no evaluation is; expected evaluation.json "
                        "files, a directory of them, or that of a run or a sweep")
    return found


def check_data(runs: Sequence[SweepRun], data_root: str | os.PathLike) -> None:
    """Check that the data of all runs are there, with the classes that they need; nothing is decoded.

    Raises:
        UserError: some are not; one line for each data set.
    """
    problems: dict[str, str] = {}
    for run in {(run.dataset, run.data_dir, run.class_set): run for run in runs}.values():
        loader = registry.find_loader(run.dataset)
        if run.data_dir is None and hasattr(loader, "load_images"):
            continue
        directory = Path(data_root).expanduser() / (run.data_dir or "")
        config = config_lib.config_from_dict(run.config)
        try:
            if not directory.is_dir():
                raise UserError(f"{directory} is no directory; expected the files of the data set, see "
                                "docs/datasets.md, or another --data_root")
            if hasattr(loader, "list_files"):
                loader.list_files(directory, config)
            else:
                list(loader.check_directory(directory, config))
        except UserError as error:
            problems.setdefault(run.dataset, f"data of {run.dataset}: {error}")
    if problems:
        raise UserError("\n".join(problems.values()))


def _failures(outcomes: list[RunOutcome], directory: SweepDirectory) -> list[str]:
    if all(outcome.status.state == DONE for outcome in outcomes):
        return []
    return [format_outcomes(outcomes, directory.path)]


def _sweep_of(run: Run) -> str:
    config = run.evaluation.record.flat_config()
    splits = imbalance.paper_splits().get(run.evaluation.row.dataset)
    if splits is not None and config["data.imbalance"] == imbalance.NONE:
        return BALANCED
    if "vae.beta_discrete" not in config and config["networks.num_continuous"]:
        return CONTINUOUS
    return run.dataset

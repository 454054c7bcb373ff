"""The progress of a sweep: a live table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from types import TracebackType

from eig_tf import files, progress
from eig_tf.sweeps.spec import SweepRun, SweepSpec
from eig_tf.sweeps.sweep_directory import DONE, FAILED, RUNNING, WAITING, RunStatus, SweepDirectory

# Redraw from the first line of the table: up, and clear what is below.
_REDRAW = "\x1b[{}F\x1b[J"


class ProgressTable:
    """Show how far the runs of a sweep are, within a `with` block.

    Args:
        spec: the specification.
        directory: of the sweep.
        slots: the number of runs side by side.
    """

    def __init__(self, spec: SweepSpec, directory: SweepDirectory, slots: int) -> None:
        self.spec = spec
        self.directory = directory
        self.slots = slots
        self.shown: dict[str, tuple[str, int]] = {}
        self.started: dict[tuple[str, int], float] = {}
        self.num_lines = 0

    def __enter__(self) -> ProgressTable:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Leave the last table on the terminal."""
        self.num_lines = 0

    def announce(self, line: str) -> None:
        """Print a line above the table."""
        self._write([line])
        self.num_lines = 0

    def update(self, statuses: Mapping[str, RunStatus]) -> None:
        """Show the statuses of all runs, by name."""
        lines = self._changes(statuses)
        if progress.on_terminal():
            self._write(self._table(statuses))
        elif lines:
            print("\n".join(lines), flush=True)

    def _changes(self, statuses):
        lines = []
        for name, status in statuses.items():
            change = (status.state, status.attempts)
            # A run that waits for its first attempt, or was done before, has not changed.
            if self.shown.get(name, (status.state, status.attempts)
                              if status.state in (WAITING, DONE) else None) != change:
                if status.state == RUNNING:
                    self.started[name, status.attempts] = time.monotonic()
                counts = Counter(one.state for one in statuses.values())
                why = f" ({status.error})" if status.error and status.state != RUNNING else ""
                attempt = f", attempt {status.attempts}" if status.attempts > 1 else ""
                what = {RUNNING: f"starts on {status.host}{attempt}", FAILED: f"failed{why}",
                        WAITING: f"waits for another attempt{why}" if why else "was stopped",
                        DONE: f"is done after {progress.format_seconds(status.seconds)}"}[status.state]
                lines.append(f"{name} {what}; {_counts(counts, len(statuses))}{self._left(statuses)}")
            self.shown[name] = change
        return lines

    def _table(self, statuses):
        counts = Counter(status.state for status in statuses.values())
        rows = [f"{_counts(counts, len(statuses))}{self._left(statuses)}"]
        for run in self.spec.runs:
            status = statuses[run.name]
            if status.state == RUNNING:
                attempt = f", attempt {status.attempts}" if status.attempts > 1 else ""
                rows.append(f"  {run.name}  epoch {epochs_done(run, self.directory)} of "
                            f"{run.config['training']['epochs']} done, "
                            f"{progress.format_seconds(round(self._elapsed(run.name, status)))} "
                            f"on {status.host}{attempt}")
            elif status.state == FAILED:
                rows.append(f"  {run.name}  failed: {status.error}")
        size = shutil.get_terminal_size()
        # A table that is higher than the terminal could not be redrawn.
        return [row[:size.columns - 1] for row in rows[:max(1, size.lines - 2)]]

    def _left(self, statuses):
        """Return how long the rest takes: by the mean of runs that are done, or by the epochs of others."""
        known, shares, pending = {}, {}, []
        for run in self.spec.runs:
            status, kind = statuses[run.name], (run.label, run.setting)
            shares[run.name] = 0.0
            # The time of an attempt that was killed is not known.
            if status.state == DONE and status.attempts == 1:
                known.setdefault(kind, []).append(status.seconds)
            elif status.state in (WAITING, RUNNING):
                pending.append(run)
                done = epochs_done(run, self.directory) if status.state == RUNNING else 0
                # A run whose last epoch is done is still evaluated.
                shares[run.name] = min(done / run.config["training"]["epochs"], 0.95)
                elapsed = self._elapsed(run.name, status) if done else 0.0
                if elapsed > 1 and status.attempts == 1:
                    known.setdefault(kind, []).append(elapsed / shares[run.name])
        if not pending or not known:
            return ""
        every = [seconds for values in known.values() for seconds in values]
        total = 0.0
        for run in pending:
            values = known.get((run.label, run.setting), every)
            total += sum(values) / len(values) * (1 - shares[run.name])
        return f", about {progress.format_seconds(total / max(1, min(self.slots, len(pending))))} left"

    def _elapsed(self, name, status):
        return time.monotonic() - self.started.get((name, status.attempts), time.monotonic())

    def _write(self, lines):
        up = _REDRAW.format(self.num_lines) if self.num_lines else ""
        print(up + "\n".join(lines), flush=True)
        self.num_lines = len(lines)


def epochs_done(run: SweepRun, directory: SweepDirectory) -> int:
    """Return the number of epochs that the run's `history.csv` has."""
    return files.count_rows(directory.run(run.name) / "history.csv")


def _counts(counts, total):
    return (f"{counts[DONE]} of {total} runs done, {counts[RUNNING]} running, {counts[FAILED]} failed, "
            f"{counts[WAITING]} waiting")

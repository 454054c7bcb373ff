"""A stand-in for training and evaluation: a process that counts its steps, and commands that run it.

    python stand_in.py RUN_DIR BEHAVIOUR           is the training
    python stand_in.py sweep SPEC SWEEP_DIR [ADDRESS]        runs a sweep of such trainings

The label of a run is its behaviour.
"""

import os
import signal
import sys
import time
from pathlib import Path

import filelock

from eig_tf.errors import TrainingStopped, UserError
from eig_tf.evaluation.record import EvaluationRecord, save_record
from eig_tf.sweeps.execution import run_sweep
from eig_tf.sweeps.spec import load_spec

STEPS = {"slow": 100}
_COPY = "import shutil, sys; shutil.copy(*sys.argv[1:])"


def train(run_dir, behaviour):
    """Append a line to steps.txt for each step that is not done; like a training, hold the run directory."""
    run_dir.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with filelock.FileLock(run_dir / ".lock", blocking=False):
            _train(run_dir, behaviour)
    except filelock.Timeout:
        print(f"error: {run_dir} is in use")
        sys.exit(2)


def _train(run_dir, behaviour):
    steps, starts = run_dir / "steps.txt", run_dir / "starts.txt"
    with starts.open("a") as file:
        file.write(f"{os.getpid()} {os.environ['OMP_NUM_THREADS']}\n")
    first = len(starts.read_text().splitlines()) == 1
    if behaviour == "user_error":
        print("error: --split is bad; expected a good one")
        sys.exit(2)
    if behaviour == "always_killed" or (first and behaviour == "killed"):
        os.kill(os.getpid(), signal.SIGKILL)
    while (done := len(steps.read_text().splitlines()) if steps.exists() else 0) < STEPS.get(behaviour, 4):
        time.sleep(0.05)
        with steps.open("a") as file:
            file.write(f"{done}\n")
        if first and behaviour == "worker_killed":
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(100)


def make_commands(sweep_dir):
    """Return the function that makes a run's commands; its evaluation copies a record that fits."""
    def commands(run):
        run_dir, record = Path(sweep_dir, "runs", run.name), Path(f"{sweep_dir}-{run.name}.json")
        save_record(EvaluationRecord(
            config=run.config, epochs=run.config["training"]["epochs"], class_names=("0", "1"),
            confusion=[[1, 2], [3, 4]], code_to_class=[0, 1], true_fractions=[0.5, 0.5], prior=[0.5, 0.5],
            prior_learned=False), record)
        return {"training": [sys.executable, __file__, str(run_dir), run.label],
                "evaluation": [sys.executable, "-c", _COPY, str(record), str(run_dir / "evaluation.json")]}
    return commands


def main(first, second, sweep_dir=None, address=None):
    if sweep_dir is None:
        train(Path(first), second)
        return
    try:
        run_sweep(load_spec(second), sweep_dir, address=address, make_commands=make_commands(sweep_dir))
    except (TrainingStopped, UserError) as stop:
        sys.exit(getattr(stop, "status", 2))


if __name__ == "__main__":
    main(*sys.argv[1:])

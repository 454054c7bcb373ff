"""Attempts at a run: commands as processes that die with their parent."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from eig_tf.sweeps.attempts import run_attempt, run_commands, run_environment
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import RunStatus, SweepDirectory


@pytest.fixture
def directory(stand_ins, tmp_path):
    """The directory of a sweep without attempts."""
    made = SweepDirectory(tmp_path / "sweep")
    made.prepare(stand_ins("good"))
    return made


@pytest.fixture
def attempt(directory):
    """Makes an attempt at the run `a` with Python programs as commands."""
    def run(*programs):
        commands = {name: [sys.executable, "-c", program]
                    for name, program in zip(("training", "evaluation"), programs)}
        return run_attempt("a", directory.path, commands, 2.5, RunStatus("waiting", 1, 7.0, "before"))
    return run


def test_commands_run_one_after_another_into_the_log(directory, attempt):
    result = attempt("import os; print(os.environ['TF_NUM_INTRAOP_THREADS'], os.getppid())", "print('done')")
    assert (result.error, result.stopped) == (None, False) and result.seconds > 0
    log = directory.log("a").read_text().splitlines()
    assert log[2] == f"2 {os.getpid()}" and log[5] == "done"
    assert log[1].startswith(f"$ {sys.executable} -c ")
    status = directory.load_status("a")
    assert (status.state, status.attempts, status.seconds) == ("running", 2, 7.0)


@pytest.mark.parametrize(("program", "error", "retry"), [
    ("import sys; print('error: --split is 7'); print('more'); sys.exit(2)", "--split is 7", False),
    ("raise ValueError('unexpected')", "ValueError: unexpected", True),
    ("import sys; sys.exit(3)", "the training ended with status 3", True),
    ("import os; os.kill(os.getpid(), 9)", "the training was ended by SIGKILL", True),
    ("import sys; sys.exit(143)", "the training was ended by SIGTERM", True)])
def test_what_fails_names_its_own_error_and_ends_the_attempt(directory, attempt, program, error, retry):
    attempt("print('error: of an earlier attempt')")
    assert attempt(program, "print('not reached')")[1:] == (error, retry, False)
    assert not directory.log("a").read_text().endswith("not reached\n")


def test_an_attempt_stops_with_the_sweep(directory, attempt):
    saves = ("import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(print('saved')))\n"
             "print('begins'); time.sleep(60)")

    def stop():
        while not directory.log("a").exists() or "\nbegins" not in directory.log("a").read_text():
            time.sleep(0.05)
        directory.request_stop(True)

    thread = threading.Thread(target=stop)
    thread.start()
    result = attempt(saves, "print('not reached')")
    thread.join()
    assert result.stopped and directory.log("a").read_text().endswith("\nsaved\n")
    assert attempt(saves)[1:] == (None, False, True)


def test_a_bound_process_dies_with_its_parent(tmp_path, repository, until):
    program = ("import os, subprocess, sys, time\n"
               "child = subprocess.Popen([sys.executable, '-m', 'eig_tf.sweeps.bound_process',"
               " str(os.getpid()), sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(9)'],"
               " stdout=subprocess.PIPE)\n"
               "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)")
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE,
                          text=True) as parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.send_signal(signal.SIGKILL)

    def state():
        try:
            with open(f"/proc/{child}/stat") as file:
                return file.read().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return "gone"
    until(lambda: state() in ("Z", "gone"))


def test_a_command_whose_parent_has_died_before_does_not_start(command):
    result = command("-m", "eig_tf.sweeps.bound_process", "1", sys.executable, "-c", "print('started')")
    assert (result.returncode, result.stdout) == (128 + signal.SIGKILL, "")


def test_commands_of_a_run(tmp_path, monkeypatch):
    spec = parse_spec({"runs": [{"dataset": "cars", "method": "joint_vae", "data_dir": "c"}],
                       "evaluate": {"images_per_code": 5}}, "a.yaml")
    training, evaluation = run_commands(
        spec.runs[0], spec, SweepDirectory("s"), tmp_path, tmp_path / "cache").values()
    run_dir = "s/runs/cars-joint_vae-set0-split0-seed0"
    assert training[1:] == [
        "-m", "eig_tf.train", "--dataset=cars", "--method=joint_vae", f"--data_dir={tmp_path}/c",
        f"--cache_dir={tmp_path}/cache", f"--workdir={run_dir}", "--noexport"]
    assert os.path.isfile(evaluation[1]) and evaluation[1].endswith("tools/evaluate.py")
    assert evaluation[2:] == [run_dir, f"--cache_dir={tmp_path}/cache", "--images_per_code=5"]
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    monkeypatch.setenv("TF_CONFIG", "{}")
    assert {"SLURM_STEP_NUM_TASKS", "TF_CONFIG"}.isdisjoint(run_environment(1))
    assert run_environment(0.5)["OMP_NUM_THREADS"] == "1"
    assert run_environment(1, "")["CUDA_VISIBLE_DEVICES"] == ""

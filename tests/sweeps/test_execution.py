"""Sweeps on a real Ray: what dies is started again, what is done is not, and a sweep can be stopped."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import sys

import pytest
import ray.cluster_utils
import stand_in
import yaml

from eig_tf.errors import UserError
from eig_tf.sweeps.execution import exit_status, format_outcomes, room_of_machine, run_sweep
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import FAILED, RunStatus, SweepDirectory, load_sweep

NAME = "{}-uniform_infogan-split0-seed0"


def steps(directory, behaviour):
    return (directory.run(NAME.format(behaviour)) / "steps.txt").read_text().splitlines()


def starts(directory, behaviour):
    """The process ids of the stand-ins that have started."""
    path = directory.run(NAME.format(behaviour)) / "starts.txt"
    return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize(("cpus", "gpus", "cpus_per_run", "gpus_per_run", "room"), [
    (2, 0, 1, 0, 2), (2, 0, 0.5, 0, 4), (3, 0, 2, 0, 1), (16, 1, 1, 0.15, 6), (16, 2, 1, 0.1, 16),
    (64, 2, 1, 0.1, 20), (64, 8, 1, 2, 4), (64, 2, 1, 0.6, 2), (64, 0, 1, 0.5, 0), (1, 4, 2, 1, 0)])
def test_room_of_a_machine(cpus, gpus, cpus_per_run, gpus_per_run, room):
    assert room_of_machine({"CPU": cpus, "GPU": gpus}, cpus_per_run, gpus_per_run) == room


def test_a_cluster_that_does_not_answer_is_named(stand_ins, tmp_path):
    """Nothing was tried, so that the reason of an earlier failure is kept."""
    spec, directory = stand_ins("good"), SweepDirectory(tmp_path / "sweep")
    directory.prepare(spec)
    failed = RunStatus(FAILED, attempts=1, error="the training diverged")
    directory.save_status(spec.runs[0].name, failed)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(UserError, match=rf"^--address is '{address}', and Ray cannot be used there: "
                           r".*refused; expected that of a cluster that ray start made, or none for "
                           "this machine$"):
            run_sweep(spec, directory.path, address=address)
    assert directory.load_status(spec.runs[0].name) == failed


def test_other_runs_of_the_sweep_are_left_alone(stand_ins, tmp_path):
    """Nothing is left to do for the asked run, so that Ray is not needed."""
    spec, directory = stand_ins("good", "last"), SweepDirectory(tmp_path / "sweep")
    directory.prepare(spec)
    stand_in.make_commands(directory.path)(spec.runs[0])
    directory.run(spec.runs[0].name).mkdir()
    (tmp_path / f"sweep-{spec.runs[0].name}.json").rename(directory.evaluation(spec.runs[0].name))
    (outcome,) = run_sweep(spec, directory.path, address="no:1", only={spec.runs[0].name})
    assert (outcome.run, outcome.status.state) == (spec.runs[0], "done")
    assert load_sweep(directory.path).status[spec.runs[1].name].state == "waiting"


def lives(process):
    """Whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def cluster():
    """A cluster of Ray with one machine of two cores."""
    made = ray.cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    yield made
    made.shutdown()


@pytest.mark.slow
def test_deaths_are_retried_and_errors_are_not(cluster, stand_ins, tmp_path):
    """A worker of Ray and its process killed, one killed always, a user error, among good runs."""
    spec = stand_ins("good", "worker_killed", "killed", "always_killed", "user_error", "last")
    directory = SweepDirectory(tmp_path / "sweep")
    outcomes = run_sweep(spec, directory.path, address=cluster.address, cpus_per_run=0.5, max_retries=1,
                         make_commands=stand_in.make_commands(directory.path))
    found = {run.label: (status.state, status.attempts, status.error) for run, status in outcomes}
    assert found == {
        "good": ("done", 1, None), "worker_killed": ("done", 2, None), "killed": ("done", 2, None),
        "always_killed": ("failed", 2, "the training was ended by SIGKILL"),
        "user_error": ("failed", 1, "--split is bad; expected a good one"), "last": ("done", 1, None)}
    assert steps(directory, "worker_killed") == ["0", "1", "2", "3"]
    assert not any(lives(process) for process in starts(directory, "worker_killed"))
    loaded = load_sweep(directory.path)
    assert (loaded.spec.runs, len(loaded.evaluations)) == (spec.runs, 4)
    assert loaded.status == {run.name: status for run, status in outcomes}
    assert exit_status(outcomes) == 1
    assert format_outcomes(outcomes, directory.path).splitlines() == [
        f"4 of 6 runs are done, 2 failed: {directory.path}",
        f"failed  {NAME.format('always_killed')}: the training was ended by SIGKILL; see "
        f"{directory.log(NAME.format('always_killed'))}",
        f"failed  {NAME.format('user_error')}: --split is bad; expected a good one; see "
        f"{directory.log(NAME.format('user_error'))}"]


@pytest.mark.slow
def test_runs_start_in_the_order_of_the_specification(cluster, tmp_path):
    """One at a time, in the room of two: Ray itself would start them in any order."""
    directory = SweepDirectory(tmp_path / "sweep")
    spec = parse_spec({"runs": [{"dataset": "digits", "method": "uniform_infogan", "label": "good",
                                 "seed": [5, 3, 4, 0, 2, 1]}]}, "sweep.yaml")
    run_sweep(spec, directory.path, address=cluster.address, cpus_per_run=2,
              make_commands=stand_in.make_commands(directory.path))
    ends = [directory.evaluation(run.name).stat().st_mtime_ns for run in spec.runs]
    assert len(ends) == 6 and ends == sorted(ends)


@pytest.mark.slow
def test_a_sweep_that_is_stopped_continues_and_repeats_nothing(
        cluster, stand_in_path, repository, tmp_path, until):
    """Stopped by SIGINT, then killed with its own Ray, then left alone."""
    path, directory = tmp_path / "sweep.yaml", SweepDirectory(tmp_path / "sweep")
    path.write_text(yaml.safe_dump({"runs": [
        {"dataset": "digits", "method": "uniform_infogan", "label": label} for label in ("good", "slow")]}))
    command = [sys.executable, stand_in_path, "sweep", path, directory.path]
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    for attempt, (number, status, places) in enumerate([
            (signal.SIGINT, 130, [cluster.address]), (signal.SIGKILL, -signal.SIGKILL, [])], 1):
        with subprocess.Popen([*command, *places], env=environment) as process:
            until(lambda: len(starts(directory, "slow")) == attempt)  # noqa: B023
            until(directory.evaluation(NAME.format("good")).exists)
            process.send_signal(number)
            assert process.wait(60) == status
        until(lambda: not lives(starts(directory, "slow")[-1]))
        assert len(steps(directory, "slow")) < stand_in.STEPS["slow"]
    result = subprocess.run([*command, cluster.address], env=environment, capture_output=True, text=True,
                            timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert (len(starts(directory, "good")), len(starts(directory, "slow"))) == (1, 3)
    assert steps(directory, "slow") == [str(step) for step in range(stand_in.STEPS["slow"])]
    assert load_sweep(directory.path).status[NAME.format("slow")].attempts == 3


@pytest.mark.slow
def test_a_run_whose_machine_is_lost_goes_on_on_another_one(cluster, stand_ins, tmp_path, until):
    """The first machine has too few cores for the run."""
    directory = SweepDirectory(tmp_path / "sweep")
    lost = cluster.add_node(num_cpus=3)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sweep = pool.submit(run_sweep, stand_ins("slow"), directory.path, address=cluster.address,
                            cpus_per_run=3, make_commands=stand_in.make_commands(directory.path))
        until(lambda: starts(directory, "slow") or sweep.done())
        cluster.add_node(num_cpus=3)
        cluster.remove_node(lost, allow_graceful=False)
        (outcome,) = sweep.result(timeout=300)
    with pytest.raises(UserError, match=r"^--cpus_per_run is 3 and --gpus_per_run 0\.5, and the machines "
                       r"have .*3 cores and 0 GPUs.*; expected no more than one machine has$"):
        run_sweep(stand_ins("good"), tmp_path / "other", address=cluster.address, cpus_per_run=3,
                  gpus_per_run=0.5)
    assert (outcome.status.state, outcome.status.attempts) == ("done", 2)
    assert steps(directory, "slow") == [str(step) for step in range(stand_in.STEPS["slow"])]


@pytest.mark.slow
def test_the_command_trains_and_evaluates_and_names_what_failed(
        command, repository, cache_with_judge, tmp_path):
    """Beside a good run, one diverges and one has more images in a batch than there are."""
    (tmp_path / "spec.yaml").write_text("""
runs:
  - {dataset: digits, method: uniform_infogan, label: good, config: &small {
       training.epochs: 1, networks.width: 0.0625, optimizer.learning_rate: 1e-3}}
  - {dataset: digits, method: uniform_infogan, label: diverges, config: {
       <<: *small, optimizer.learning_rate: 1.0e+30}}
  - {dataset: digits, method: uniform_infogan, label: big, config: {<<: *small, training.batch_size: 5000}}
evaluate: {images_per_code: 20}
""")
    result = command(repository / "tools" / "sweep.py", "spec.yaml", "--cpus_per_run=0.5",
                     f"--cache_dir={cache_with_judge}")
    assert (result.returncode, result.stderr) == (1, ""), result.stdout
    assert "1 of 3 runs are done, 2 failed: sweeps/spec\n" in result.stdout
    assert "--config.training.batch_size is 5000; the training set holds 1205 images" in result.stdout
    assert "training diverged: " in result.stdout
    loaded = load_sweep(tmp_path / "sweeps" / "spec")
    assert [status.attempts for status in loaded.status.values()] == [1, 1, 1]
    assert [status.state for status in loaded.status.values()] == ["done", "failed", "failed"]

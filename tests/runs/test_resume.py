"""A run that stops and goes on ends exactly where one that never stopped does."""

import csv
import os
import re
import signal
import time

import pytest

pytestmark = pytest.mark.slow

FOUR = "--config.training.epochs=4"


def wait_for(condition, process, seconds=200):
    """Waits until a condition holds while a process runs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stop_after_epoch(process, run, epoch, signal_number):
    """Signals a training in the epoch after `epoch`; returns its status and stderr."""
    checkpoint = run / "checkpoints" / "checkpoint"
    wait_for(lambda: checkpoint.is_file() and f"ckpt-{4 * epoch}" in checkpoint.read_text(), process)
    # In the steps of the next epoch, of which nothing is recorded yet.
    time.sleep(0.05)
    os.kill(process.pid, signal_number)
    _, stderr = process.communicate(timeout=100)
    return process.returncode, stderr


@pytest.fixture(scope="module")
def straight(train, tiny, tmp_path_factory):
    """Four epochs in one go."""
    start = tmp_path_factory.mktemp("straight")
    result = train(start, *tiny, FOUR, "--workdir=run")
    assert result.status == 0, result.stderr
    return start / "run"


def test_a_finished_run_is_left_as_it_is_and_exported_once(
        train, tiny, run_copy, finished, assert_same_run):
    base = run_copy / "export" / "digits"
    for _ in range(2):
        result = train(run_copy.parent, *tiny, "--export", "--workdir=run")
        assert (result.status, result.stderr) == (0, "")
        *_, path, note = result.stdout.splitlines()
        assert path == "SavedModel     run/export/digits/1"
        assert note.startswith("note: the codes have no class names")
        assert [path.name for path in base.iterdir() if path.name != ".lock"] == ["1"]
    assert_same_run(run_copy, finished.path)


def test_kill_in_the_middle_of_an_epoch_loses_no_more_than_that_epoch(
        start_training, train, tiny, tmp_path, straight, assert_same_run):
    process = start_training(tmp_path, *tiny, FOUR, "--workdir=run")
    status, _ = stop_after_epoch(process, tmp_path / "run", 1, signal.SIGKILL)
    assert status == -signal.SIGKILL
    result = train(tmp_path, *tiny, FOUR, "--workdir=run")
    assert result.status == 0, result.stderr
    assert "continues after epoch" in result.stdout
    assert_same_run(tmp_path / "run", straight)


def test_kill_between_the_tables_and_the_checkpoint(train, tiny, run_copy, straight, assert_same_run):
    """Two epochs and two more equal four; what was left of an epoch without a checkpoint is made again."""
    for name in ("history.csv", "prior.csv"):
        with (run_copy / name).open(newline="") as file:
            header = next(csv.reader(file))
        with (run_copy / name).open("a") as file:
            file.write("3" + ",9.999999" * (len(header) - 1) + "\n")
    (run_copy / "samples" / "codes_epoch_0003.png").write_bytes(b"half a pict")
    result = train(run_copy.parent, *tiny, FOUR, "--workdir=run")
    assert (result.status, result.stderr) == (0, "")
    assert "continues after epoch 2" in result.stdout
    assert "Epoch 3/4" in result.stdout and "Epoch 2/4" not in result.stdout
    assert_same_run(run_copy, straight)


def test_interrupt_leaves_a_usable_directory(
        start_training, train, tiny, tmp_path, straight, assert_same_run):
    process = start_training(tmp_path, *tiny, FOUR, "--workdir=run")
    status, stderr = stop_after_epoch(process, tmp_path / "run", 1, signal.SIGINT)
    assert status == 130
    assert re.fullmatch(r"stopped by Ctrl-C; the run is saved (within|after) epoch [1-4]; the same command "
                        "continues there", stderr.strip())
    assert not [path for path in (tmp_path / "run").rglob("*") if ".tmp" in path.name]
    assert train(tmp_path, *tiny, FOUR, "--workdir=run").status == 0
    assert_same_run(tmp_path / "run", straight)


def test_overwrite_starts_anew(train, tiny, run_copy, finished):
    (run_copy / "evaluation.json").write_text("{}")
    result = train(run_copy.parent, *tiny, "--seed=3", "--overwrite", "--workdir=run")
    assert result.status == 0
    assert "continues" not in result.stdout
    assert not (run_copy / "evaluation.json").exists()
    assert (run_copy / "history.csv").read_text() != (finished.path / "history.csv").read_text()


def test_continuous_codes_with_shared_routing_resume_too(
        train, tiny, tmp_path, contents, assert_same_run):
    """Another method's switches through the whole command: two continuous codes, trunk trained by Q."""
    flags = [*tiny, "--method=ground_truth_infogan_ntxent", "--config.networks.num_continuous=2",
             "--config.loss.gradient_routing=shared"]
    assert train(tmp_path, *flags, "--workdir=whole").status == 0
    assert train(tmp_path, *flags, "--config.training.epochs=1", "--workdir=run").status == 0
    assert train(tmp_path, *flags, "--workdir=run").status == 0
    assert set(contents(tmp_path / "run" / "samples")) == {
        "codes_epoch_0001.png", "codes_epoch_0002.png", "continuous_0_epoch_0002.png",
        "continuous_1_epoch_0002.png"}
    assert_same_run(tmp_path / "run", tmp_path / "whole")

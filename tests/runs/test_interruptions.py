"""A training that is killed again and again ends as if it had never stopped."""

import os
import random
import signal
import time

import pytest

pytestmark = pytest.mark.slow

KILLS = 30


def newest(run):
    """Return the number of the newest checkpoint; 0 when there is none."""
    return max((int(path.stem.split("-")[1]) for path in run.glob("checkpoints/ckpt-*.index")), default=0)


def test_run_killed_at_thirty_random_moments_equals_an_undisturbed_one(
        train, start_training, tiny, tmp_path, assert_same_run):
    # The smallest graph, and a checkpoint after every step: many kills fall into a save.
    flags = [*tiny, "--method=gumbel_infogan", "--config.training.epochs=60",
             "--config.training.checkpoint_minutes=1e-6"]
    assert train(tmp_path, *flags, "--workdir=straight").status == 0
    run, generator, statuses = tmp_path / "run", random.Random(0), set()
    for kill in range(KILLS):
        process = start_training(tmp_path, *flags, "--workdir=run")
        before = newest(run)
        while newest(run) <= before and process.poll() is None:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.25))
        os.kill(process.pid, (signal.SIGKILL, signal.SIGTERM)[kill % 2])
        _, stderr = process.communicate(timeout=100)
        statuses.add(process.returncode)
        assert process.returncode in (-signal.SIGKILL, 143), (kill, stderr)
        if process.returncode == 143:
            assert stderr.startswith("\nstopped by SIGTERM; "), stderr
    assert statuses == {-signal.SIGKILL, 143}
    assert newest(run) < newest(tmp_path / "straight")
    result = train(tmp_path, *flags, "--workdir=run")
    assert result.status == 0 and "continues after epoch" in result.stdout
    assert_same_run(run, tmp_path / "straight")

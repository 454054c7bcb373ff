"""A training that is killed again and again ends as if it had never stopped."""

import os
import random
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.slow

KILLS = 12
# Trainings as processes of their own, which find TensorFlow imported. Importing it starts no threads.
SERVER = """
import os, runpy, sys
import eig_tf.runs.training
for _ in sys.stdin:
    child = os.fork()
    if not child:
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        runpy.run_module("eig_tf.train", run_name="__main__", alter_sys=True)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def newest(run):
    """Return the number of the newest checkpoint; 0 when there is none."""
    return max((int(path.stem.split("-")[1]) for path in run.glob("checkpoints/ckpt-*.index")), default=0)


def test_run_killed_at_random_moments_equals_an_undisturbed_one(
        train, start_python, tiny, tmp_path, assert_same_run):
    # The smallest graph, and a checkpoint after every step: many kills fall into a save.
    flags = [*tiny, "--method=gumbel_infogan", "--config.training.epochs=60",
             "--config.training.checkpoint_minutes=1e-6"]
    assert train(tmp_path, *flags, "--workdir=straight").status == 0
    run, generator, statuses = tmp_path / "run", random.Random(0), set()
    with start_python(tmp_path, "-c", SERVER, *flags, "--workdir=run", stdin=subprocess.PIPE) as server:
        for kill in range(KILLS):
            before = newest(run)
            print(file=server.stdin, flush=True)
            process = int(server.stdout.readline())
            deadline = time.monotonic() + 100
            while newest(run) <= before and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(generator.uniform(0, 0.25))
            os.kill(process, (signal.SIGKILL, signal.SIGTERM)[kill % 2])
            status = int(server.stdout.readline())
            stderr = (tmp_path / "stderr").read_text()
            statuses.add(status)
            assert status in (-signal.SIGKILL, 143), (kill, stderr)
            if status == 143:
                assert stderr.startswith("\nstopped by SIGTERM; "), stderr
        server.stdin.close()
    assert statuses == {-signal.SIGKILL, 143}
    assert newest(run) < newest(tmp_path / "straight")
    result = train(tmp_path, *flags, "--workdir=run")
    assert result.status == 0 and "continues after epoch" in result.stdout
    assert_same_run(run, tmp_path / "straight")

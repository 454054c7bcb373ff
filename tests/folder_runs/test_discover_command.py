"""`python -m eig_tf.discover` as a user meets it: what is refused, and a folder that becomes a report."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

SMALL = ("--image_size=32", "--config.networks.width=0.0625", "--config.categories.categorizer_steps=2",
         "--config.training.epochs=3", "--config.training.batch_size=15", "--num_codes=9", "--minutes=5")


@pytest.fixture
def folder(tmp_path):
    """Sixty images of 40x32 in three colours."""
    generator = np.random.default_rng(0)
    (tmp_path / "my images").mkdir()
    for index in range(60):
        pixels = generator.integers(0, 100, (32, 40, 3), dtype=np.uint8)
        pixels[..., index % 3] += np.uint8(150)
        Image.fromarray(pixels).save(tmp_path / "my images" / f"{index}.png")
    return tmp_path / "my images"


def refusal(finished):
    assert finished.returncode == 2, finished.stderr
    assert finished.stderr.startswith("error: ") and finished.stderr.count("\n") == 1
    return finished.stderr[len("error: "):-1]


@pytest.mark.parametrize(("arguments", "sentence"), [
    ([], "the arguments are none; expected exactly one, FOLDER"),
    (["no"], "'no' does not exist; expected a folder of images"),
    ([".", "--minutes=-1"], "flag --minutes=-1: -1.0 is not a non-negative number; --help lists the flags"),
    ([".", "--num_categories=many"],
     "flag --num_categories=many: 'many' is neither a number nor auto; --help lists the flags"),
    ([".", "--dataset=digits"], "--dataset is given, which a folder of images has no use for; expected "
     "FOLDER and the flags that --help lists"),
])
def test_a_bad_command_line_is_refused_without_tensorflow(command, without_tensorflow, arguments, sentence):
    assert refusal(command("-m", "eig_tf.discover", *arguments, PYTHONPATH=without_tensorflow)) == sentence


def test_help_lists_what_goes_with_a_folder(command, without_tensorflow):
    finished = command("-m", "eig_tf.discover", "--help", PYTHONPATH=without_tensorflow)
    assert finished.returncode == 0, finished.stderr
    for word in ("FOLDER", "--minutes", "--num_categories", "--config.augment.flip", "dry_run", "--seed"):
        assert word in finished.stdout
    assert "--class_set" not in finished.stdout


@pytest.mark.slow
def test_folders_and_devices_that_cannot_be_used_are_refused(command, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refusal(command("-m", "eig_tf.discover", "empty"))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    assert "holds something else than a run of this command" in refusal(
        command("-m", "eig_tf.discover", folder, "--workdir=run"))
    assert "--devices is 'gpu:7'" in refusal(command("-m", "eig_tf.discover", folder, "--devices=gpu:7"))
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_folder_becomes_a_report_also_when_killed(command, folder, tmp_path, repository):
    arguments = ["-m", "eig_tf.discover", str(folder), *SMALL]
    environment = {**os.environ, "PYTHONPATH": str(repository), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run = tmp_path / "runs" / "discover-my images"
    with subprocess.Popen([sys.executable, *arguments], cwd=tmp_path, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        deadline = time.monotonic() + 200
        # The first epoch is done: what is killed is a training.
        while process.poll() is None and not list(run.glob("checkpoints/*.index")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    saved = json.loads((run / "plan.json").read_text())
    assert saved["flags"]["--minutes"] == 5 and not (run / "report.html").exists()
    assert "--seed: None then, 1 now" in refusal(command(*arguments, "--seed=1"))
    finished = command(*arguments)
    assert finished.returncode == 0, finished.stderr
    assert "continues by" in finished.stdout and "continues after epoch" in finished.stdout
    assert json.loads((run / "plan.json").read_text()) == saved
    suggested = json.loads((run / "categories" / "number.json").read_text())["suggested"]
    with (run / "categories.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 and {int(row["category"]) for row in rows} <= set(range(suggested))
    assert finished.stdout.splitlines()[-1].split() == ["report", *f"runs/{run.name}/report.html".split()]
    assert f"{suggested} categories of 60 images" in finished.stdout
    assert (run / "report.html").stat().st_size > 10_000

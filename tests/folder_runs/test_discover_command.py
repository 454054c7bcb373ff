"""`python -m eig_tf.discover` as a user meets it: what is refused, and a folder that becomes a report."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from eig_tf.folder_runs import plan as planning
from eig_tf.folder_runs.plan import Plan, Request


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
    sentence = refusal(command("-m", "eig_tf.discover", folder.name, f"--workdir={folder.name}/run"))
    assert "--workdir is 'my images/run', which lies in the folder of the images, 'my images': " in sentence


@pytest.mark.slow
def test_a_folder_becomes_a_report_after_a_kill_behind_the_plan(command, folder, tmp_path):
    """Steps are not measured again; `plan.json` holds what was chosen."""
    run = tmp_path / "runs" / "discover-my images"
    request = Request(str(folder), 5.0, None, {"networks.width": 0.0625, "networks.num_codes": 9})
    config = planning.config_of_size(request, "cpu", 32, 60)
    config.training.epochs = 3
    config.categories.update(categorizer_steps=2, contrastive_steps=2)
    run.mkdir(parents=True)
    planning.save_plan(Plan(request.flags(), config.to_dict(), ["a reason"]), run / "plan.json")
    saved = (run / "plan.json").read_bytes()
    arguments = ["-m", "eig_tf.discover", folder, "--minutes=5", "--config.networks.width=0.0625",
                 "--num_codes=9"]
    assert "(--seed: None then, 1 now)" in refusal(command(*arguments, "--seed=1"))
    finished = command(*arguments)
    assert finished.returncode == 0, finished.stderr
    assert "continues by" in finished.stdout and "  a reason\n" in finished.stdout
    assert (run / "plan.json").read_bytes() == saved
    suggested = json.loads((run / "categories" / "number.json").read_text())["suggested"]
    with (run / "categories.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 60 and {int(row["category"]) for row in rows} <= set(range(suggested))
    assert finished.stdout.splitlines()[-1] == "report  runs/discover-my images/report.html"
    assert f"\n{suggested} categories of 60 images" in finished.stdout
    assert (run / "report.html").stat().st_size > 10_000

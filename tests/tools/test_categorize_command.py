"""Sorting images as a user does it, with the first weights of a small run."""

import csv
import json
import os

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.run_directory import RunDirectory


@pytest.fixture
def categorize(command, repository):
    def run(*arguments, **environment):
        return command(repository / "tools" / "categorize.py", *arguments, **environment)
    return run


def make_run(path):
    path.mkdir()
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    config_lib.save(config, path / "config.json")
    directory = RunDirectory(path)
    directory.save_environment({"data_dir": None})
    return directory


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    from eig_tf.models.build import build_infogan
    directory = make_run(tmp_path_factory.mktemp("runs") / "run")
    model = build_infogan(directory.load_config())
    directory.checkpoint_manager(model).save(checkpoint_number=1)
    return directory.path


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file))


def test_help_needs_no_tensorflow(categorize, repository, tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    result = categorize("--help", PYTHONPATH=f"{tmp_path}{os.pathsep}{repository}")
    assert result.returncode == 0
    assert "--output" in result.stdout and "RUN_DIR" in result.stdout


@pytest.mark.parametrize("arguments, message", [
    ([], "the arguments are none; expected exactly one, RUN_DIR"),
    (["none"], "none is no directory; expected a run directory that eig_tf.train wrote"),
    ([".", "--data_dir=none"], "--data_dir is 'none', which is no directory; expected a folder of images"),
    ([".", "--output=here"], "--output is 'here', a directory; expected the name of a file that ends in .csv"),
    ([".", "--output="], "--output is '.', a directory; expected the name of a file that ends in .csv"),
    ([".", "--output=a.png"], "--output is 'a.png'; expected the name of a file that ends in .csv"),
    ([".", "--output=b.csv"], "--output is 'b.csv', but 'b.csv' is a directory; expected the name of a "
     "file, with that of its picture free"),
    ([".", "--output=c.csv"], "--output is 'c.csv', but 'c.png' is a directory; expected the name of a "
     "file, with that of its picture free"),
    ([".", "--output=no/a.csv"], "--output is 'no/a.csv', but 'no' is no directory that can be written; "
     "expected a file in one"),
])
def test_bad_command_lines_are_refused_before_any_work(categorize, repository, tmp_path, arguments, message):
    for name in ("here", "b.csv", "c.png"):
        (tmp_path / name).mkdir()
    (tmp_path / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    result = categorize(*arguments, PYTHONPATH=f"{tmp_path}{os.pathsep}{repository}")
    assert result.returncode == 2
    assert result.stderr.strip() == f"error: {message}"


def test_a_run_without_a_checkpoint_is_refused(categorize, tmp_path):
    make_run(tmp_path / "run")
    result = categorize("run")
    assert result.returncode == 2
    assert result.stderr.strip() == ("error: run has no checkpoint yet; expected at least one finished epoch")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["config.json", "environment.json"]


def test_the_runs_own_data(categorize, trained):
    result = categorize(trained)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    header, *rows = read(trained / "categories.csv")
    assert header == ["file", "code", "probability", "class"]
    assert [row[0] for row in rows] == [str(index) for index in range(1797)]
    assert [row[3] for row in rows[:10]] == list("0123456789")
    assert all(0 <= int(row[1]) < 10 and 0.1 <= float(row[2]) <= 1 for row in rows)
    lines = result.stdout.splitlines()
    assert lines[0].startswith("1797 images from scikit-learn's digits")
    printed = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in lines[2:12]}
    codes = [row[1] for row in rows]
    assert printed == {str(code): codes.count(str(code)) for code in range(10)}
    assert f"picture  {trained / 'categories.png'}" in lines
    with Image.open(trained / "categories.png") as image:
        image.verify()


def test_a_flat_folder_of_other_images(categorize, trained, tmp_path):
    folder = tmp_path / "my images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, [4, 40, 50, 3], dtype=np.uint8)
    names = [b"a, b.png", b"gr\xfc\xdfe.png", b"line\nbreak.png", "größe.png".encode()]
    for name, image in zip(names, pixels):
        # Pillow takes the format from the name, which it cannot print; a file object has none.
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:
            Image.fromarray(image).save(file, "PNG")
    result = categorize(trained, f"--data_dir={folder}", "--output=found.csv")
    assert result.returncode == 0, result.stderr
    header, *rows = read(tmp_path / "found.csv")
    assert header == ["file", "code", "probability"]
    assert sorted(os.fsencode(row[0]) for row in rows) == sorted(names)
    with Image.open(tmp_path / "found.png") as image:
        image.verify()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_classes(categorize, trained, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (30, 30), "red" if name == "cats" else "blue").save(
            tmp_path / "pets" / name / "one.png")
    result = categorize(trained, "--data_dir=pets", "--output=pets.csv")
    assert result.returncode == 0, result.stderr
    assert [[row[0], row[3]] for row in read(tmp_path / "pets.csv")[1:]] == [
        ["cats/one.png", "cats"], ["dogs/one.png", "dogs"]]


def test_moved_data_are_named_and_nothing_is_written(categorize, trained, tmp_path):
    environment = json.loads((trained / "environment.json").read_text())
    assert environment == {"data_dir": None}
    (tmp_path / "empty").mkdir()
    result = categorize(trained, "--data_dir=empty", "--output=a.csv")
    assert result.returncode == 2
    assert "empty holds no images" in result.stderr
    assert not (tmp_path / "a.csv").exists() and not (tmp_path / "a.png").exists()

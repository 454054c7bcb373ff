"""Sorting images as a user does it, with the first weights of a small run."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import prepared, registry
from eig_tf.errors import UserError
from eig_tf.evaluation import categories
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory


@pytest.fixture
def categorize(command, repository):
    def run(*arguments, **environment):
        return command(repository / "tools" / "categorize.py", *arguments, **environment)
    return run


def make_run(path):
    path.mkdir()
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    config_lib.save_config(config, path / "config.json")
    directory = RunDirectory(path)
    return directory


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = make_run(tmp_path_factory.mktemp("runs") / "run")
    model = build_model(directory.load_config())
    directory.checkpoint_manager(model).save(checkpoint_number=1)
    return directory.path


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.reader(file))


def test_help_needs_no_tensorflow(categorize, without_tensorflow):
    result = categorize("--help", PYTHONPATH=without_tensorflow)
    assert result.returncode == 0
    assert "--output" in result.stdout and "RUN_DIR" in result.stdout


@pytest.mark.parametrize("arguments, message", [
    ([], "the arguments are none; expected exactly one, RUN_DIR"),
    (["none"], "none is not a directory; expected a run directory that eig_tf.train wrote"),
    ([".", "--images=none"], "--images is 'none', which is not a directory; expected a folder of images"),
    ([".", "--images=here", "--data_dir=here"],
     "--images and --data_dir are given; expected other images or the run's data set"),
    ([".", "--output=here"], "--output is 'here', a directory; expected the name of a file that "
     "ends in .csv"),
    ([".", "--output="], "--output is '.', a directory; expected the name of a file that ends in .csv"),
    ([".", "--output=a.png"], "--output is 'a.png'; expected the name of a file that ends in .csv"),
    ([".", "--output=b.csv"], "--output is 'b.csv', but 'b.csv' is a directory; expected the name of a "
     "file, with that of its picture free"),
    ([".", "--output=c.csv"], "--output is 'c.csv', but 'c.png' is a directory; expected the name of a "
     "file, with that of its picture free"),
    ([".", "--output=no/a.csv"], "--output is 'no/a.csv', but 'no' is not a directory that can be written; "
     "expected a file in one"),
])
def test_bad_command_lines_are_refused_before_any_work(
        categorize, without_tensorflow, tmp_path, arguments, message):
    for name in ("here", "b.csv", "c.png"):
        (tmp_path / name).mkdir()
    result = categorize(*arguments, PYTHONPATH=without_tensorflow)
    assert result.returncode == 2
    assert result.stderr.strip() == f"error: {message}"


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    make_run(tmp_path / "run")
    with pytest.raises(UserError, match="run has no checkpoint yet; expected at least one finished epoch"):
        categories.categorize(tmp_path / "run", tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_directory_without_a_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no run directory: it has no config\.json"):
        categories.categorize(tmp_path, tmp_path / "a.csv")


@pytest.mark.slow
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
    result = categorize(trained, f"--images={folder}", "--output=found.csv")
    assert result.returncode == 0, result.stderr
    header, *rows = read(tmp_path / "found.csv")
    assert header == ["file", "code", "probability"]
    assert sorted(os.fsencode(row[0]) for row in rows) == sorted(names)
    with Image.open(tmp_path / "found.png") as image:
        image.verify()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_with_classes(trained, tmp_path):
    for name, colour in (("cats", 0), ("dogs", 255)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("L", (30, 30), colour).save(tmp_path / "pets" / name / "one.png")
    image_set, found = categories.categorize(
        trained, tmp_path / "pets.csv", tmp_path / "pets", cache_dir=tmp_path / "cache")
    assert image_set.image_shape == (28, 28, 1)
    _, *rows = read(tmp_path / "pets.csv")
    assert [[row[0], row[3]] for row in rows] == [["cats/one.png", "cats"], ["dogs/one.png", "dogs"]]
    assert [int(row[1]) for row in rows] == found.codes.tolist()


def test_a_folder_without_images_is_refused(trained, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty holds no images"):
        categories.categorize(trained, tmp_path / "a.csv", tmp_path / "empty", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "a.csv").exists()


def test_data_set_that_has_moved(trained, tmp_path):
    config = RunDirectory(trained).load_config()
    whole = registry.load(config)
    prepared.write_prepared(whole.subset(np.arange(6)), config, tmp_path / "moved")
    found, _ = categories.categorize(
        trained, tmp_path / "a.csv", data_dir=tmp_path / "moved", cache_dir=tmp_path / "cache")
    np.testing.assert_array_equal(found.images, whole.images[:6])


def test_run_that_diverged_is_refused(tmp_path):
    directory = make_run(tmp_path / "run")
    model = build_model(directory.load_config())
    model.trainable_variables[0].assign(np.full(model.trainable_variables[0].shape, np.nan))
    directory.checkpoint_manager(model).save(checkpoint_number=1)
    with pytest.raises(UserError, match="weights that are not finite numbers"):
        categories.categorize(tmp_path / "run", tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_both_files_are_written_or_neither(trained, tmp_path, monkeypatch):
    def fail(figure, path):
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(categories, "save_figure", fail)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("of an earlier call")
    with pytest.raises(OSError, match="No space"):
        categories.categorize(trained, tmp_path / "out" / "a.csv")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]
    assert (tmp_path / "out" / "a.csv").read_text() == "of an earlier call"

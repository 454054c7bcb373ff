"""Preparing a data set as a user does it, and training from the result."""

import json
import re

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def tool(repository):
    return repository / "tools" / "prepare_data.py"


@pytest.fixture
def folder(tmp_path):
    """Two classes of four images."""
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / "my data" / name).mkdir(parents=True)
        for index in range(4):
            Image.fromarray(np.full((30, 30, 3), 40 * index + number, np.uint8)).save(
                tmp_path / "my data" / name / f"{index}.png")
    return tmp_path / "my data"


@pytest.mark.parametrize("arguments, words", [
    ([], ["the first argument is missing", "cars, chairs, digits"]),
    (["--out=out"], ["the first argument is '--out=out'", "cars, chairs, digits"]),
    (["--out=out", "digits"], ["the first argument is '--out=out'"]),
    (["cifar", "--out=out"], ["--dataset is 'cifar'", "cars, chairs, digits"]),
    (["digits"], ["--out is missing"]),
    (["digits", "--dataset=mnist", "--out=out"], ["--dataset is given", "'digits'"]),
    (["digits", "mnist", "--out=out"], ["unexpected argument 'mnist'"]),
    (["digits", "--out=out", "--split=1"], ["--split is given", "whole set"]),
    (["digits", "--out=out", "--imbalance=none"], ["--imbalance is given", "whole set"]),
    (["digits", "--out=out", "--num_shards=2"], ["num_shards"]),
    (["digits", "--out=out", "--image_size=32"], ["--image_size is given", "digits"]),
], ids=" ".join)
def test_bad_flags_are_refused_before_any_work(tool, command, tmp_path, arguments, words):
    result = command(tool, *arguments)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_flags(tool, command):
    result = command(tool, "--help")
    assert result.returncode == 0
    assert all(f"--{name}" in result.stdout for name in ("out", "data_dir", "class_set"))


def test_folder_is_prepared_with_its_options_and_not_twice(tool, command, folder, tmp_path):
    arguments = ["folder", f"--data_dir={folder}", "--out=out", "--image_size=28"]
    result = command(tool, *arguments, "--config.data.channels=1")
    assert result.returncode == 0, result.stderr
    assert "8 images of 28 x 28 x 1" in result.stdout and result.stdout.endswith("prepared  out\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "dataset_info.json", "images.uint8", "labels.npy", "names.npy"]
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert info["origin"] == {
        "dataset": "folder", "seed": None,
        "data": {"channels": 1, "image_size": 28, "max_unreadable": 0.05, "resize": "crop"}}
    assert info["shape"] == [8, 28, 28, 1] and info["class_names"] == ["cats", "dogs"]
    again = command(tool, *arguments)
    assert again.returncode == 2 and "--out is 'out', which is not empty" in again.stderr


@pytest.mark.slow
def test_training_from_a_prepared_set_is_training_from_the_original(tool, command):
    assert command(tool, "digits", "--out=out").returncode == 0
    def train(*arguments):
        result = command("-m", "eig_tf.train", "--dataset=digits", "--config.training.epochs=1",
                         "--config.networks.width=0.1", "--noexport", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout
    losses = [re.search(r"d_loss: .*contrastive_loss: [0-9.]+", text)[0] for text in (
        train("--workdir=a"), train("--workdir=b", "--data_dir=out"))]
    assert losses[0] == losses[1]

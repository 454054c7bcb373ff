"""Preparing a data set as a user does it, and training from the result."""

import json
import re

import pytest


def test_folder_is_prepared_with_its_options_and_not_twice(run, refused, make_folder, tmp_path):
    arguments = ["folder", f"--data_dir={make_folder('my data', 4)}", "--out=out", "--image_size=28"]
    result = run("prepare_data", *arguments, "--config.data.channels=1")
    assert result.returncode == 0, result.stderr
    assert "8 images of 28 x 28 x 1" in result.stdout and result.stdout.endswith("prepared  out\n")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "dataset_info.json", "images.uint8", "labels.npy", "names.npy"]
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())
    assert info["origin"] == {
        "dataset": "folder", "seed": None,
        "data": {"channels": 1, "image_size": 28, "max_unreadable": 0.05, "recursive": False,
                 "resize": "crop", "stretch_contrast": False}}
    assert info["shape"] == [8, 28, 28, 1] and info["class_names"] == ["blue", "red"]
    assert "--out is 'out', which is not empty" in refused(run("prepare_data", *arguments))


@pytest.mark.slow
def test_training_from_a_prepared_set_is_training_from_the_original(run, command):
    assert run("prepare_data", "digits", "--out=out").returncode == 0

    def train(*arguments):
        result = command("-m", "eig_tf.train", "--dataset=digits", "--config.training.epochs=1",
                         "--config.networks.width=0.1", "--noexport", *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout
    losses = [re.search(r"d_loss: .*contrastive_loss: [0-9.]+", text)[0] for text in (
        train("--workdir=a"), train("--workdir=b", "--data_dir=out"))]
    assert losses[0] == losses[1]

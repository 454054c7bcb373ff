"""The training of an evaluation classifier as a user runs it, on the scanned digits and on a small folder."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def train(command, repository):
    def run(*arguments):
        return command(repository / "tools" / "train_classifier.py", *arguments)
    return run


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten images, reddish and bluish."""
    generator = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for index in range(10):
            pixels = generator.integers(0, 100, (32, 32, 3), dtype=np.uint8)
            pixels[..., channel] += np.uint8(100)
            Image.fromarray(pixels).save(tmp_path / "mine" / name / f"{index}.png")
    return tmp_path / "mine"


def test_help_needs_no_tensorflow_and_names_the_flags(command, repository, without_tensorflow):
    result = command(repository / "tools" / "train_classifier.py", "--help",
                     PYTHONPATH=without_tensorflow)
    assert result.returncode == 0
    assert all(flag in result.stdout for flag in ("--classifier", "--pretrained_weights", "--class_set"))


@pytest.mark.parametrize("arguments, words", [
    ([], ["--dataset is missing"]),
    (["--dataset=digits", "more"], ["unexpected argument 'more'"]),
    (["--dataset=digits", "--classifier=vgg"], ["--classifier=vgg", "small_cnn|resnet50"]),
    (["--dataset=digits", "--pretrained_weights=w.h5"], ["--pretrained_weights is given", "small_cnn"]),
    (["--dataset=digits", "--pretrained_weights=w.h5", "--classifier=resnet50"], ["'w.h5'", "No such file"]),
], ids=" ".join)
def test_bad_flags_are_refused(train, arguments, words, tmp_path):
    result = train(*arguments, "--cache_dir=cache")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words)
    assert not (tmp_path / "cache" / "classifiers").exists()


def test_weights_that_are_none_are_refused_before_training(train, folder, tmp_path):
    (tmp_path / "w.h5").write_text("no weights")
    result = train("--dataset=folder", "--data_dir=mine", "--image_size=32", "--num_codes=2",
                   "--classifier=resnet50", "--pretrained_weights=w.h5", "--cache_dir=cache")
    assert result.returncode == 2
    assert "error: --pretrained_weights is 'w.h5', which cannot be read: " in result.stderr
    assert not (tmp_path / "cache" / "classifiers").exists()


def test_images_without_labels_are_refused(train, folder):
    result = train("--dataset=folder", f"--data_dir={folder / 'red'}", "--image_size=32", "--num_codes=2",
                   "--cache_dir=cache")
    assert result.returncode == 2
    assert "the images have no labels" in result.stderr


@pytest.mark.slow
def test_a_classifier_is_trained_once(train, folder, tmp_path):
    arguments = ("--dataset=folder", "--data_dir=mine", "--image_size=32", "--num_codes=2", "--preset=cpu",
                 "--cache_dir=cache")
    result = train(*arguments)
    assert result.returncode == 0, result.stderr
    assert "training the evaluation classifier of folder (small_cnn), once" in result.stdout
    assert "classifier   small_cnn, 4 images, trained on 16" in result.stdout
    assert "accuracy     1.0000 on the held-out fifth of every class" in result.stdout
    (directory,) = (tmp_path / "cache" / "classifiers").iterdir()
    assert result.stdout.splitlines()[-1] == f"directory    cache/classifiers/{directory.name}"
    report = json.loads((directory / "report.json").read_text())
    assert report["accuracy_of_classes"] == {"blue": 1.0, "red": 1.0}
    again = train(*arguments)
    assert again.returncode == 0
    assert "trained before" in again.stdout and "once" not in again.stdout
    assert again.stdout.splitlines()[-3:] == result.stdout.splitlines()[-3:]


@pytest.mark.slow
def test_small_cnn_judges_the_real_cars(train, real_data):
    result = train("--dataset=cars", "--class_set=random", "--seed=1", "--preset=cpu",
                   f"--data_dir={real_data / 'cars'}", "--cache_dir=cache")
    assert result.returncode == 0, result.stderr
    accuracy = next(float(line.split()[1]) for line in result.stdout.splitlines() if line[:8] == "accuracy")
    assert accuracy >= 0.97

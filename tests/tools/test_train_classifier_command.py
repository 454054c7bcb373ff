"""The training of an evaluation classifier as a user runs it, on the scanned digits and on a small folder."""

import json

import pytest

OF_A_FOLDER = ("--dataset=folder", "--data_dir=mine", "--image_size=32", "--num_codes=2", "--cache_dir=cache")


@pytest.mark.slow
@pytest.mark.parametrize("arguments, words", [
    (["--dataset=digits", "--pretrained_weights=w.h5"], ["--pretrained_weights is given", "small_cnn"]),
    ([*OF_A_FOLDER, "--data_dir=mine/red"], ["the images have no labels"]),
], ids=["weights of small_cnn", "no labels"])
def test_input_that_nothing_can_be_trained_from(run, refused, make_folder, arguments, words, tmp_path):
    make_folder("mine", 10)
    sentence = refused(run("train_classifier", *arguments, "--cache_dir=cache"))
    assert all(word in sentence for word in words)
    assert not [path for path in tmp_path.glob("cache/classifiers/*") if path.is_dir()]


@pytest.mark.slow
def test_a_classifier_is_trained_once(run, make_folder, tmp_path):
    make_folder("mine", 10)
    result = run("train_classifier", *OF_A_FOLDER, "--preset=cpu")
    assert result.returncode == 0, result.stderr
    assert "training the evaluation classifier of folder (small_cnn), once" in result.stdout
    assert "classifier   small_cnn, 4 images, trained on 16" in result.stdout
    assert "accuracy     1.0000 on the held-out fifth of every class" in result.stdout
    # Beside it lies the lock that two evaluations at once need.
    (directory,) = (path for path in (tmp_path / "cache" / "classifiers").iterdir() if path.is_dir())
    assert result.stdout.splitlines()[-1] == f"directory    cache/classifiers/{directory.name}"
    report = json.loads((directory / "report.json").read_text())
    assert report["accuracy_of_classes"] == {"blue": 1.0, "red": 1.0}
    again = run("train_classifier", *OF_A_FOLDER, "--preset=cpu")
    assert again.returncode == 0
    assert "trained before" in again.stdout and "once" not in again.stdout
    assert again.stdout.splitlines()[-3:] == result.stdout.splitlines()[-3:]


@pytest.mark.slow
def test_small_cnn_judges_the_real_cars(run, real_data):
    result = run("train_classifier", "--dataset=cars", "--class_set=random", "--seed=1", "--preset=cpu",
                 f"--data_dir={real_data / 'cars'}", "--cache_dir=cache")
    assert result.returncode == 0, result.stderr
    accuracy = next(float(line.split()[1]) for line in result.stdout.splitlines() if line[:8] == "accuracy")
    assert accuracy >= 0.97

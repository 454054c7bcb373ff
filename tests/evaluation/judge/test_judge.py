import concurrent.futures
import json

import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation.judge import judge, training
from eig_tf.evaluation.judge.judge import Recipe

SMALL = Recipe("small_cnn")


@pytest.fixture(scope="module")
def stripes():
    """Two classes that are easy to tell apart: horizontal and vertical stripes."""
    generator = np.random.default_rng(0)
    pattern = np.tile([[0], [255]], [14, 28]).astype(np.uint8)
    noise = generator.integers(0, 40, [60, 28, 28], dtype=np.uint8)
    labels = np.arange(60) % 2
    images = np.where(labels[:, None, None] == 1, pattern.T, pattern) // 2 + noise
    return ImageSet(images[..., np.newaxis].astype(np.uint8), labels.astype(np.int64), ("h", "v"), "made")


@pytest.fixture(scope="module")
def first(stripes):
    """The classifier of a short training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "STEPS", 20)
        return judge.train_judge(stripes, SMALL)


@pytest.fixture
def cache(stripes, first, tmp_path):
    """A cache that holds that classifier."""
    judge.save_judge(first, judge.judge_directory(stripes, tmp_path, "stripes", SMALL))
    return tmp_path


def test_a_classifier_is_trained_on_four_fifths_and_tried_on_the_rest(first):
    assert first.report == {
        "architecture": "small_cnn", "accuracy": 1.0, "num_train": 48, "num_test": 12, "steps": 20,
        "accuracy_of_classes": {"h": 1.0, "v": 1.0}}


def test_a_new_classifier_is_stored_and_announced(stripes, first, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(judge, "train_judge", lambda *given: first if given == (stripes, SMALL) else None)
    trained = judge.load_or_train_judge(stripes, tmp_path, "stripes", SMALL)
    directory = judge.judge_directory(stripes, tmp_path, "stripes", SMALL)
    printed = f"training the evaluation classifier of stripes (small_cnn), once; it is kept in {directory}\n"
    assert capsys.readouterr().out == printed
    assert sorted(path.name for path in directory.iterdir()) == ["classifier.weights.h5", "report.json"]
    assert trained.report == first.report


def test_a_stored_classifier_is_loaded_not_trained(stripes, first, cache, monkeypatch, capsys):
    monkeypatch.setattr(judge, "train_judge", None)
    second = judge.load_or_train_judge(stripes, cache, "stripes", SMALL)
    assert capsys.readouterr().out == ""
    assert second.report == first.report
    np.testing.assert_array_equal(second.predict_classes(stripes.images), stripes.labels)


def test_a_classifier_that_another_process_trains_is_waited_for(
        stripes, first, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(judge, "train_judge", None)
    directory = judge.judge_directory(stripes, tmp_path, "stripes", SMALL)
    directory.parent.mkdir()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with files.locked(directory.with_name(f"{directory.name}.lock"), ""):
            second = pool.submit(judge.load_or_train_judge, stripes, tmp_path, "stripes", SMALL)
            with pytest.raises(concurrent.futures.TimeoutError):
                second.result(0.5)
            judge.save_judge(first, directory)
        assert second.result().report == first.report and second.result().trained_before
    assert capsys.readouterr().out == (
        f"waits for another process that trains the evaluation classifier in {directory}\n")


def test_other_data_gets_another_classifier(stripes, tmp_path):
    others = [stripes.subset(np.arange(50)), stripes._replace(labels=1 - stripes.labels),
              stripes._replace(class_names=("a", "b")), stripes._replace(images=255 - stripes.images)]
    found = {judge.judge_directory(images, tmp_path, "stripes", SMALL) for images in (stripes, *others)}
    assert len(found) == 5


def test_key_of_digits_is_that_of_published_results(tmp_path):
    """Classifiers of 28x28 images lie where earlier versions put them, mirrored or not."""
    images = ImageSet(np.zeros([4, 28, 28, 1], np.uint8), np.array([0, 0, 1, 1]), ("a", "b"), "made")
    names = {judge.judge_directory(images, tmp_path, "x", recipe).name for recipe in (
        SMALL, Recipe("small_cnn", mirrored=True))}
    assert names == {"x-0e00876d56b7cb93"}


def test_each_recipe_has_a_classifier_of_its_own(tmp_path):
    images = ImageSet(np.zeros([4, 32, 32, 3], np.uint8), np.array([0, 0, 1, 1]), ("a", "b"), "made")
    weights, others = tmp_path / "weights.h5", tmp_path / "others.h5"
    weights.write_bytes(b"weights")
    others.write_bytes(b"others")
    recipes = [SMALL, Recipe("small_cnn", mirrored=True), Recipe("resnet50"),
               Recipe("resnet50", weights=str(weights)), Recipe("resnet50", weights=str(others))]
    found = {judge.judge_directory(images, tmp_path, "x", recipe) for recipe in recipes}
    assert len(found) == 5
    copied = tmp_path / "copied.h5"
    copied.write_bytes(b"weights")
    assert judge.judge_directory(images, tmp_path, "x", Recipe("resnet50", weights=str(copied))) in found


@pytest.mark.parametrize(("dataset", "preset", "architecture", "mirrored"), [
    ("digits", "paper", "small_cnn", False), ("mnist", "paper", "small_cnn", False),
    ("cars", "paper", "resnet50", True), ("cars", "cpu", "small_cnn", True)])
def test_choice_by_size_and_preset(dataset, preset, architecture, mirrored):
    config = config_lib.load_preset(dataset, preset)
    assert judge.choose_recipe(config) == Recipe(architecture, mirrored, None)


def test_choice_by_name():
    config = config_lib.load_preset("cars", "cpu")
    assert judge.choose_recipe(config, "resnet50", "w.h5") == Recipe("resnet50", True, "w.h5")
    with pytest.raises(UserError, match=r"--classifier is 'vgg'; expected one of small_cnn, resnet50"):
        judge.choose_recipe(config, "vgg")
    with pytest.raises(UserError, match=r"--pretrained_weights is given, but the classifier is small_cnn"):
        judge.choose_recipe(config, None, "w.h5")


@pytest.mark.parametrize(("labels", "names", "sentence"), [
    (None, (), "the images have no labels"),
    (np.zeros(9, int), ("only",), "the images have one class, only"),
    (np.array([0, 0, 1, 1]), ("a", "b"), "no class has more than 2 images to evaluate on; expected 3"),
])
def test_images_that_nothing_can_be_judged_by(labels, names, sentence, tmp_path):
    image_set = ImageSet(np.zeros([9, 28, 28, 1], np.uint8), labels, names, "made")
    with pytest.raises(UserError, match=f"made: {sentence}"):
        judge.load_or_train_judge(image_set, tmp_path, "x", SMALL)


def test_a_class_too_small_to_hold_out_has_no_accuracy_of_its_own():
    found = judge.accuracy_of_classes(np.array([True, False, True]), np.array([0, 0, 2]), ("a", "b", "c"))
    assert found == {"a": 0.5, "c": 1.0}


def test_a_classifier_that_another_process_stored_meanwhile_is_kept(first, cache):
    (directory,) = (cache / "classifiers").iterdir()
    report = json.loads((directory / "report.json").read_text())
    judge.save_judge(first._replace(report={"accuracy": 0.0}), directory)
    assert json.loads((directory / "report.json").read_text()) == report == first.report
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


@pytest.mark.parametrize(("name", "content"), [
    ("classifier.weights.h5", b""), ("classifier.weights.h5", None), ("report.json", b"{"),
    ("report.json", b"[]")])
def test_damaged_cache_is_named(stripes, cache, name, content):
    (directory,) = (cache / "classifiers").iterdir()
    if content is None:
        whole = (directory / name).read_bytes()
        content = whole[:len(whole) // 2]
    (directory / name).write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read.*delete the directory") as error:
        judge.load_or_train_judge(stripes, cache, "stripes", SMALL)
    assert str(directory) in str(error.value)


REPORT = {"architecture": "resnet50", "accuracy": 0.951, "num_train": 80, "num_test": 20,
          "accuracy_of_classes": {"a": 1.0, "b": 0.5, "c": 0.75}}


@pytest.mark.parametrize("dataset, changes, lines", [
    ("folder", {}, ["classifier   resnet50, 20 images, trained on 80",
                    "accuracy     0.9510 on the held-out fifth of every class",
                    "worst        b 0.500, c 0.750"]),
    ("folder", {"accuracy_of_classes": {str(index): index / 100 for index in range(40)}, "accuracy": 0.1,
                "pretrained_weights": "w.h5"},
     ["classifier   resnet50 from w.h5, 20 images, trained on 80",
      "accuracy     0.1000 on the held-out fifth of every class",
      "worst        0 0.000, 1 0.010, 2 0.020, 3 0.030, 4 0.040"]),
    ("shapenet", {"accuracy_of_classes": {}},  # as accurate as the paper's
     ["classifier   resnet50, 20 images, trained on 80",
      "accuracy     0.9510 on the held-out fifth of every class"]),
    ("ytf", {"accuracy_of_classes": {}},
     ["classifier   resnet50, 20 images, trained on 80",
      "accuracy     0.9510 on the held-out fifth of every class",
      "warning: the classifier's accuracy on held-out images is 0.9510, below the paper's 0.96; metrics "
      "marked [classifier] are no more reliable than that"]),
])
def test_report_names_the_worst_classes_and_warns_below_the_papers_accuracy(dataset, changes, lines):
    assert judge.format_judge_report({**REPORT, **changes}, dataset) == lines


@pytest.mark.slow
def test_classifier_of_mnist_reaches_the_papers_accuracy(real_data, tmp_path):
    from eig_tf.data.loaders import mnist
    trained = judge.load_or_train_judge(mnist.load_images(real_data / "mnist"), tmp_path, "mnist", SMALL)
    assert trained.report["accuracy"] >= 0.98
    assert trained.report["num_train"] + trained.report["num_test"] == 70_000

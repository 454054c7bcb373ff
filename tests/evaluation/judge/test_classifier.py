import json

import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation.judge import classifier, classifier_training
from eig_tf.evaluation.judge.classifier import Recipe

SMALL = Recipe("small_cnn")


@pytest.fixture(scope="module")
def stripes():
    """Two classes that anyone can tell apart: horizontal and vertical stripes."""
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
        patch.setattr(classifier_training, "STEPS", 20)
        return classifier.train(stripes, SMALL)


@pytest.fixture
def cache(stripes, first, tmp_path):
    """A cache that holds that classifier."""
    classifier._store(first, classifier.find(stripes, tmp_path, "stripes", SMALL))
    return tmp_path


def test_a_classifier_is_trained_on_four_fifths_and_tried_on_the_rest(first):
    assert first.report == {
        "architecture": "small_cnn", "accuracy": 1.0, "num_train": 48, "num_test": 12, "steps": 20,
        "accuracy_of_classes": {"h": 1.0, "v": 1.0}}


def test_what_is_trained_is_stored_and_said(stripes, first, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(classifier, "train", lambda *given: first if given == (stripes, SMALL) else None)
    trained = classifier.load_or_train(stripes, tmp_path, "stripes", SMALL)
    directory = classifier.find(stripes, tmp_path, "stripes", SMALL)
    said = f"trains the evaluation classifier of stripes (small_cnn) once; it is kept in {directory}\n"
    assert capsys.readouterr().out == said
    assert sorted(path.name for path in directory.iterdir()) == ["classifier.weights.h5", "report.json"]
    assert trained.report == first.report


def test_a_stored_classifier_is_loaded_not_trained(stripes, first, cache, monkeypatch, capsys):
    monkeypatch.setattr(classifier, "train", None)
    second = classifier.load_or_train(stripes, cache, "stripes", SMALL)
    assert capsys.readouterr().out == ""
    assert second.report == first.report
    np.testing.assert_array_equal(classifier.predict(second.model, stripes.images), stripes.labels)


def test_other_data_gets_another_classifier(stripes, tmp_path):
    others = [stripes.subset(np.arange(50)), stripes._replace(labels=1 - stripes.labels),
              stripes._replace(class_names=("a", "b")), stripes._replace(images=255 - stripes.images)]
    found = {classifier.find(images, tmp_path, "stripes", SMALL) for images in (stripes, *others)}
    assert len(found) == 5


def test_key_of_digits_is_that_of_published_results(tmp_path):
    """Classifiers of 28x28 images lie where earlier versions put them, mirrored or not."""
    images = ImageSet(np.zeros([4, 28, 28, 1], np.uint8), np.array([0, 0, 1, 1]), ("a", "b"), "made")
    names = {classifier.find(images, tmp_path, "x", recipe).name for recipe in (
        SMALL, Recipe("small_cnn", mirrored=True))}
    assert names == {"x-0e00876d56b7cb93"}


def test_each_recipe_has_a_classifier_of_its_own(tmp_path):
    images = ImageSet(np.zeros([4, 32, 32, 3], np.uint8), np.array([0, 0, 1, 1]), ("a", "b"), "made")
    weights, others = tmp_path / "weights.h5", tmp_path / "others.h5"
    weights.write_bytes(b"weights")
    others.write_bytes(b"others")
    recipes = [SMALL, Recipe("small_cnn", mirrored=True), Recipe("resnet50"),
               Recipe("resnet50", weights=str(weights)), Recipe("resnet50", weights=str(others))]
    found = {classifier.find(images, tmp_path, "x", recipe) for recipe in recipes}
    assert len(found) == 5
    copied = tmp_path / "copied.h5"
    copied.write_bytes(b"weights")
    assert classifier.find(images, tmp_path, "x", Recipe("resnet50", weights=str(copied))) in found


@pytest.mark.parametrize(("dataset", "preset", "architecture", "mirrored"), [
    ("digits", "paper", "small_cnn", False), ("mnist", "paper", "small_cnn", False),
    ("cars", "paper", "resnet50", True), ("cars", "cpu", "small_cnn", True)])
def test_choice_by_size_and_preset(dataset, preset, architecture, mirrored):
    config = config_lib.load_preset(dataset, preset)
    assert classifier.choose(config) == Recipe(architecture, mirrored, None)


def test_choice_by_name():
    config = config_lib.load_preset("cars", "cpu")
    assert classifier.choose(config, "resnet50", "w.h5") == Recipe("resnet50", True, "w.h5")
    with pytest.raises(UserError, match=r"--classifier is 'vgg'; expected one of small_cnn, resnet50"):
        classifier.choose(config, "vgg")
    with pytest.raises(UserError, match=r"--pretrained_weights is given, but the classifier is small_cnn"):
        classifier.choose(config, None, "w.h5")


@pytest.mark.parametrize(("labels", "names", "sentence"), [
    (None, (), "the images have no labels"),
    (np.zeros(9, int), ("only",), "the images have one class, only"),
    (np.array([0, 0, 1, 1]), ("a", "b"), "no class has more than 2 images to evaluate on; expected 3"),
])
def test_images_that_nothing_can_be_judged_by(labels, names, sentence, tmp_path):
    image_set = ImageSet(np.zeros([9, 28, 28, 1], np.uint8), labels, names, "made")
    with pytest.raises(UserError, match=f"made: {sentence}"):
        classifier.load_or_train(image_set, tmp_path, "x", SMALL)


def test_a_class_too_small_to_hold_out_has_no_accuracy_of_its_own():
    right = np.array([True, False, True])
    labels = np.array([0, 0, 2, 1, 1])
    image_set = ImageSet(np.zeros([5, 28, 28, 1], np.uint8), labels, ("a", "b", "c"), "made")
    assert classifier._accuracy_of_classes(right, image_set, np.array([0, 1, 2])) == {"a": 0.5, "c": 1.0}


def test_a_classifier_that_another_process_stored_meanwhile_is_kept(first, cache):
    (directory,) = (cache / "classifiers").iterdir()
    report = json.loads((directory / "report.json").read_text())
    classifier._store(first._replace(report={"accuracy": 0.0}), directory)
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
        classifier.load_or_train(stripes, cache, "stripes", SMALL)
    assert str(directory) in str(error.value)


@pytest.mark.slow
def test_classifier_of_mnist_reaches_the_papers_accuracy(real_data, tmp_path):
    from eig_tf.data.loaders import mnist
    trained = classifier.load_or_train(mnist.load(real_data / "mnist"), tmp_path, "mnist", SMALL)
    assert trained.report["accuracy"] >= 0.98
    assert trained.report["num_train"] + trained.report["num_test"] == 70_000

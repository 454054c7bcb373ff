import json

import numpy as np
import pytest

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation import classifier


@pytest.fixture
def stripes(monkeypatch):
    """Two classes that anyone can tell apart: horizontal and vertical stripes; and a short training."""
    monkeypatch.setattr(classifier, "STEPS", 50)
    generator = np.random.default_rng(0)
    pattern = np.tile([[0], [255]], [14, 28]).astype(np.uint8)
    noise = generator.integers(0, 40, [60, 28, 28], dtype=np.uint8)
    labels = np.arange(60) % 2
    images = np.where(labels[:, None, None] == 1, pattern.T, pattern) // 2 + noise
    return ImageSet(images[..., np.newaxis].astype(np.uint8), labels.astype(np.int64), ("h", "v"), "made")


def test_trains_stores_and_loads_the_same_judge(stripes, tmp_path, capsys):
    first = classifier.load_or_train(stripes, tmp_path, "stripes")
    assert "trains the evaluation classifier" in capsys.readouterr().out
    assert first.report["accuracy"] == 1.0
    assert (first.report["num_train"], first.report["num_test"]) == (48, 12)
    second = classifier.load_or_train(stripes, tmp_path, "stripes")
    assert capsys.readouterr().out == ""
    assert second.report == first.report
    np.testing.assert_array_equal(classifier.predict(second.model, stripes.images), stripes.labels)
    (directory,) = (tmp_path / "classifiers").iterdir()
    assert sorted(path.name for path in directory.iterdir()) == ["classifier.weights.h5", "report.json"]


def test_other_data_gets_another_judge(stripes, tmp_path):
    classifier.load_or_train(stripes, tmp_path, "stripes")
    classifier.load_or_train(stripes.subset(np.arange(50)), tmp_path, "stripes")
    assert len(list((tmp_path / "classifiers").iterdir())) == 2


def test_a_judge_that_another_process_stored_meanwhile_is_kept(stripes, tmp_path):
    judge = classifier.train(stripes)
    directory = tmp_path / "judge"
    classifier._store(judge, directory)
    report = json.loads((directory / "report.json").read_text())
    classifier._store(judge._replace(report={"accuracy": 0.0}), directory)
    assert json.loads((directory / "report.json").read_text()) == report
    assert [path.name for path in tmp_path.iterdir()] == ["judge"]


@pytest.mark.parametrize(("name", "content"), [
    ("classifier.weights.h5", b""), ("classifier.weights.h5", None), ("report.json", b"{")])
def test_damaged_cache_is_named(stripes, tmp_path, name, content):
    classifier.load_or_train(stripes, tmp_path, "stripes")
    (directory,) = (tmp_path / "classifiers").iterdir()
    if content is None:
        whole = (directory / name).read_bytes()
        content = whole[:len(whole) // 2]
    (directory / name).write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read.*delete the directory") as error:
        classifier.load_or_train(stripes, tmp_path, "stripes")
    assert str(directory) in str(error.value)


@pytest.mark.slow
def test_judge_of_mnist_reaches_the_papers_accuracy(real_data, tmp_path):
    from eig_tf.data import mnist
    judge = classifier.load_or_train(mnist.load(real_data / "mnist"), tmp_path, "mnist")
    assert judge.report["accuracy"] >= 0.98
    assert judge.report["num_train"] + judge.report["num_test"] == 70_000

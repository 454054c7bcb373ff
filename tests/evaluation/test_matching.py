"""Reading the classes that codes match, and the order and labels of codes."""

import json

import numpy as np
import pytest

from eig_tf.errors import UserError
from eig_tf.evaluation import matching

CONTENT = {"code_to_class": [1, None, 0], "class_names": ["cat", "dog"], "epochs": 3,
           "confusion": [[250, 750], [500, 500], [0, 0]], "prior": {"true": [0.25, 0.75]}}


def write(path, **changes):
    path.write_text(json.dumps({**CONTENT, **changes}), encoding="utf-8")
    return path


def test_a_run_without_an_evaluation(tmp_path):
    assert matching.read(tmp_path / "evaluation.json", 3) is None


def test_codes_are_ordered_and_labelled_by_their_classes(tmp_path):
    found = matching.read(write(tmp_path / "a.json"), 3)
    order, words = matching.order([0.5, 0.3, 0.2], found)
    assert order == [2, 0, 1] and "class" in words
    assert [matching.label(code, 0.25, found) for code in order] == [
        "code 2\np = 0.250\ncat: 0 %", "code 0\np = 0.250\ndog: 75 %", "code 1\np = 0.250\nno class"]
    assert found.epochs == 3 and found.true.tolist() == [0.25, 0.75]


def test_codes_without_a_class_come_last(tmp_path):
    found = matching.read(write(tmp_path / "a.json", code_to_class=[None, None, 0]), 3)
    assert matching.order([0.3, 0.5, 0.2], found)[0] == [2, 0, 1]


def test_without_an_evaluation_the_most_probable_is_first():
    order, words = matching.order(np.array([0.2, 0.4, 0.4]))
    assert order == [1, 2, 0] and "probable" in words
    assert matching.label(7, 0.1234) == "code 7\np = 0.123"


def test_long_and_strange_names_stay_on_their_line(tmp_path):
    found = matching.read(write(tmp_path / "a.json", class_names=["cat\n", "x" * 50]), 3)
    assert matching.label(2, 0, found).split("\n")[2:] == ["cat\\n: 0 %"]
    assert len(matching.label(0, 0, found).split("\n")[2]) <= 24


@pytest.mark.parametrize("changes, message", [
    ({"code_to_class": [0, 1]}, "not that of 3 codes and 2 classes"),
    ({"code_to_class": [0, 1, 2]}, "other numbers than those of 2 classes"),
    ({"code_to_class": ["0", 1, None]}, "other numbers than those of 2 classes"),
    ({"confusion": [[1, 2], [3, 4]]}, "not that of 3 codes and 2 classes"),
    ({"confusion": [[1], [3, 4], [5, 6]]}, "is no evaluation of this run"),
    ({"prior": {}}, "'true'"), ({"prior": {"true": [1]}}, r"prior\.true is \(1,\)"),
    ({"class_names": None}, "is no evaluation of this run"),
])
def test_other_files_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        matching.read(write(tmp_path / "a.json", **changes), 3)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_damaged_files_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"a\.json is no evaluation of this run"):
        matching.read(tmp_path / "a.json", 3)

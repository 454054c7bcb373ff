"""Reading the classes that codes match."""

import json

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


def test_codes_have_the_names_of_their_classes(tmp_path):
    found = matching.read(write(tmp_path / "a.json"), 3)
    assert matching.classes_of_codes(found) == ["dog", None, "cat"]
    assert found.epochs == 3 and found.true.tolist() == [0.25, 0.75]


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

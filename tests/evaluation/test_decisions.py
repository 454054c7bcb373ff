"""Decisions on categories: read back, applied, and refused in one sentence."""

import csv
import json

import numpy as np
import pytest

from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError
from eig_tf.evaluation.categorize import Categories, write_csv
from eig_tf.evaluation.decisions import load_decisions

NAME = 'a, "b"\n<c>'


def content(**changes):
    entries = [{"category": 0, "name": NAME, "merged_into": None, "decision": "keep"},
               {"category": 1, "name": "", "merged_into": 0, "decision": None},
               {"category": 2, "name": "=1+1", "merged_into": None, "decision": "reject"}]
    return {"version": 1, "run": "abc", "epochs": 4, "categories": entries, **changes}


def entry(**changes):
    categories = content()["categories"]
    categories[1].update(changes)
    return content(categories=categories)


def load(path, saved):
    path.write_text(saved if isinstance(saved, str) else json.dumps(saved), encoding="utf-8")
    return load_decisions(path, "abc", 4, 3)


def test_names_and_merged_categories_are_in_the_table(tmp_path):
    decisions = load(tmp_path / "d.json", content())
    found = Categories(np.array([1, 0, 2]), np.array([0.5, 1, 0.9]), np.array([3, 0, 4]), np.ones(3),
                       np.array([0.2, 0.5, 0.3]), True, grouped=True).merge(decisions.merged_into)
    np.testing.assert_allclose(found.prior, [0.7, 0, 0.3])
    images = ImageSet(np.zeros([3, 1, 1, 1], np.uint8), None, (), "", names=np.array(["a\nb", "c", "d"]))
    write_csv(images, found, tmp_path / "a.csv", decisions)
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "category", "probability", "code", "code_probability", "name", "decision"]
    assert [[row[0], row[1], row[5], row[6]] for row in rows[1:]] == [
        ["a\nb", "0", NAME, "keep"], ["c", "0", NAME, "keep"], ["d", "2", "=1+1", "reject"]]


@pytest.mark.parametrize(("saved", "sentence"), [
    (content(run="xyz"), "which is of run 'xyz'; expected decisions of run 'abc', saved in its report"),
    (content(epochs=5), "which is of epoch 5 and 3 categories; expected epoch 4 and 3 categories, those"),
    (content(categories=content()["categories"][:1]), "which is of epoch 4 and 1 categories; expected"),
    ("", "which cannot be read: Expecting value"),
    ("[]", "which cannot be read: list indices must be"),
    ("[" * 10**5, "which cannot be read: maximum recursion depth"),
    ({"version": 2}, "which cannot be read: version is 2, not 1"),
    ({"version": 1, "run": "abc"}, "which cannot be read: it lacks 'epochs'"),
    (entry(merged_into=1), "category 1 is merged into 1, which is no category that stays"),
    (entry(merged_into=3), "category 1 is merged into 3, which is no category that stays"),
    (entry(merged_into=True), "category 1 is merged into True"),
    (entry(decision="maybe"), "the decision on category 1 is 'maybe', not keep or reject"),
    (entry(name=None), "the name of category 1 is None, no text"),
    (entry(name="\ud800"), "surrogates not allowed"),
    (entry(category=0), "entry 1 is of category 0"),
])
def test_other_decisions_are_refused(tmp_path, saved, sentence):
    with pytest.raises(UserError) as error:
        load(tmp_path / "d.json", saved)
    text = str(error.value)
    assert text.startswith(f"--decisions is '{tmp_path / 'd.json'}', which ") and sentence in text
    assert "\n" not in text and "; expected" in text


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read: No such file or directory; expected the file"):
        load_decisions(tmp_path / "d.json", "abc", 4, 3)

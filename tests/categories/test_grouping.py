"""The file of the grouping: written and read back, missing, and damaged."""

import json

import numpy as np
import pytest

from eig_tf.categories.grouping import CodeGrouping, load_grouping, save_grouping
from eig_tf.errors import UserError


@pytest.fixture
def grouping():
    return CodeGrouping(
        code_to_category=np.array([0, 1, 0]), agreement=np.array([0.75, 1.0, 0.5]),
        code_distribution=np.array([[0.25, 0, 0.75], [0, 1, 0]]), prior=np.array([0.625, 0.375]),
        fractions=np.array([0.5, 0.5]), linkage=np.array([[0, 2, 0.25, 2], [1, 3, 1.5, 3]]), epochs=7,
        consensus=0.875)


def test_saved_grouping_is_loaded_equal(grouping, tmp_path):
    save_grouping(grouping, tmp_path / "categories.json")
    loaded = load_grouping(tmp_path / "categories.json")
    for name, value in grouping._asdict().items():
        found = getattr(loaded, name)
        np.testing.assert_array_equal(found, value, err_msg=name)
        assert np.asarray(found).dtype == np.asarray(value).dtype
    assert [path.name for path in tmp_path.iterdir()] == ["categories.json"]
    assert load_grouping(tmp_path / "none.json") is None


def test_codes_of_a_category_begin_with_the_most_frequent(grouping):
    assert grouping.num_categories == 2
    assert [grouping.codes_of(category).tolist() for category in range(2)] == [[2, 0], [1]]


@pytest.mark.parametrize(("change", "reason"), [
    ({"version": 2}, "it is not of version 1"), ({"more": 1}, "more"),
    ({"prior": [1.0]}, "code_distribution is [2, 3], not [1, 3]"),
    ({"linkage": [[0, 1, 1, 2]]}, "linkage is [1, 4], not [2, 4] for 3 codes and 2 categories"),
    ({"code_to_category": [0, 1, 2]}, "code_to_category is [0, 1, 2], not numbers below 2"),
    ({"code_to_category": [0, -1, 0]}, "[0, -1, 0]"), ({"code_to_category": [0, 1, 10**30]}, "too large"),
    ({"code_to_category": ["a", 0, 1]}, "'a'"), ({"agreement": None}, "shape"),
    ({"fractions": [[1], [2, 3]]}, "fractions|inhomogeneous"), ({"prior": 1}, "len"),
])
def test_a_damaged_field_is_refused_with_the_file(grouping, tmp_path, change, reason):
    path = tmp_path / "categories.json"
    save_grouping(grouping, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError) as error:
        load_grouping(path)
    assert str(error.value).startswith(f"{path} cannot be read: ")
    assert any(words in str(error.value) for words in reason.split("|"))


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "7", '"text"', "{}", '{"version": 1}', "\xff\0"])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "categories.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=r"cannot be read: .*; expected the file that tools/find_categories"):
        load_grouping(path)

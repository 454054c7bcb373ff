"""The files of a decoded set: writing, reading, and one sentence for every kind of damage."""

import json
import os

import numpy as np
import pytest

from eig_tf.data import storage
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, [7, 2, 2, 3], np.uint8)
REMEDY = "do something"


def make_set(**changes):
    """Return seven images of two classes and three objects."""
    image_set = ImageSet(IMAGES, np.array([0, 0, 0, 0, 1, 1, 1]), ("a", "b"), "a test",
                         np.array([5, 5, 7, 7, 9, 9, 9]), np.array([f"é {n}.png" for n in range(7)]),
                         ("note",))
    return image_set._replace(**changes)


def write_set(directory, image_set):
    directory.mkdir()
    stored = storage.write_images(directory, [IMAGES[:1], IMAGES[1:1], IMAGES[1:]])
    np.testing.assert_array_equal(stored, IMAGES)
    storage.write_columns(directory, image_set)
    return directory


def assert_same(found, expected):
    np.testing.assert_array_equal(found.images, expected.images)
    for name in ("labels", "groups", "names"):
        column = getattr(expected, name)
        if column is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_array_equal(getattr(found, name), column)
            assert getattr(found, name).dtype == column.dtype
    assert (found.class_names, found.source, found.notes) == (
        expected.class_names, expected.source, expected.notes)


NOT_UTF8 = os.fsdecode(b"caf\xe9/\xff.png")


@pytest.mark.parametrize("changes", [
    {}, {"labels": None, "class_names": ()}, {"groups": None, "names": None, "notes": ()},
    {"names": np.array([NOT_UTF8, "猫\n.png", *"abcde"]), "class_names": (NOT_UTF8, "b"), "source": NOT_UTF8,
     "notes": (NOT_UTF8,)}], ids=["all", "no_labels", "no_groups_and_names", "no_utf8"])
def test_what_is_written_is_read(tmp_path, changes):
    image_set = make_set(**changes)
    found = storage.read_image_set(write_set(tmp_path / "set", image_set), REMEDY)
    assert isinstance(found.images, StoredImages)
    assert_same(found, image_set)


def test_images_of_another_shape_or_dtype_and_columns_of_another_length_are_defects(tmp_path):
    for batch in (np.zeros([1, 3, 2, 3], np.uint8), np.zeros([1, 2, 2, 3], np.float32)):
        with pytest.raises(ValueError, match=r"expected uint8 images of \(2, 2, 3\)"):
            storage.write_images(tmp_path, [IMAGES, batch])
    with pytest.raises(ValueError, match="3 labels for 7 images"):
        write_set(tmp_path / "set", make_set(labels=np.zeros(3, np.int64)))


@pytest.mark.parametrize(
    "name", ["images.uint8", "labels.npy", "groups.npy", "names.npy", storage.DESCRIPTION])
@pytest.mark.parametrize("how", ["cut", "empty", "text", "gone"])
def test_damaged_file_is_named_with_the_remedy(tmp_path, name, how):
    path = write_set(tmp_path / "set", make_set()) / name
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"cut": path.read_bytes()[:-3], "empty": b"", "text": b"Dear Sir or Madam"}[how])
    with pytest.raises(UserError) as error:
        storage.read_image_set(tmp_path / "set", REMEDY)
    assert str(error.value).startswith(f"{tmp_path}/set holds a decoded data set that cannot be read: ")
    assert str(error.value).endswith("; do something") and "\n" not in str(error.value)


@pytest.mark.parametrize("name, column, words", [
    ("labels", np.zeros(2, np.int64), r"labels.npy holds int64 \[2\]"),
    ("labels", np.arange(7), "holds 0 to 6, expected indices of 2 classes"),
    ("labels", np.full(7, -2), "-2 to -2, expected indices of 2 classes"),
    ("groups", np.zeros([7, 1], np.int64), r"groups.npy holds int64 \[7, 1\]"),
    ("names", np.zeros(7), r"names.npy holds float64 \[7\]"),
    ("labels", np.array([None] * 7), "labels.npy holds object|object arrays|Array can't be memory-mapped")])
def test_columns_that_do_not_fit(tmp_path, name, column, words):
    directory = write_set(tmp_path / "set", make_set())
    np.save(directory / f"{name}.npy", column)
    with pytest.raises(UserError, match=words):
        storage.read_image_set(directory, REMEDY)


@pytest.mark.parametrize("change, words", [
    ({"format_version": 1}, "has the format_version 1, expected 2"), ({"shape": [7, 2, 2]}, "has shape"),
    ({"shape": [7, 2, -2, -3]}, "has shape"), ({"shape": [8, 2, 2, 3]}, "holds 84 bytes, expected 96"),
    ({"class_names": "ab"}, "has class_names 'ab'"), ({"class_names": ["a"]}, "holds 0 to 1"),
    ({"columns": ["sizes"]}, "has columns"), ({"source": None}, "has source None"),
    ("[]", "is not a JSON object"), ("{}", "format_version None"),
    ('{"format_version": 2}', "has shape None")], ids=str)
def test_changed_description_is_refused(tmp_path, change, words):
    path = write_set(tmp_path / "set", make_set()) / storage.DESCRIPTION
    text = change if isinstance(change, str) else json.dumps({**json.loads(path.read_text()), **change})
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        storage.read_image_set(tmp_path / "set", REMEDY)

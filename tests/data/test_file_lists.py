"""Lists of files: columns and keys, hard names, and lists that are refused."""

import pytest

from eig_tf.data.file_lists import read_list
from eig_tf.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Writes a list and reads it."""
    def read(content, name="a.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_list(tmp_path / name)
    return read


def test_csv_and_json(read):
    assert read("file\nb.png\na.png\n") == (["b.png", "a.png"], None)
    assert read("\ufeffid,label,file\r\n1,cat,b.png\r\n2,dog,\"x, \"\"y\"\".png\"\r\n", "A.CSV") == (
        ["b.png", 'x, "y".png'], ["cat", "dog"])
    assert read("file,label\na.png,\n") == (["a.png"], None)
    assert read('[{"file": "a.png", "label": 7}, {"file": "<b>.png", "label": "x", "other": []}]',
                "a.json") == (["a.png", "<b>.png"], ["7", "x"])
    assert read('[{"file": "a.png", "label": null}]', "a.json") == (["a.png"], None)
    assert read("file,label\na,x\nb,\nc\n") == (["a", "b", "c"], ["x", "", ""])


def test_spaces_in_the_header_and_names_with_line_ends_and_other_bytes(read):
    assert read("file, label\na,x\n") == (["a"], ["x"])
    assert read("file,label\na\u2028b.png,x\nc\x0cd.png,y\n") == (["a\u2028b.png", "c\x0cd.png"], ["x", "y"])
    assert read(b'file\n"new\nline.png"\ncaf\xe9.png\n') == (["new\nline.png", "caf\udce9.png"], None)


@pytest.mark.parametrize(("name", "content", "words"), [
    ("a.csv", "", "its columns are none; expected a header with the column"),
    ("a.csv", "name,label\na,b\n", "its columns are name, label; expected a header with the column 'file'"),
    ("a.csv", "file\n", "it names no files"), ("a.csv", "file,label\n,cat\n", "without 'file', number 1"),
    ("a.csv", 'file\n"a.png\n', "unexpected end of data"),
    ("a.csv", b"\x89PNG\0\n", "cannot be read as a list"),
    ("a.csv", "file\na.png\na.png\nb.png\n", r"names 1 files more than once \(a\.png\); expected each"),
    ("a.json", "{}", "it names no files; expected a list of objects"),
    ("a.json", "[1]", "it has the entry 1"),
    ("a.json", "[", "cannot be read as a list of files: Expecting value"),
    ("a.json", "[" * 100_000, "cannot be read as a list of files"),
    ("a.json", '[{"file": ["a"]}]', r"it has the file \['a'\]")])
def test_what_is_no_list_is_refused_in_one_sentence(read, name, content, words):
    with pytest.raises(UserError, match=words) as error:
        read(content, name)
    assert "\n" not in str(error.value)

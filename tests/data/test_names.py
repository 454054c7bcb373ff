"""Files below a directory, the order of their names and names as text."""

import os

import pytest

from eig_tf.data import names


def test_natural_order():
    expected = ["1e3.png", "9.png", "09.png", "10.png", "a9b9.png", "a9b10.png", "a10b2.png", "٣.png"]
    shuffled = [expected[index] for index in (3, 1, 6, 5, 2, 4, 0, 7)]
    # 09 has the value of 9; the text decides.
    assert sorted(shuffled, key=names.natural_key) == ["1e3.png", "09.png", "9.png", *expected[3:]]


@pytest.mark.parametrize(("text", "shown"), [
    ("it's \"Füße\" 日本.png", "it's \"Füße\" 日本.png"), ("a\nb\tc", r"a\nb\tc"),
    ("\x1b[31mred", r"\x1b[31mred"), (os.fsdecode(b"caf\xe9"), r"caf\udce9"), ("", "")])
def test_printable_is_one_line_of_utf8(text, shown):
    assert names.printable(text) == shown
    assert names.printable(text).encode("utf-8").decode().splitlines() in ([shown], [])


@pytest.mark.parametrize(("number", "shown"), [
    (0, ""), (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (9, "0, 1, 2 and 6 more")])
def test_first_few(number, shown):
    assert names.first_few(map(str, range(number))) == shown
    assert names.first_few(["a\nb", "c", "d", "e"], "; ") == r"a\nb; c; d; and 1 more"

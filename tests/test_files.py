"""Files are written whole or not at all."""

import json

import pytest

from eig_tf import files


def test_replacing_puts_the_new_content_in_place(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half of the n")
        raise RuntimeError("power cut")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_of_a_new_file_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), files.replacing(tmp_path / "new.json"):
        raise RuntimeError("before the first byte")
    assert list(tmp_path.iterdir()) == []


def test_temporary_file_keeps_suffix_and_directory(tmp_path):
    with files.replacing(tmp_path / "grid.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        assert temporary.name != "grid.png"
        temporary.touch()


def test_what_a_killed_process_left_is_deleted_and_nothing_else(tmp_path):
    with files.replacing(tmp_path / "grid.png") as temporary:
        temporary.touch()
        for name in ("killed", "history"):
            (tmp_path / temporary.name.replace("grid", name)).touch()
    for name in ("a.tmp.png", ".hidden.png"):
        (tmp_path / name).touch()
    files.delete_left_overs(tmp_path, "history")
    assert len(list(tmp_path.iterdir())) == 4
    files.delete_left_overs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden.png", "a.tmp.png", "grid.png"]
    files.delete_left_overs(tmp_path / "missing")


def test_rows_below_the_heading_are_counted(tmp_path):
    path = tmp_path / "history.csv"
    for text, rows in (("", 0), ("epoch,d_loss\n", 0), ("epoch,d_loss\n1,0.5\n2,0.4\n", 2)):
        path.write_text(text)
        assert files.count_rows(path) == rows
    assert files.count_rows(tmp_path) == files.count_rows(tmp_path / "none") == 0


def test_content_that_json_cannot_hold_keeps_the_old_file(tmp_path):
    path = tmp_path / "config.json"
    files.write_json({"epochs": 2}, path)
    with pytest.raises(TypeError):
        files.write_json({"epochs": object()}, path)
    assert json.loads(path.read_text()) == {"epochs": 2}


def test_text_is_utf8(tmp_path):
    files.write_text("λ₂ = 10", tmp_path / "note.txt")
    assert (tmp_path / "note.txt").read_bytes() == "λ₂ = 10".encode()



def test_cache_directory_follows_the_environment(command):
    script = "from eig_tf import files; print(files.default_cache_dir())"
    assert command("-c", script, XDG_CACHE_HOME="/somewhere").stdout == "/somewhere/eig_tf\n"
    assert command("-c", script, XDG_CACHE_HOME="").stdout == "~/.cache/eig_tf\n"

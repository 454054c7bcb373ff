"""Numbered versions: counting, and never a half-written one under a number."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from eig_tf.serving.versions import latest_version, prune, write_version


def _write(content):
    (content / "file").write_text("whole")


def test_versions_count_up_from_one_in_a_new_directory(tmp_path):
    base = tmp_path / "new" / "export"
    assert [write_version(base, _write).name for _ in range(3)] == ["1", "2", "3"]
    assert (base / "3" / "file").read_text() == "whole"


def test_counting_goes_on_after_the_largest_number(tmp_path):
    for name in ("2", "10", "backup", "11.old", ".12"):
        (tmp_path / name).mkdir()
    (tmp_path / "13.txt").touch()
    assert latest_version(tmp_path) == 10
    assert write_version(tmp_path, _write) == tmp_path / "11"


def test_nothing_has_a_number_before_it_is_complete(tmp_path):
    def write(content):
        _write(content)
        assert latest_version(tmp_path) == 0

    write_version(tmp_path, write)
    assert os.listdir(tmp_path) == ["1"]


def test_a_failed_write_leaves_nothing(tmp_path):
    def write(content):
        _write(content)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        write_version(tmp_path, write)
    assert os.listdir(tmp_path) == []


def test_a_number_that_is_taken_meanwhile_is_passed_over(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "file").write_text("another export's")
    seen = []

    def look_too_early(base):
        seen.append(latest_version(base))
        return 0 if len(seen) == 1 else seen[-1]

    monkeypatch.setattr("eig_tf.serving.versions.latest_version", look_too_early)
    assert write_version(tmp_path, _write) == tmp_path / "2"
    assert (tmp_path / "1" / "file").read_text() == "another export's"


def test_a_version_can_be_read_by_others(tmp_path):
    umask = os.umask(0o022)
    try:
        version = write_version(tmp_path, _write)
    finally:
        os.umask(umask)
    assert version.stat().st_mode & 0o777 == 0o755


def test_a_base_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "base").touch()
    with pytest.raises(OSError, match="base"):
        write_version(tmp_path / "base", _write)


def test_a_number_can_be_chosen_once(tmp_path):
    assert write_version(tmp_path, _write, 7) == tmp_path / "7"
    assert write_version(tmp_path, _write, 3) == tmp_path / "3"
    assert write_version(tmp_path, _write) == tmp_path / "8"
    (tmp_path / "3" / "file").write_text("kept")
    (tmp_path / "09").mkdir()
    for number in (3, 9):
        with pytest.raises(FileExistsError, match=f"version {number} is there"):
            write_version(tmp_path, _write, number)
    assert (tmp_path / "3" / "file").read_text() == "kept"


def test_the_latest_and_the_new_one_stay(tmp_path):
    for number in (1, 2, 9, 10):
        write_version(tmp_path, _write, number)
    (tmp_path / "notes").mkdir()
    new = write_version(tmp_path, _write, 3)
    prune(tmp_path, 2, new)
    assert sorted(os.listdir(tmp_path)) == ["10", "3", "9", "notes"]
    prune(tmp_path, 5, new)
    prune(tmp_path, 1, tmp_path / "10")
    assert sorted(os.listdir(tmp_path)) == ["10", "notes"]


def test_a_version_vanishes_at_once(tmp_path, monkeypatch):
    """A server that looks while a version is deleted sees it whole or not at all."""
    for _ in range(2):
        write_version(tmp_path, _write)
    seen = []
    rename = os.rename

    def look(source, target):
        seen.append(sorted(name for name in os.listdir(tmp_path) if name.isdecimal()))
        rename(source, target)
        seen.append(sorted(name for name in os.listdir(tmp_path) if name.isdecimal()))
        assert (target / "file").read_text() == "whole"

    monkeypatch.setattr(os, "rename", look)
    prune(tmp_path, 1, tmp_path / "2")
    assert seen == [["1", "2"], ["2"]]


def test_a_version_that_another_process_deletes_first_is_no_error(tmp_path, monkeypatch):
    for _ in range(3):
        write_version(tmp_path, _write)
    rename = os.rename

    def come_second(source, target):
        monkeypatch.setattr(os, "rename", rename)
        prune(tmp_path, 1, tmp_path / "3")
        rename(source, target)

    monkeypatch.setattr(os, "rename", come_second)
    prune(tmp_path, 1, tmp_path / "3")
    assert os.listdir(tmp_path) == ["3"]


def test_exports_at_the_same_time_get_numbers_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda _: write_version(tmp_path, _write), range(40)))
    assert sorted(int(path.name) for path in written) == list(range(1, 41))
    assert sorted(os.listdir(tmp_path), key=int) == [str(number) for number in range(1, 41)]

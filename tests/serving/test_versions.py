"""Numbered versions: counting, and never a half-written or half-deleted one under a number."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from eig_tf.errors import UserError
from eig_tf.serving.versions import check_model_name, latest_version, prune_versions, write_version

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from eig_tf.serving.versions import write_version
for _ in range(5):
    print(write_version(Path(sys.argv[1]), lambda content: (content / "file").write_text("complete")).name)
"""


def _write(content):
    (content / "file").write_text("complete")


def _listed(base):
    """What lies in a directory of versions beside the lock."""
    return sorted(set(os.listdir(base)) - {".lock"}, key=lambda name: (len(name), name))


def test_versions_count_up_from_one_in_a_new_directory(tmp_path):
    base = tmp_path / "new" / "export"
    assert [write_version(base, _write).name for _ in range(3)] == ["1", "2", "3"]
    assert (base / "3" / "file").read_text() == "complete"


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
    assert _listed(tmp_path) == ["1"]


def test_a_failed_write_leaves_nothing(tmp_path):
    def write(content):
        _write(content)
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        write_version(tmp_path, write)
    assert _listed(tmp_path) == []


def test_a_version_can_be_read_by_others(tmp_path):
    umask = os.umask(0o022)
    try:
        version = write_version(tmp_path, _write)
    finally:
        os.umask(umask)
    assert version.stat().st_mode & 0o777 == 0o755


def test_a_number_can_be_chosen_once(tmp_path):
    assert write_version(tmp_path, _write, 7) == tmp_path / "7"
    assert write_version(tmp_path, _write, 3) == tmp_path / "3"
    assert write_version(tmp_path, _write) == tmp_path / "8"
    (tmp_path / "3" / "file").write_text("kept")
    (tmp_path / "09").mkdir()
    for number in (3, 9):
        with pytest.raises(UserError, match=f"--version is {number}, but .* has it already; expected a new"):
            write_version(tmp_path, _write, number)
    assert (tmp_path / "3" / "file").read_text() == "kept"


def test_the_latest_and_the_new_one_stay(tmp_path):
    for number in (1, 2, 9, 10):
        write_version(tmp_path, _write, number)
    (tmp_path / "notes").mkdir()
    new = write_version(tmp_path, _write, 3)
    prune_versions(tmp_path, 2, new)
    assert _listed(tmp_path) == ["3", "9", "10", "notes"]
    prune_versions(tmp_path, 5, new)
    prune_versions(tmp_path, 1, tmp_path / "10")
    assert _listed(tmp_path) == ["10", "notes"]


def test_a_version_vanishes_at_once(tmp_path, monkeypatch):
    """A server that looks while a version is deleted sees it complete or not at all."""
    for _ in range(2):
        write_version(tmp_path, _write)
    seen = []
    rename = os.rename

    def look(source, target):
        seen.append(sorted(name for name in os.listdir(tmp_path) if name.isdecimal()))
        rename(source, target)
        seen.append(sorted(name for name in os.listdir(tmp_path) if name.isdecimal()))
        assert (target / "file").read_text() == "complete"

    monkeypatch.setattr(os, "rename", look)
    prune_versions(tmp_path, 1, tmp_path / "2")
    assert seen == [["1", "2"], ["2"]]


def test_a_version_that_another_process_deletes_first_is_no_error(tmp_path, monkeypatch):
    for _ in range(3):
        write_version(tmp_path, _write)
    rename = os.rename

    def come_second(source, target):
        monkeypatch.setattr(os, "rename", rename)
        prune_versions(tmp_path, 1, tmp_path / "3")
        rename(source, target)

    monkeypatch.setattr(os, "rename", come_second)
    prune_versions(tmp_path, 1, tmp_path / "3")
    assert _listed(tmp_path) == ["3"]


def test_exports_at_the_same_time_get_numbers_of_their_own(tmp_path, repository):
    """Four threads of this process and three other processes, with five versions each."""
    processes = [subprocess.Popen([sys.executable, "-c", ANOTHER_PROCESS, tmp_path], text=True,
                                  stdout=subprocess.PIPE,
                                  env={**os.environ, "PYTHONPATH": str(repository)}) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        written = [path.name for path in pool.map(lambda _: write_version(tmp_path, _write), range(20))]
    for process in processes:
        printed, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        # A process that waits says so.
        written += [line for line in printed.splitlines() if line.isdecimal()]
    assert sorted(map(int, written)) == list(range(1, 36))
    assert _listed(tmp_path) == [str(number) for number in range(1, 36)]
    assert all((tmp_path / name / "file").read_text() == "complete" for name in written)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b", "a" * 101, "ö"])
def test_names_that_no_path_or_url_can_hold_are_refused(name):
    with pytest.raises(UserError, match=r"^--name is .*; expected up to 100 letters, digits, dots, dashes"):
        check_model_name(name)
    check_model_name("digits.v2-EMA_1")

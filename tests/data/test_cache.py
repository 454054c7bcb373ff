"""Decoded sets on disk: whole or not at all, whoever is killed and whoever comes second."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from eig_tf.data import cache
from eig_tf.errors import UserError

# Builds a set of 40 images, one every 20 ms; says when it begins.
BUILDER = """
import sys, time
import numpy as np
from eig_tf.data import cache
def build(writer):
    print("begins", flush=True)
    for index in range(40):
        writer.append(np.full([1, 4, 4, 1], index, np.uint8), index % 2, index, f"{index}.png")
        time.sleep(0.02)
    writer.finish(("a", "b"), "made", ())
image_set = cache.cached(sys.argv[1], "key", build)
print(len(image_set.images), int(image_set.images[:].sum()), flush=True)
"""
DONE = f"40 {16 * sum(range(40))}"
# Builds a set of 700 images, 11,200 bytes, where files may not grow beyond some length, as on a full disk.
FULL = """
import resource, sys
import numpy as np
from eig_tf import command
from eig_tf.data import cache
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
def build(writer):
    for index in range(700):
        writer.append(np.zeros([1, 4, 4, 1], np.uint8), 0, None, f"a long name {index}.png")
    writer.finish(("a",), "made", ())
def main(arguments):
    cache.cached(arguments[0], "key", build)
command.run(main, "")
"""


def images(*values):
    return np.array(values, np.uint8).reshape(-1, 1, 1, 1) * np.ones([1, 3, 2, 3], np.uint8)


def build(writer):
    writer.append(images(1, 2), 0, 5, "a.png")
    writer.append(images(3), 1, 6, "b.png")
    writer.finish(("x", "y"), "made", ("a note",))


@pytest.fixture
def start(tmp_path):
    """Starts a process that builds the set in the cache below tmp_path."""
    def run():
        return subprocess.Popen([sys.executable, "-c", BUILDER, str(tmp_path)], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    return run


def test_what_is_written_is_read(tmp_path):
    image_set = cache.cached(tmp_path, "key", build)
    np.testing.assert_array_equal(image_set.images, images(1, 2, 3))
    assert image_set.labels.tolist() == [0, 0, 1]
    assert image_set.groups.tolist() == [5, 5, 6]
    assert image_set.names.tolist() == ["a.png", "a.png", "b.png"]
    assert (image_set.class_names, image_set.source, image_set.notes) == (("x", "y"), "made", ("a note",))


def test_second_time_nothing_is_made(tmp_path):
    first = cache.cached(tmp_path, "key", build)
    second = cache.cached(tmp_path, "key", lambda writer: pytest.fail("made again"))
    np.testing.assert_array_equal(first.images, second.images)
    cache.cached(tmp_path, "other", build)
    assert sorted(path.name for path in (tmp_path / "data").iterdir() if path.is_dir()) == ["key", "other"]


def test_images_without_a_group_stand_for_themselves(tmp_path):
    def build_views(writer):
        for label in range(2):
            writer.append(images(1, 2, 3), label, None, "views")
        writer.finish(("x", "y"), "made", ())
    assert cache.cached(tmp_path, "key", build_views).groups.tolist() == [0, 1, 2, 3, 4, 5]


def test_images_without_classes_have_no_labels(tmp_path):
    def build_flat(writer):
        writer.append(images(1), 0, None, "a.png")
        writer.finish((), "made", ())
    assert cache.cached(tmp_path, "key", build_flat).labels is None


def test_images_of_another_shape_or_type_are_a_defect(tmp_path):
    def build_mixed(second):
        def build(writer):
            writer.append(images(1), 0, 0, "a.png")
            writer.append(second, 0, 1, "b.png")
        return build
    for second in (np.zeros([1, 2, 2, 3], np.uint8), np.zeros([1, 3, 2, 3], np.float32)):
        with pytest.raises(ValueError, match=r"b\.png"):
            cache.cached(tmp_path, "key", build_mixed(second))
        assert not (tmp_path / "data" / "key").exists()
        assert not (tmp_path / "data" / "key.partial").exists()


def test_failure_leaves_nothing_and_can_be_repeated(tmp_path):
    def fail(writer):
        writer.append(images(1), 0, 0, "a.png")
        raise UserError("no more")
    with pytest.raises(UserError, match="no more"):
        cache.cached(tmp_path, "key", fail)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["key.lock"]
    assert len(cache.cached(tmp_path, "key", build).images) == 3


def test_killed_preparation_starts_over(tmp_path, start):
    process = start()
    assert process.stdout.readline() == "begins\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "data" / "key.partial").is_dir()
    assert not (tmp_path / "data" / "key").exists()
    stdout, stderr = start().communicate(timeout=60)
    assert stdout.splitlines()[0] == "begins" and stdout.splitlines()[-1] == DONE, stderr
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["key", "key.lock"]


def test_two_processes_at_once_make_it_once(start):
    texts = [process.communicate(timeout=60)[0].splitlines() for process in [start(), start()]]
    assert [text[-1] for text in texts] == [DONE, DONE]
    assert sum(text.count("begins") for text in texts) == 1


def test_process_that_waits_goes_on_when_the_first_is_killed(tmp_path, start):
    first = start()
    assert first.stdout.readline() == "begins\n"
    first.send_signal(signal.SIGSTOP)  # on a busy machine it could be done before the second begins
    second = start()
    assert second.stdout.readline() == f"waits for another process that makes {tmp_path}/data/key\n"
    first.kill()
    first.communicate()
    stdout, stderr = second.communicate(timeout=60)
    assert stdout.splitlines()[0] == "begins" and stdout.splitlines()[-1] == DONE, stderr


def test_place_and_size_are_said_when_a_set_is_made(tmp_path, capsys):
    def build_large(writer):
        writer.append(np.zeros([50, 200, 200, 1], np.uint8), 0, None, "a.png")
        writer.finish((), "made", ())
    cache.cached(tmp_path, "key", build_large)
    assert capsys.readouterr().out == (
        f"decoded images take 2.0 MB in {tmp_path}/data/key, which may be deleted\n")
    cache.cached(tmp_path, "key", build_large)
    assert capsys.readouterr().out == ""


def test_names_that_are_no_utf8_survive(tmp_path):
    name = os.fsdecode(b"caf\xe9/\xff.png")

    def build_named(writer):
        writer.append(images(1), 0, None, name)
        writer.append(images(2), 0, None, "\u732b\n.png")
        writer.finish((name,), name, (name,))
    cache.cached(tmp_path, "key", build_named)
    image_set = cache.cached(tmp_path, "key", build_named)
    assert image_set.names.tolist() == [name, "\u732b\n.png"]
    assert (image_set.class_names, image_set.source, image_set.notes) == ((name,), name, (name,))


@pytest.mark.parametrize("limit, named", [
    # The disk is full while images come, at the last of them, and with the names.
    (0, "key.partial/images.uint8"), (9000, "key.partial"), (30000, "key.partial")])
def test_full_disk_is_one_sentence_and_leaves_nothing(command, tmp_path, limit, named):
    result = command("-c", FULL, "full", limit)
    assert result.returncode == 2
    assert result.stderr.startswith(f"error: full/data/{named}: File too large")
    assert result.stderr.count("\n") == 1
    assert os.listdir(tmp_path / "full" / "data") == ["key.lock"]
    assert command("-c", FULL, "full", 10**6).returncode == 0


@pytest.mark.parametrize("name", ["images.uint8", "labels.npy", "groups.npy", "names.npy", "info.json"])
@pytest.mark.parametrize("how", ["cut", "empty", "gone"])
def test_damage_is_named_with_its_remedy(tmp_path, name, how):
    cache.cached(tmp_path, "key", build)
    path = tmp_path / "data" / "key" / name
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    with pytest.raises(UserError, match="key holds a decoded data set that cannot be read"):
        cache.cached(tmp_path, "key", build)


def test_arrays_that_do_not_belong_together(tmp_path):
    cache.cached(tmp_path, "key", build)
    np.save(tmp_path / "data" / "key" / "labels.npy", np.zeros(2, np.int64))
    with pytest.raises(UserError, match="its arrays differ in length"):
        cache.cached(tmp_path, "key", build)
    (tmp_path / "data" / "key" / "info.json").write_text(json.dumps({"shape": "large"}))
    with pytest.raises(UserError, match="cannot be read"):
        cache.cached(tmp_path, "key", build)


def test_cache_that_is_deleted_in_between_is_made_anew(tmp_path):
    first = cache.cached(tmp_path, "key", build)
    shutil.rmtree(tmp_path / "data")
    np.testing.assert_array_equal(cache.cached(tmp_path, "key", build).images, first.images)


def test_cache_where_nothing_can_be_written():
    with pytest.raises(OSError, match="/proc/cache"):
        cache.cached("/proc/cache", "key", build)


def test_file_in_the_way_of_the_cache(tmp_path):
    (tmp_path / "data").write_text("precious")
    with pytest.raises(OSError, match="data"):
        cache.cached(tmp_path, "key", build)
    assert (tmp_path / "data").read_text() == "precious"


def test_file_system_without_locks(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(37, "No locks available")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(UserError, match=r"key\.lock cannot be locked: No locks available; expected --cache"):
        cache.cached(tmp_path, "key", build)

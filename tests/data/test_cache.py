"""The cache of decoded sets: atomic writes, killed processes, and processes that wait."""

import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from eig_tf.data import cache, storage
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

# Builds a set of 40 images, one every 20 ms, and prints when it begins.
BUILDER = """
import os, signal, sys, time
import numpy as np
from eig_tf.data import cache, storage
from eig_tf.data.image_set import ImageSet
def batches():
    for index in range(40):
        if sys.argv[2:] == [str(index)]:
            os.kill(os.getpid(), signal.SIGSTOP)
        yield np.full([1, 4, 4, 1], index, np.uint8)
        time.sleep(0.02)
def build(directory):
    print("begins", flush=True)
    images = storage.write_images(directory, batches())
    storage.write_columns(directory, ImageSet(images, None, (), "made"))
image_set = cache.cached(sys.argv[1], "key", build)
print(len(image_set.images), int(image_set.images[:].sum()), flush=True)
"""
DONE = f"40 {16 * sum(range(40))}"
# Builds a set of 700 images, 11,200 bytes, with a limit on the length of files, as on a full disk.
FULL = """
import resource, sys
import numpy as np
from eig_tf.cli import command
from eig_tf.data import cache, storage
from eig_tf.data.image_set import ImageSet
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
def build(directory):
    images = storage.write_images(directory, [np.zeros([1, 4, 4, 1], np.uint8)] * 700)
    names = np.array([f"a long name {index}.png" for index in range(700)])
    storage.write_columns(directory, ImageSet(images, None, (), "made", None, names))
def main(arguments):
    cache.cached(arguments[0], "key", build)
command.run_command(main, "")
"""
IMAGES = np.arange(3, dtype=np.uint8).reshape(3, 1, 1, 1) * np.ones([1, 3, 2, 3], np.uint8)


def build(directory):
    images = storage.write_images(directory, [IMAGES[:2], IMAGES[2:]])
    storage.write_columns(directory, ImageSet(images, None, (), "made"))


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.fixture
def start(tmp_path):
    """Starts a process that builds the set in the cache below tmp_path, and may stop at an image."""
    def run(*stop_at):
        return subprocess.Popen([sys.executable, "-c", BUILDER, str(tmp_path), *stop_at], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ)
    return run


def test_a_set_is_built_and_printed_once_for_each_key(tmp_path, capsys):
    first = cache.cached(tmp_path, "key", build)
    np.testing.assert_array_equal(first.images, IMAGES)
    capsys.readouterr()
    second = cache.cached(tmp_path, "key", lambda directory: pytest.fail("built again"))
    np.testing.assert_array_equal(second.images, IMAGES)
    assert capsys.readouterr().out == ""

    def build_large(directory):
        images = storage.write_images(directory, [np.zeros([50, 200, 200, 1], np.uint8)])
        storage.write_columns(directory, ImageSet(images, None, (), "made"))
    cache.cached(tmp_path, "other", build_large)
    assert capsys.readouterr().out == (
        f"decoded images take 2.0 MB in {tmp_path}/data/other, which may be deleted\n")
    assert names_in(tmp_path / "data") == ["key", "key.lock", "other", "other.lock"]


def test_failure_leaves_nothing_and_can_be_repeated(tmp_path):
    def fail(directory):
        storage.write_images(directory, [IMAGES])
        raise UserError("no more")
    with pytest.raises(UserError, match="no more"):
        cache.cached(tmp_path, "key", fail)
    assert names_in(tmp_path / "data") == ["key.lock"]
    assert len(cache.cached(tmp_path, "key", build).images) == 3


def test_what_a_killed_process_leaves_is_deleted_by_the_next_one(tmp_path, start):
    process = start("10")
    assert process.stdout.readline() == "begins\n"
    os.waitpid(process.pid, os.WUNTRACED)  # It has stopped itself at the tenth image.
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left_over,) = (tmp_path / "data").glob(".key.*.tmp")
    assert (left_over / "new" / "images.uint8").exists()
    assert not (tmp_path / "data" / "key").exists()
    # Of another set, which another process may be writing.
    (tmp_path / "data" / ".key2.abc.tmp").mkdir()
    stdout, stderr = start().communicate(timeout=60)
    assert stdout.splitlines()[0] == "begins" and stdout.splitlines()[-1] == DONE, stderr
    assert names_in(tmp_path / "data") == [".key2.abc.tmp", "key", "key.lock"]


def test_two_processes_at_once_build_it_once(start):
    texts = [process.communicate(timeout=60)[0].splitlines() for process in [start(), start()]]
    assert [text[-1] for text in texts] == [DONE, DONE]
    assert sum(text.count("begins") for text in texts) == 1


def test_process_that_waits_goes_on_when_the_first_is_killed(tmp_path, start):
    first = start()
    assert first.stdout.readline() == "begins\n"
    first.send_signal(signal.SIGSTOP)  # On a busy machine it could finish before the second begins.
    second = start()
    assert second.stdout.readline() == f"waits for another process that prepares {tmp_path}/data/key\n"
    first.kill()
    first.communicate()
    stdout, stderr = second.communicate(timeout=60)
    assert stdout.splitlines()[0] == "begins" and stdout.splitlines()[-1] == DONE, stderr


@pytest.mark.parametrize("limit, named", [
    # The disk is full at the first images, at the last ones, and at the names.
    (0, "images.uint8"), (9000, "images.uint8"), (30000, "names.npy")])
def test_full_disk_is_one_sentence_and_leaves_nothing(command, tmp_path, limit, named):
    result = command("-c", FULL, "full", limit)
    assert result.returncode == 2
    assert result.stderr.startswith("error: full/data/.key.") and result.stderr.count("\n") == 1
    assert f"/{named}: File too large" in result.stderr
    assert names_in(tmp_path / "full" / "data") == ["key.lock"]
    assert command("-c", FULL, "full", 10**6).returncode == 0


def test_damaged_set_is_named_with_its_remedy_and_deleting_it_helps(tmp_path):
    cache.cached(tmp_path, "key", build)
    (tmp_path / "data" / "key" / "images.uint8").write_bytes(b"short")
    with pytest.raises(UserError, match=r"key holds a decoded data set that cannot be read: images\.uint8 "
                                        "holds 5 bytes, expected 54; delete the directory, and the next"):
        cache.cached(tmp_path, "key", build)
    shutil.rmtree(tmp_path / "data" / "key")
    np.testing.assert_array_equal(cache.cached(tmp_path, "key", build).images, IMAGES)


def test_cache_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError, match="/proc/cache"):
        cache.cached("/proc/cache", "key", build)
    (tmp_path / "data").write_text("precious")
    with pytest.raises(OSError, match="data"):
        cache.cached(tmp_path, "key", build)
    assert (tmp_path / "data").read_text() == "precious"

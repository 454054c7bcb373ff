"""MNIST's IDX files: plain, gzipped, damaged and missing."""

import gzip
import struct

import numpy as np
import pytest
from tensorflow import keras

from eig_tf.data.loaders import mnist
from eig_tf.errors import UserError

IMAGES, LABELS = mnist.PARTS[0]
TEST_IMAGES, TEST_LABELS = mnist.PARTS[1]


def idx(array, magic=None):
    """Return the bytes of an IDX file of unsigned bytes."""
    magic = 2048 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.astype(np.uint8).tobytes()


def images_of(num, seed, size=28):
    return np.random.default_rng(seed).integers(0, 256, (num, size, size), np.uint8)


def write(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def small_set(tmp_path):
    """Five images of the training part and three of the test part, as plain files."""
    write(tmp_path / IMAGES, idx(images_of(5, 0)))
    write(tmp_path / LABELS, idx(np.array([5, 0, 4, 1, 9])))
    write(tmp_path / TEST_IMAGES, idx(images_of(3, 1)))
    write(tmp_path / TEST_LABELS, idx(np.array([7, 2, 1])))
    return tmp_path


def check_small_set(image_set):
    expected = np.concatenate([images_of(5, 0), images_of(3, 1)])[..., np.newaxis]
    np.testing.assert_array_equal(image_set.images, expected)
    np.testing.assert_array_equal(image_set.labels, [5, 0, 4, 1, 9, 7, 2, 1])
    assert image_set.images.dtype == np.uint8
    assert image_set.labels.dtype == np.int64
    assert image_set.class_names == tuple("0123456789")
    np.testing.assert_array_equal(image_set.class_counts(), [1, 2, 1, 0, 1, 1, 0, 1, 0, 1])


@pytest.mark.parametrize("rename", [
    lambda name: name, lambda name: f"{name}.gz", lambda name: name.replace("-idx", ".idx")],
    ids=["plain", "gzip", "a dot as some mirrors write it"])
def test_all_names_of_files_training_part_first(small_set, rename):
    for name in mnist.FILE_NAMES:
        content = (small_set / name).read_bytes()
        (small_set / name).unlink()
        write(small_set / rename(name), content)
    check_small_set(mnist.load_images(str(small_set)))


@pytest.mark.parametrize("name", mnist.FILE_NAMES)
def test_missing_file_is_named(small_set, name):
    (small_set / name).unlink()
    with pytest.raises(UserError, match=f"has no {name}"):
        mnist.load_images(small_set)


@pytest.mark.parametrize("name", ["nowhere", IMAGES])
def test_what_is_not_a_directory_is_refused(small_set, name):
    with pytest.raises(UserError) as error:
        mnist.load_images(small_set / name)
    assert f"{name}', which is not a directory; expected one with {mnist.FILE_NAMES[0]}, " in str(error.value)


@pytest.mark.parametrize(("name", "content", "words"), [
    (LABELS, idx(images_of(5, 0)), "is not an IDX file.*starts with 2051, expected 2049"),
    (IMAGES, idx(images_of(5, 0, size=32)), r"holds images of \(32, 32\); expected \(28, 28\)"),
    (LABELS, idx(np.array([5, 0, 4, 1])), "holds 4 labels; expected 5"),
    (TEST_LABELS, idx(np.array([7, 10, 1])), "holds the label 10; expected 0 to 9"),
    (IMAGES, idx(images_of(5, 0))[:-1], "holds 3935 bytes; its header states 3936"),
    (IMAGES, idx(images_of(5, 0)) + b"\0", "holds 3937 bytes; its header states 3936"),
    (LABELS, idx(np.zeros(5))[:-1], "holds 12 bytes; its header states 13"),
    (LABELS, idx(np.zeros(5)) + b"\0", "holds 14 bytes; its header states 13"),
    # More than any memory holds.
    (IMAGES, struct.pack(">4I", 2051, 2**32 - 1, 2**16, 2**16) + bytes(100), "holds 116 bytes"),
    *((IMAGES, content, "is not an IDX file.*expected 2051") for content in (
        b"", b"\0\0", struct.pack(">I", 2051), struct.pack(">3I", 2051, 5, 28), b"\x89PNG\r\n\x1a\n" * 100,
        idx(np.zeros((5, 28, 28)), magic=2050), idx(np.zeros(5))))])
def test_content_that_does_not_fit(small_set, name, content, words):
    write(small_set / name, content)
    with pytest.raises(UserError, match=f"{name} {words}"):
        mnist.load_images(small_set)


@pytest.mark.parametrize("damage", [
    lambda packed: b"no gzip at all",
    lambda packed: packed[:len(packed) // 2],
    lambda packed: packed[:40] + bytes(byte ^ 255 for byte in packed[40:80]) + packed[80:],
    lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:]],
    ids=["not_gzip", "truncated", "garbled", "wrong_checksum"])
def test_damaged_gzip_file(small_set, damage):
    content = gzip.compress((small_set / IMAGES).read_bytes())
    (small_set / IMAGES).unlink()
    (small_set / f"{IMAGES}.gz").write_bytes(damage(content))
    with pytest.raises(UserError, match=f"{IMAGES}.gz cannot be read"):
        mnist.load_images(small_set)


def test_without_files_the_copy_of_keras_is_used(monkeypatch):
    parts = ((images_of(5, 0), np.array([5, 0, 4, 1, 9], np.uint8)),
             (images_of(3, 1), np.array([7, 2, 1], np.uint8)))
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: parts)
    check_small_set(mnist.load_images())

    def fail():
        raise Exception("URL fetch failure on https://example.org/mnist.npz: None --\nno route to host")
    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(UserError) as error:
        mnist.load_images()
    assert all(word in str(error.value) for word in (*mnist.FILE_NAMES, "--data_dir", "no route to host"))
    assert "\n" not in str(error.value)


def test_real_mnist(real_data):
    image_set = mnist.load_images(real_data / "mnist")
    assert image_set.images.shape == (70000, 28, 28, 1)
    assert image_set.images.dtype == np.uint8
    # Published counts: those of the training part plus those of the test part.
    np.testing.assert_array_equal(
        image_set.class_counts(), [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958])
    np.testing.assert_array_equal(image_set.labels[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    np.testing.assert_array_equal(image_set.labels[60000:60005], [7, 2, 1, 0, 4])

"""Images in a file: indexing like an array, and memory that does not grow with what is read."""

import concurrent.futures

import numpy as np
import pytest

from eig_tf.data.stored_images import StoredImages

SHAPE = (50, 4, 3, 2)


@pytest.fixture
def content():
    return np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)


@pytest.fixture
def stored(content, tmp_path):
    (tmp_path / "images").write_bytes(content.tobytes())
    return StoredImages(tmp_path / "images", SHAPE)


@pytest.mark.parametrize("index", [
    0, -1, np.int64(7), slice(3, 9), slice(None, None, 7), slice(5, 5), [4, 4, 49], np.array([], np.int64),
    np.array([-1, 0]), np.arange(50) % 3 == 0], ids=str)
def test_indexing_is_that_of_an_array(stored, content, index):
    found = stored[index]
    assert type(found) is np.ndarray
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, content[index])


def test_out_of_range(stored):
    with pytest.raises(IndexError):
        stored[50]


def test_behaves_like_an_array(stored, content):
    assert (len(stored), stored.shape, stored.ndim, stored.dtype) == (50, SHAPE, 4, np.uint8)
    np.testing.assert_array_equal(np.asarray(stored), content)
    assert np.asarray(stored, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(stored)), content)


def test_selection_of_a_selection(stored, content):
    odd = stored.select(np.arange(1, 50, 2))
    assert odd.shape == (25, *SHAPE[1:])
    np.testing.assert_array_equal(odd.select([3, 0]), content[[7, 1]])
    np.testing.assert_array_equal(odd[-1], content[49])


def test_selection_outlives_the_file(stored, content):
    stored.path.unlink()
    np.testing.assert_array_equal(stored.select([2, 3]), content[[2, 3]])


def test_selection_of_nothing(stored):
    nothing = stored.select(np.array([], np.int64))
    assert nothing.shape == (0, *SHAPE[1:]) and nothing[:].shape == (0, *SHAPE[1:])


def test_what_is_read_may_be_changed_without_harm(stored, content):
    first = stored[0]
    first[:] = 0
    np.testing.assert_array_equal(stored[0], content[0])


def test_many_threads_read_at_once(tmp_path):
    """Pages are given back by one thread while another one reads them."""
    content = np.random.default_rng(1).integers(0, 256, [400, 32, 32, 3], np.uint8)
    (tmp_path / "images").write_bytes(content.tobytes())
    stored = StoredImages(tmp_path / "images", content.shape)

    def read(seed):
        indices = np.random.default_rng(seed).integers(0, 400, 64)
        return np.array_equal(stored[indices], content[indices])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(200)))


def resident():
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def test_resident_memory_does_not_grow_with_what_was_read(tmp_path):
    number, size = 6000, 64 * 64 * 3
    with (tmp_path / "images").open("wb") as file:
        for index in range(number // 500):
            file.write(bytes([index + 1]) * (500 * size))
    stored = StoredImages(tmp_path / "images", (number, 64, 64, 3))
    order = np.random.default_rng(0).permutation(number).reshape(-1, 50)
    stored[order[0]]
    before = resident()
    for indices in order:
        np.testing.assert_array_equal(stored[indices][:, 0, 0, 0], indices // 500 + 1)
    # 74 MB were read.
    assert resident() - before < 8e6

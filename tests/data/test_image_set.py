"""Image sets in memory and in a file: indexing, memory, subsets, counts and the summary."""

import concurrent.futures

import numpy as np
import pytest

from eig_tf.data.image_set import ImageSet, StoredImages, summary_lines

CONTENT = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)
STORED_SHAPE = (50, 4, 3, 2)


@pytest.fixture(params=["array", "file"])
def image_set(request, tmp_path):
    images = CONTENT
    if request.param == "file":
        (tmp_path / "images").write_bytes(CONTENT.tobytes())
        images = StoredImages(tmp_path / "images", CONTENT.shape)
    return ImageSet(images, np.array([0, 1, 1, 2, 1]), ("a", "b", "c", "d"), "made",
                    np.array([9, 8, 8, 7, 6]), np.array(["k", "l", "m", "n", "o"]), ("note",))


def test_a_set_with_labels_for_some_images(image_set):
    assert image_set.labelled() is image_set and image_set.num_unlabelled == 0
    partly = image_set._replace(labels=np.array([0, -1, 1, -1, 1]))
    assert partly.num_unlabelled == 2
    assert partly.class_counts().tolist() == [1, 2, 0, 0]
    np.testing.assert_allclose(partly.class_fractions(), [1 / 3, 2 / 3, 0, 0])
    assert "without a label: 2" in summary_lines(partly)
    labelled = partly.labelled()
    np.testing.assert_array_equal(labelled.images[:], CONTENT[[0, 2, 4]])
    assert labelled.labels.tolist() == [0, 1, 1] and labelled.names.tolist() == ["k", "m", "o"]
    none = partly._replace(labels=None, class_names=())
    assert none.labelled() is none and none.num_unlabelled == 5


def test_subset_selects_all_columns(image_set):
    subset = image_set.subset(np.array([3, 1]))
    np.testing.assert_array_equal(subset.images, CONTENT[[3, 1]])
    assert type(subset.images) is type(image_set.images)
    assert subset.labels.tolist() == [2, 1]
    assert subset.groups.tolist() == [7, 8]
    assert subset.names.tolist() == ["n", "l"]
    assert (subset.class_names, subset.source, subset.notes) == (image_set.class_names, "made", ("note",))


def test_counts_and_fractions_with_and_without_labels(image_set):
    assert image_set.class_counts().tolist() == [1, 3, 1, 0]
    np.testing.assert_allclose(image_set.class_fractions(), [0.2, 0.6, 0.2, 0.0])
    assert image_set.image_shape == (2, 2, 3)
    subset = ImageSet(CONTENT, None, (), "made").subset([0, 4])
    assert (subset.labels, subset.groups, subset.names, len(subset.images)) == (None, None, None, 2)
    assert subset.class_fractions() is None


def test_summary_of_counts_false_negatives_and_notes():
    image_set = ImageSet(CONTENT[:4], np.array([0, 0, 0, 1]), ("cat", "dog"), "a shoe\nbox", notes=("One.",))
    assert summary_lines(image_set) == [
        r"4 images of 2 x 2 x 3 from a shoe\nbox",
        "images per class: cat: 3, dog: 1",
        # 0.75 squared plus 0.25 squared.
        "expected share of false negatives in a batch (sum p^2): 0.625",
        "note: One.",
    ]
    unlabelled = image_set._replace(labels=None, notes=())
    assert summary_lines(unlabelled)[1:] == ["no labels: classes and their distribution are unknown"]


@pytest.fixture
def content():
    return np.random.default_rng(0).integers(0, 256, STORED_SHAPE, np.uint8)


@pytest.fixture
def stored(content, tmp_path):
    (tmp_path / "images").write_bytes(content.tobytes())
    return StoredImages(tmp_path / "images", STORED_SHAPE)


@pytest.mark.parametrize("index", [
    0, -1, np.int64(7), slice(3, 9), slice(None, None, 7), slice(5, 5), [4, 4, 49], np.array([], np.int64),
    np.array([-1, 0]), np.arange(50) % 3 == 0], ids=str)
def test_indexing_is_that_of_an_array(stored, content, index):
    found = stored[index]
    assert type(found) is np.ndarray
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, content[index])
    # The caller owns what is read.
    found[...] = 0
    np.testing.assert_array_equal(stored[index], content[index])


def test_behaves_like_an_array(stored, content):
    assert (len(stored), stored.shape, stored.ndim, stored.dtype) == (50, STORED_SHAPE, 4, np.uint8)
    np.testing.assert_array_equal(np.asarray(stored), content)
    assert np.asarray(stored, np.float32).dtype == np.float32
    np.testing.assert_array_equal(np.stack(list(stored)), content)
    with pytest.raises(IndexError):
        stored[50]


def test_selections(stored, content):
    odd = stored.select(np.arange(1, 50, 2))
    assert odd.shape == (25, *STORED_SHAPE[1:])
    # A selection outlives the file.
    stored.path.unlink()
    np.testing.assert_array_equal(odd.select([3, 0]), content[[7, 1]])
    np.testing.assert_array_equal(odd[-1], content[49])
    nothing = stored.select(np.array([], np.int64))
    assert nothing.shape == nothing[:].shape == (0, *STORED_SHAPE[1:])


def test_many_threads_read_at_once(tmp_path):
    """One thread releases pages while another one reads them."""
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

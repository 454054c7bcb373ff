"""Image sets in memory and in a file: subsets, counts."""

import numpy as np
import pytest

from eig_tf.data.image_set import ImageSet
from eig_tf.data.stored_images import StoredImages

CONTENT = np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3)


@pytest.fixture(params=["array", "file"])
def image_set(request, tmp_path):
    images = CONTENT
    if request.param == "file":
        (tmp_path / "images").write_bytes(CONTENT.tobytes())
        images = StoredImages(tmp_path / "images", CONTENT.shape)
    return ImageSet(images, np.array([0, 1, 1, 2, 1]), ("a", "b", "c", "d"), "made",
                    np.array([9, 8, 8, 7, 6]), np.array(["k", "l", "m", "n", "o"]), ("note",))


def test_subset_takes_everything_along(image_set):
    subset = image_set.subset(np.array([3, 1]))
    np.testing.assert_array_equal(subset.images, CONTENT[[3, 1]])
    assert type(subset.images) is type(image_set.images)
    assert subset.labels.tolist() == [2, 1]
    assert subset.groups.tolist() == [7, 8]
    assert subset.names.tolist() == ["n", "l"]
    assert (subset.class_names, subset.source, subset.notes) == (image_set.class_names, "made", ("note",))


def test_counts_and_fractions(image_set):
    assert image_set.class_counts().tolist() == [1, 3, 1, 0]
    np.testing.assert_allclose(image_set.class_fractions(), [0.2, 0.6, 0.2, 0.0])
    assert image_set.image_shape == (2, 2, 3)


def test_without_labels_groups_and_names():
    subset = ImageSet(CONTENT, None, (), "made").subset([0, 4])
    assert (subset.labels, subset.groups, subset.names) == (None, None, None)
    assert subset.class_fractions() is None
    assert len(subset.images) == 2

"""scikit-learn's digits as 28x28 images."""

import numpy as np
import pytest
from sklearn import datasets

from eig_tf.data.loaders import digits
from eig_tf.errors import UserError


@pytest.fixture(scope="module")
def image_set():
    return digits.load_images()


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"--data_dir is '.*', which holds no prepared set; digits have"):
        digits.load_images(tmp_path)


def test_all_digits_are_there(image_set):
    assert image_set.images.shape == (1797, 28, 28, 1)
    assert image_set.images.dtype == np.uint8
    assert image_set.labels.dtype == np.int64
    np.testing.assert_array_equal(
        image_set.class_counts(), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])


def test_labels_stay_with_their_images(image_set):
    """Sampled at the centres of 10x10 cells, each enlarged image is closest to its own original."""
    originals = datasets.load_digits()
    np.testing.assert_array_equal(image_set.labels, originals.target)
    padded = np.pad(originals.images, [(0, 0), (1, 1), (1, 1)])
    centres = (np.arange(10) * 2.8 + 1.4).astype(int)
    small = image_set.images[:, centres][:, :, centres, 0]
    distances = [[np.square(small[i] / 255 - padded[j] / 16).sum() for j in range(40)] for i in range(40)]
    np.testing.assert_array_equal(np.argmin(distances, axis=1), np.arange(40))


def test_grey_levels_use_the_whole_range_and_strokes_keep_clear_of_the_border(image_set):
    assert (image_set.images.min(), image_set.images.max()) == (0, 255)
    border = np.concatenate([image_set.images[:, [0, -1]].ravel(), image_set.images[:, :, [0, -1]].ravel()])
    assert border.max() < 32
    assert border.mean() < 1

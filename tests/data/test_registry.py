"""The data sets by name."""

import numpy as np
import pytest

from eig_tf.data import imbalance, mnist, registry
from eig_tf.errors import UserError


def test_every_name_has_a_loader():
    assert registry.DATASETS == ("digits", "mnist")
    assert registry.load("digits").images.shape == (1797, 28, 28, 1)


@pytest.mark.parametrize("name", ["cifar", "", "holdout", "pipeline"])
def test_unknown_set_is_refused_with_the_known_ones_named(name):
    with pytest.raises(UserError, match=f"--dataset is {name!r}; expected one of digits, mnist"):
        registry.load(name)


def test_split_of_digits():
    whole, split = registry.load_split("digits", 0, seed=0)
    assert len(whole.images) == 1797
    assert split.class_counts().tolist() == [178, 44, 39, 173, 164, 137, 68, 135, 173, 94]
    assert split.class_names == whole.class_names


def test_images_of_a_split_keep_their_labels():
    whole, split = registry.load_split("digits", 1, seed=5)
    by_content = {image.tobytes(): label for image, label in zip(whole.images, whole.labels)}
    assert [by_content[image.tobytes()] for image in split.images] == split.labels.tolist()


def test_seed_decides_which_images_are_drawn():
    first = registry.load_split("digits", 0, seed=0)[1].images
    np.testing.assert_array_equal(first, registry.load_split("digits", 0, seed=0)[1].images)
    assert not np.array_equal(first, registry.load_split("digits", 0, seed=1)[1].images)


def test_bad_split_is_refused_before_the_data_is_loaded(monkeypatch):
    monkeypatch.setattr(mnist, "load", lambda data_dir: pytest.fail("loaded in vain"))
    with pytest.raises(UserError, match="--split is 50"):
        registry.load_split("mnist", 50, seed=0)


def test_data_dir_reaches_the_loader(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        registry.load_split("mnist", 0, seed=0, data_dir=tmp_path / "nowhere")


def test_real_mnist_split(real_data):
    _, split = registry.load_split("mnist", 2, seed=0, data_dir=real_data / "mnist")
    np.testing.assert_array_equal(split.class_counts(), imbalance.mnist_counts()[2])

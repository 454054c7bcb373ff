"""The data sets by name."""

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet
from eig_tf.data.loaders import mnist
from eig_tf.errors import UserError


@pytest.fixture
def preset():
    """Returns the preset of a data set with changed fields."""
    def load(name, split=0, seed=0, **data):
        config = config_lib.load_preset(name)
        config.split, config.seed = split, seed
        config.data.update(data)
        return config
    return load


def test_every_name_has_a_loader_and_a_preset():
    assert registry.dataset_names() == config_lib.preset_names()
    for name in registry.dataset_names():
        loader = registry.find_loader(name)
        assert callable(loader.check_directory)
        lists_files = hasattr(loader, "list_files") and loader.DECODER_VERSION >= 1
        assert hasattr(loader, "load_images") != lists_files
    with pytest.raises(UserError, match="--dataset is 'pipeline'; expected one of cars, chairs, digits"):
        registry.find_loader("pipeline")


def test_split_of_digits(preset):
    whole, split = registry.load_split(preset("digits", seed=5))
    assert whole.images.shape == (1797, 28, 28, 1)
    assert split.class_counts().tolist() == [178, 44, 39, 173, 164, 137, 68, 135, 173, 94]
    assert split.class_names == whole.class_names
    by_content = {image.tobytes(): label for image, label in zip(whole.images, whole.labels)}
    assert [by_content[image.tobytes()] for image in split.images] == split.labels.tolist()


def test_no_imbalance_and_fractions_of_the_user(preset):
    whole, split = registry.load_split(preset("digits", imbalance="none"))
    assert split is whole
    fractions = "0.28,0.08,0.08,0.08,0.08,0.08,0.08,0.08,0.08,0.08"
    _, split = registry.load_split(preset("digits", imbalance=fractions))
    # There are 178 images of the first digit; the others get 8/28 of that.
    assert split.class_counts().tolist() == [178, *[50] * 9]


def test_left_out_images_are_those_that_are_not_trained_on(preset):
    whole, split = registry.load_split(preset("digits", seed=5))
    left_out = registry.left_out_images(preset("digits", seed=5), whole)
    np.testing.assert_array_equal(left_out.class_counts(), whole.class_counts() - split.class_counts())
    contents = sorted(image.tobytes() for part in (split, left_out) for image in part.images)
    assert contents == sorted(image.tobytes() for image in whole.images)
    assert left_out.class_names == whole.class_names


def test_nothing_is_left_out_of_a_whole_or_balanced_set(preset):
    images = np.zeros([4, 28, 28, 1], np.uint8)
    balanced = ImageSet(images, np.array([0, 1, 1, 0]), ("a", "b"), "made")
    assert registry.left_out_images(preset("digits", imbalance="none"), balanced) is None
    assert registry.left_out_images(preset("digits", imbalance="0.5,0.5"), balanced) is None


def test_groups_are_left_out_as_wholes(preset):
    grouped = ImageSet(np.zeros([6, 28, 28, 1], np.uint8), np.array([0, 0, 1, 0, 0, 1]), ("a", "b"), "made",
                       groups=np.array([7, 7, 3, 8, 8, 4]))
    left_out = registry.left_out_images(preset("digits", imbalance="0.34,0.66"), grouped)
    assert left_out.labels.tolist() == [0, 0] and len(set(left_out.groups.tolist())) == 1


def test_bad_split_is_refused_before_the_data_is_loaded(monkeypatch, preset):
    monkeypatch.setattr(mnist, "load_images", lambda directory: pytest.fail("loaded in vain"))
    with pytest.raises(UserError, match="--split is 50"):
        registry.load_split(preset("mnist", 50))


def test_sets_of_files_need_their_directory(preset, tmp_path):
    for name in ("cars", "chairs", "folder", "shapenet", "ytf"):
        with pytest.raises(UserError, match=f"--data_dir is missing; --dataset={name}"):
            registry.load(preset(name))
        with pytest.raises(UserError, match=r"--data_dir is .*nowhere.*, which is n(ot|either) a directory"):
            registry.load(preset(name), tmp_path / "nowhere")


def test_relative_and_absolute_directory_share_the_cache_and_have_no_fractions_without_labels(
        preset, tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    for name in "ab":
        Image.new("RGB", (9, 9), "red").save(tmp_path / "data" / f"{name}.png")
    monkeypatch.chdir(tmp_path)
    registry.load(preset("folder"), "data", "cache")
    assert "decodes 2 files" in capsys.readouterr().out
    registry.load(preset("folder"), tmp_path / "data", "cache")
    assert capsys.readouterr().out == ""
    with pytest.raises(UserError, match=r"--imbalance is 0\.5,0\.5, but the images have no labels"):
        registry.load_split(preset("folder", imbalance="0.5,0.5"), "data", "cache")

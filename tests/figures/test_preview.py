"""The preview's picture: pixels where they belong, the same twice, any names and numbers."""

import warnings

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data.image_set import ImageSet
from eig_tf.figures import page, preview


@pytest.fixture
def config():
    """The preset for images of 32x32; a test may change it."""
    config = config_lib.load_preset("folder")
    config.data.image_size = 32
    return config


def image_set(counts, names=None, size=32, channels=3):
    """Images of one plain colour for each class, class k of brightness 20 (k + 1), `counts[k]` of them."""
    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.broadcast_to((20 * (labels + 1) % 200).astype(np.uint8)[:, None, None, None],
                             (len(labels), size, size, channels)).copy()
    return ImageSet(images, labels, tuple(names or map(str, range(len(counts)))), "nowhere")


def pixels(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.array(picture.convert("RGB"))


def count(picture, *colour):
    """How many pixels have a colour."""
    return int((picture == colour).all(axis=-1).sum())


TRAINED_ON, AVAILABLE = (31, 119, 180), (217, 217, 217)


def test_pairs_show_delta(config):
    config.augment.rotation, config.augment.flip, config.augment.crop = 0.0, False, 1.0
    pairs = preview.make_pairs(image_set([20, 30]), config)
    assert pairs.shape == (30, 2, 32, 32, 3) and pairs.dtype == np.uint8
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])
    config.augment.gamma_min = config.augment.gamma_max = 2.0
    pairs = preview.make_pairs(image_set([3]), config)
    assert pairs.shape == (3, 2, 32, 32, 3)
    # (20 / 255)^2 of 255.
    assert set(pairs[:, 0].ravel()) == {20} and set(pairs[:, 1].ravel()) == {2}


def test_picture_and_pairs_are_the_same_twice_and_others_for_another_seed(tmp_path, config):
    whole = image_set([30, 20])
    whole.images[:] = np.random.default_rng(0).integers(0, 256, whole.images.shape, np.uint8)
    pairs = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        config.seed = seed
        preview.save_preview(whole, whole, config, tmp_path / f"{name}.png")
        pairs.append(preview.make_pairs(whole, config))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "c.png").read_bytes()
    assert (pairs[0] == pairs[1]).all() and (pairs[0] != pairs[2]).any()
    assert len(list(tmp_path.iterdir())) == 3


def test_bars_have_the_length_of_the_counts(tmp_path, config):
    whole = image_set([40, 40])
    half = whole.subset(np.r_[0:40, 40:60])
    preview.save_preview(whole, whole, config, tmp_path / "whole.png")
    preview.save_preview(whole, half, config, tmp_path / "half.png")

    full, part = pixels(tmp_path / "whole.png"), pixels(tmp_path / "half.png")
    assert full.shape == part.shape
    length = count(full, *TRAINED_ON)
    assert count(part, *TRAINED_ON) == pytest.approx(0.75 * length, rel=0.03)
    assert count(full, *AVAILABLE) < 0.05 * length
    assert count(part, *AVAILABLE) == pytest.approx(0.25 * length, rel=0.05)


def test_classes_show_their_own_images_and_methods_with_views_pairs(tmp_path, config):
    config.augment.rotation = 0.0
    whole = image_set([15, 2, 0])
    cell = 64 * 64
    # 10 of 15 images of the first class, both of the second, none of the third; each of 17 pairs twice.
    for method, pairs in (("elastic_infogan", 2), ("uniform_infogan", 0)):
        config.method = method
        preview.save_preview(whole, whole, config, tmp_path / "a.png")
        picture = pixels(tmp_path / "a.png")
        assert count(picture, 20, 20, 20) == pytest.approx((10 + pairs * 15) * cell, rel=0.01)
        assert count(picture, 40, 40, 40) == pytest.approx((2 + pairs * 2) * cell, rel=0.01)
    assert preview.make_pairs(whole, config) is None


def test_set_without_labels_and_set_of_one_grey_image(tmp_path, config):
    images = image_set([70])._replace(labels=None, class_names=())
    preview.save_preview(images, images, config, tmp_path / "a.png")
    picture = pixels(tmp_path / "a.png")
    assert count(picture, *TRAINED_ON) == 0
    assert count(picture, 20, 20, 20) >= 60 * 64 * 64
    whole = image_set([1], size=28, channels=1)
    preview.save_preview(whole, whole, config_lib.load_preset("mnist"), tmp_path / "b.png")
    assert count(pixels(tmp_path / "b.png"), 20, 20, 20) > 2 * 56 * 56


def test_names_of_any_kind(tmp_path, config):
    names = ["$x", "$\\frac$", "日本", "a\nb", "\udcff", "n" * 300, "", "it's \"this\""]
    whole = image_set([3] * len(names), names)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        preview.save_preview(whole, whole, config, tmp_path / "a.png")
    assert pixels(tmp_path / "a.png").shape[1] < 1500


def test_forty_classes_are_readable_and_more_than_the_most_are_cut(config, monkeypatch):
    def draw(number):
        whole = image_set([2] * number)
        figure = preview.draw_preview(whole, whole, config)
        rows = [text.get_text() for text in figure.texts if text.get_text().isdecimal()]
        return rows, figure.get_size_inches() * page.DPI, figure.texts[1].get_text().replace("\n", " ")

    rows, (width, height), _ = draw(40)
    assert len(rows) == 40 and height < 2000 and width < 1600
    monkeypatch.setattr(preview, "MAX_CLASSES", 14)
    rows, _, heading = draw(20)
    assert rows == list(map(str, range(14))) and "for the first 14 of 20" in heading


def test_long_headings_are_broken(tmp_path, config):
    whole = image_set([5])
    preview.save_preview(whole, whole, config, tmp_path / "a.png")
    config.augment.update(zoom=0.1, enlarge=1.1, gamma_min=0.5, brightness=0.1, contrast=0.25,
                          saturation=0.25, hue=0.125, greyscale=0.125, blur=1.5)
    preview.save_preview(whole, whole, config, tmp_path / "b.png")
    short, long = pixels(tmp_path / "a.png"), pixels(tmp_path / "b.png")
    assert long.shape[0] > short.shape[0] and long.shape[1] == short.shape[1]
    assert (long[:, -20:] == 255).all()


def test_failure_leaves_no_file(tmp_path, config):
    config.data.channels, config.augment.hue = 1, 0.1
    whole = image_set([3], channels=1)
    with pytest.raises(ValueError, match=r"--config\.augment\.hue is 0\.1"):
        preview.save_preview(whole, whole, config, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []

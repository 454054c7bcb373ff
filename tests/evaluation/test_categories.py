"""What Q makes of real images, against a Q that is known, and what is written of it."""

import csv

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf import config as config_lib
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import categories, sampling
from eig_tf.figures import preview
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


class BrightnessModel:
    """Tells three codes apart by the first pixel: logits 0, x and -x for x in [-1, 1]."""

    prior = CodePrior(3, learned=False, probabilities=[0.5, 0.25, 0.25])

    @staticmethod
    def recognize(images):
        brightness = images[:, 0, 0, :]
        zero = tf.zeros_like(brightness)
        return brightness, tf.concat([zero, brightness, -brightness], axis=1), zero


class Batches:
    """Images that refuse to be read in one piece."""

    def __init__(self, images, largest):
        self._images, self._largest = images, largest
        self.shape = images.shape

    def __len__(self):
        return len(self._images)

    def __getitem__(self, indices):
        found = self._images[indices]
        assert len(found) <= self._largest
        return found


def flat_images(*values):
    return np.array(values, np.uint8)[:, None, None, None] * np.ones([1, 28, 28, 1], np.uint8)


def found(codes, probabilities, num_codes):
    return categories.Categories(np.array(codes), np.array(probabilities, np.float64),
                                 np.full(num_codes, 1 / num_codes), True)


def test_codes_and_probabilities_of_a_known_q():
    result = categories.recognize(BrightnessModel, flat_images(255, 0, 255))
    np.testing.assert_array_equal(result.codes, [1, 2, 1])
    e = np.e
    np.testing.assert_allclose(result.probabilities, [e / (1 + e + 1 / e)] * 3, rtol=1e-6)
    np.testing.assert_allclose(result.prior, [0.5, 0.25, 0.25])
    assert not result.learned


def test_images_are_read_batch_by_batch_and_the_last_batch_counts():
    images = flat_images(*[255, 0] * 5)
    result = categories.recognize(BrightnessModel, Batches(images, 4), batch_size=4)
    np.testing.assert_array_equal(result.codes, [1, 2] * 5)


def test_codes_are_those_of_the_evaluation():
    model = InfoGAN(dcgan28.build(noise_dim=8, num_codes=3, width=0.1), CodePrior(3), noise_dim=8)
    images = np.random.default_rng(0).integers(0, 256, [11, 28, 28, 1], dtype=np.uint8)
    result = categories.recognize(model, images, batch_size=4)
    np.testing.assert_array_equal(result.codes, sampling.recognize(model, images)[1])
    assert (result.probabilities >= 1 / 3).all() and (result.probabilities <= 1).all()
    assert result.learned


def test_sizes_and_the_surest():
    result = found([3, 1, 3, 1, 0, 3], [0.5, 0.6, 0.9, 0.6, 1.0, 0.7], 4)
    np.testing.assert_array_equal(result.counts(), [1, 2, 0, 3])
    np.testing.assert_array_equal(result.by_size(), [3, 1, 0, 2])
    np.testing.assert_array_equal(result.surest(3, 2), [2, 5])
    np.testing.assert_array_equal(result.surest(1), [1, 3])  # equally sure: in their own order
    assert len(result.surest(2)) == 0


def test_the_table_names_every_code():
    lines = categories.table(found([2, 2, 0], [1, 1, 1], 3)).splitlines()
    assert "learned prior" in lines[0]
    assert [line.split() for line in lines[1:]] == [
        ["2", "2", "66.7", "%", "33.3", "%"], ["0", "1", "33.3", "%", "33.3", "%"],
        ["1", "0", "0.0", "%", "33.3", "%"]]
    assert "fixed prior" in categories.table(found([0], [1], 2)._replace(learned=False))


NAMES = ["plain.png", 'a, "b".png', "line\nbreak\rtwo.png", "gr\udcfc\udcdfe.png", "größe.png"]


def test_any_file_name_survives_the_csv(tmp_path):
    image_set = ImageSet(flat_images(1, 2, 3, 4, 5), np.array([0, 1, 0, 1, 0]), ("cat", "a,b"), "here",
                         names=np.array(NAMES))
    categories.write_csv(image_set, found([0, 1, 0, 1, 0], [1, 0.5, 0.25, 2 / 3, 1], 2), tmp_path / "a.csv")
    assert b"gr\xfc\xdfe.png" in (tmp_path / "a.csv").read_bytes()
    with open(tmp_path / "a.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "code", "probability", "class"]
    assert [row[0] for row in rows[1:]] == NAMES
    assert rows[2][1:] == ["1", "0.500000", "a,b"]
    assert rows[4][1:] == ["1", "0.666667", "a,b"]


def test_without_files_the_index_stands_and_without_labels_no_class(tmp_path):
    image_set = ImageSet(flat_images(1, 2), None, (), "here")
    categories.write_csv(image_set, found([1, 0], [1, 0.5], 2), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "file,code,probability", "0,1,1.000000", "1,0,0.500000"]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_shows_the_surest_of_the_largest_first(tmp_path, channels):
    images = flat_images(*range(0, 240, 20)).repeat(channels, axis=3)
    result = found([2, 0] + [2] * 10, [0.5, 1.0] + [0.6, 0.9] + [0.7] * 8, 4)
    categories.draw(Batches(images, 10), result, tmp_path / "a.png")
    cell = preview.cell_size(28)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    left, top = width - 10 * cell, height - 2 * cell
    middles = pixels[top + cell // 2::cell, left + cell // 2::cell]
    # Of the eleven images of code 2, the least sure is left out; code 0 has one image, codes 1 and 3 none.
    assert middles[0, :, 0].tolist() == [60, *range(80, 240, 20), 40]
    assert middles[1, :, 0].tolist() == [20] + [255] * 9
    assert (pixels[top:, :left] < 128).any(axis=(1, 2))[:cell].any(), "the first row has no text"
    assert (pixels[top:, :left] < 128).any(axis=(1, 2))[cell:].any(), "the second row has no text"


def test_the_picture_has_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(categories, "MAX_ROWS", 2)
    categories.draw(flat_images(0, 1, 2, 3, 4), found([0, 1, 2, 1, 2], [1] * 5, 3), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert 2 * preview.cell_size(28) < image.height < 3 * preview.cell_size(28)


def test_other_images_are_read_as_the_run_reads_its_own():
    digits, chairs = config_lib.load_preset("digits"), config_lib.load_preset("chairs")
    assert config_lib.image_shape(categories.folder_config(digits)) == (28, 28, 1)
    assert (config_lib.image_shape(categories.folder_config(chairs))
            == config_lib.image_shape(chairs) == (64, 64, 3))
    own = config_lib.load_preset("folder")
    own.data.resize = "pad"
    assert categories.folder_config(own).data.resize == "pad"

"""Real images sorted by an encoder and a categorizer that are known, and what is written about them."""

import csv

import numpy as np
import tensorflow as tf

from eig_tf import config as config_lib
from eig_tf.categories.discovery import Discovery
from eig_tf.categories.grouping import CodeGrouping
from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation import categorize
from eig_tf.models import sampling
from eig_tf.models.base import Encoding
from eig_tf.models.prior import CodePrior
from eig_tf.models.registry import build_model


class BrightnessModel:
    """Tells three codes apart by the first pixel: logits 0, x and -x for x in [-1, 1]."""

    prior = CodePrior(3, learned=False, probabilities=[0.5, 0.25, 0.25])

    @staticmethod
    def encode(images):
        brightness = images[:, 0, 0, :]
        zero = tf.zeros_like(brightness)
        return Encoding(brightness, tf.concat([zero, brightness, -brightness], axis=1), zero)


class Batches:
    """Images of which only a few can be read at a time."""

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
    """Images of a run without categories."""
    codes, probabilities = np.array(codes), np.array(probabilities, np.float64)
    return categorize.Categories(codes, probabilities, codes, probabilities,
                                 np.full(num_codes, 1 / num_codes), True)


def grouping(epochs=2):
    """Codes 0 and 2 are category 0, code 1 is category 1."""
    return CodeGrouping(np.array([0, 1, 0]), np.ones(3), np.array([[0.5, 0, 0.5], [0, 1, 0]]),
                        np.array([0.75, 0.25]), np.array([0.5, 0.5]),
                        np.array([[0, 2, 0, 2], [1, 3, 2, 3]], np.float64), epochs, consensus=1.0)


def by_brightness(images, training):
    """Categories 0 and 1 with logits -x and 0 for a first pixel x in [-1, 1]."""
    brightness = images[:, 0, 0, :]
    return None, tf.concat([-brightness, tf.zeros_like(brightness)], axis=1)


def test_codes_and_probabilities_of_a_known_encoder_read_batch_by_batch():
    images = Batches(flat_images(*[255, 0] * 5), 4)
    result = categorize.categorize_images(BrightnessModel, images, batch_size=4)
    np.testing.assert_array_equal(result.codes, [1, 2] * 5)
    e = np.e
    np.testing.assert_allclose(result.probabilities, [e / (1 + e + 1 / e)] * 10, rtol=1e-6)
    np.testing.assert_allclose(result.prior, [0.5, 0.25, 0.25])
    assert not result.learned


def test_categories_are_those_of_the_categorizer_beside_the_codes():
    result = categorize.categorize_images(BrightnessModel, flat_images(255, 0, 255),
                                          Discovery(grouping(), by_brightness))
    assert result.grouped and result.noun == "category" and not result.learned
    np.testing.assert_array_equal(result.categories, [1, 0, 1])
    e = np.e
    np.testing.assert_allclose(result.probabilities, [e / (1 + e)] * 3, rtol=1e-6)
    np.testing.assert_array_equal(result.codes, [1, 2, 1])
    np.testing.assert_allclose(result.code_probabilities, [e / (1 + e + 1 / e)] * 3, rtol=1e-6)
    np.testing.assert_array_equal(result.prior, [0.75, 0.25])
    np.testing.assert_array_equal(result.counts(), [1, 2])


def test_codes_are_those_of_the_evaluation():
    config = config_lib.load_preset("digits")
    config.networks.width, config.networks.num_codes = 0.1, 3
    model = build_model(config)
    images = np.random.default_rng(0).integers(0, 256, [11, 28, 28, 1], dtype=np.uint8)
    result = categorize.categorize_images(model, images, batch_size=4)
    np.testing.assert_array_equal(result.codes, sampling.encode_images(model, images)[1])
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
    lines = categorize.format_categories(found([2, 2, 0], [1, 1, 1], 3)).splitlines()
    assert "learned prior" in lines[0]
    assert [line.split() for line in lines[1:]] == [
        ["2", "2", "66.7", "%", "33.3", "%"], ["0", "1", "33.3", "%", "33.3", "%"],
        ["1", "0", "0.0", "%", "33.3", "%"]]
    assert lines[0].split()[0] == "code"
    assert "fixed prior" in categorize.format_categories(found([0], [1], 2)._replace(learned=False))


def grouped():
    return categorize.Categories(np.array([1, 0, 1]), np.array([0.5, 0.75, 1]), np.array([4, 0, 4]),
                                 np.array([1, 0.25, 0.125]), np.array([0.6, 0.4]), True, grouped=True)


def test_with_a_grouping_everything_is_by_category(tmp_path):
    lines = categorize.format_categories(grouped()).splitlines()
    assert lines[0].split()[0] == "category" and len({len(line) for line in lines}) == 1
    assert [line.split() for line in lines[1:]] == [
        ["1", "2", "66.7", "%", "40.0", "%"], ["0", "1", "33.3", "%", "60.0", "%"]]
    image_set = ImageSet(flat_images(1, 2, 3), np.array([0, 1, 1]), ("cat", "dog"), "here")
    categorize.write_csv(image_set, grouped(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "file,category,probability,code,code_probability,class", "0,1,0.500000,4,1.000000,cat",
        "1,0,0.750000,0,0.250000,dog", "2,1,1.000000,4,0.125000,dog"]


NAMES = ["plain.png", 'a, "b".png', "line\nbreak\rtwo.png", "gr\udcfc\udcdfe.png", "größe.png"]


def test_any_file_name_survives_the_csv(tmp_path):
    image_set = ImageSet(flat_images(1, 2, 3, 4, 5), np.array([0, 1, 0, 1, 0]), ("cat", "a,b"), "here",
                         names=np.array(NAMES))
    categorize.write_csv(image_set, found([0, 1, 0, 1, 0], [1, 0.5, 0.25, 2 / 3, 1], 2), tmp_path / "a.csv")
    assert b"gr\xfc\xdfe.png" in (tmp_path / "a.csv").read_bytes()
    with open(tmp_path / "a.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["file", "code", "probability", "class"]
    assert [row[0] for row in rows[1:]] == NAMES
    assert rows[2][1:] == ["1", "0.500000", "a,b"]
    assert rows[4][1:] == ["1", "0.666667", "a,b"]


def test_images_without_files_and_labels(tmp_path):
    image_set = ImageSet(flat_images(1, 2), None, (), "here")
    categorize.write_csv(image_set, found([1, 0], [1, 0.5], 2), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "file,code,probability", "0,1,1.000000", "1,0,0.500000"]


def test_other_images_are_read_as_the_run_reads_its_own():
    digits, chairs = config_lib.load_preset("digits"), config_lib.load_preset("chairs")
    assert config_lib.image_shape(categorize.folder_config(digits)) == (28, 28, 1)
    assert (config_lib.image_shape(categorize.folder_config(chairs))
            == config_lib.image_shape(chairs) == (64, 64, 3))
    own = config_lib.load_preset("folder")
    own.data.resize, own.data.stretch_contrast = "pad", True
    other = categorize.folder_config(own)
    assert (other.data.resize, other.data.stretch_contrast) == ("pad", True)

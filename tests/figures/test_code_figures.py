"""The order and the labels of codes, and the real images of each."""

import io

import numpy as np
import pytest
from PIL import Image

from eig_tf.evaluation.categories import Categories
from eig_tf.evaluation.record import EvaluationRecord
from eig_tf.figures import code_figures, page


def record(code_to_class=(1, None, 0), class_names=("cat", "dog")):
    return EvaluationRecord(
        config={}, epochs=3, class_names=class_names, confusion=[[250, 750], [500, 500], [0, 0]],
        code_to_class=code_to_class, true_fractions=[0.25, 0.75], prior=[0.5, 0.3, 0.2], prior_learned=True)


def test_codes_are_ordered_and_labelled_by_their_classes():
    order, words = code_figures.order_codes([0.5, 0.3, 0.2], record())
    assert order == [2, 0, 1] and "class" in words
    assert [code_figures.code_label(code, 0.25, record()) for code in order] == [
        "code 2\np = 0.250\ncat: 0 %", "code 0\np = 0.250\ndog: 75 %", "code 1\np = 0.250\nno class"]


def test_codes_without_a_class_come_last():
    assert code_figures.order_codes([0.3, 0.5, 0.2], record([None, None, 0]))[0] == [2, 0, 1]


def test_without_an_evaluation_the_most_probable_is_first():
    order, words = code_figures.order_codes(np.array([0.2, 0.4, 0.4]))
    assert order == [1, 2, 0] and "probable" in words
    assert code_figures.code_label(7, 0.1234) == "code 7\np = 0.123"


def test_long_and_strange_names_stay_on_their_line():
    found = record(class_names=("cat\n", "x" * 50))
    assert code_figures.code_label(2, 0, found).split("\n")[2:] == ["cat\\n: 0 %"]
    assert len(code_figures.code_label(0, 0, found).split("\n")[2]) <= 24


class SmallReads:
    """Images that refuse to be read in one piece, as those in a file should not be."""

    def __init__(self, images):
        self._images, self.shape = images, images.shape

    def __len__(self):
        return len(self._images)

    def __getitem__(self, indices):
        found = self._images[indices]
        assert len(found) <= 10
        return found


def draw_flat_images(values, codes, probabilities, num_codes, channels=1):
    images = np.array(values, np.uint8)[:, None, None, None] * np.ones([1, 28, 28, channels], np.uint8)
    categories = Categories(np.array(codes), np.array(probabilities), np.full(num_codes, 1 / num_codes), True)
    return code_figures.draw_categories(SmallReads(images), categories)


@pytest.mark.parametrize("channels", [1, 3])
def test_categories_show_the_most_certain_images_of_the_largest_first(channels):
    figure = draw_flat_images(range(0, 240, 20), [2, 0] + [2] * 10, [0.5, 1.0] + [0.6, 0.9] + [0.7] * 8, 4,
                              channels)
    assert [text.get_text() for text in figure.texts] == [
        "12 images in 2 of 4 codes; the most certain first", "code 2\n11 images\n91.7 %",
        "code 0\n1 images\n8.3 %"]
    file = io.BytesIO()
    figure.savefig(file, dpi=page.DPI)
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))[..., 0]
    middles = pixels[-14 - 58 - 28:, -14 - 28::-58][::58, :10][:, ::-1]
    # Of the eleven images of code 2, the least certain is left out; code 0 has one image, codes 1 and 3 none.
    assert middles[0].tolist() == [60, *range(80, 240, 20), 40]
    assert middles[1].tolist() == [20] + [255] * 9


def test_only_the_largest_categories_are_shown(monkeypatch):
    monkeypatch.setattr(code_figures, "MAX_CATEGORIES", 2)
    figure = draw_flat_images(range(5), [0, 1, 2, 1, 2], [1.0] * 5, 3)
    title, *labels = (text.get_text() for text in figure.texts)
    assert "in 3 of 3 codes, of which the 2 largest are shown" in title.replace("\n", " ")
    assert [label.split("\n")[0] for label in labels] == ["code 1", "code 2"]

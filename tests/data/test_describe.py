"""What people are told of a training set."""

import numpy as np

from eig_tf.data import describe
from eig_tf.data.image_set import ImageSet

IMAGES = np.zeros([4, 28, 32, 3], np.uint8)


def test_counts_false_negatives_and_notes():
    image_set = ImageSet(IMAGES, np.array([0, 0, 0, 1]), ("cat", "dog"), "a shoebox", notes=("One.",))
    assert describe.lines(image_set) == [
        "4 images of 28 x 32 x 3 from a shoebox",
        "images a class: cat: 3, dog: 1",
        # 0.75 squared and 0.25 squared.
        "expected share of false negatives in a batch (sum p^2): 0.625",
        "note: One.",
    ]


def test_images_without_labels():
    lines = describe.lines(ImageSet(IMAGES, None, (), "a shoebox"))
    assert lines[1:] == ["no labels: classes and their distribution are unknown"]

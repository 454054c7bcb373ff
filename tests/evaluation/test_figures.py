import numpy as np
from PIL import Image

from eig_tf.evaluation import figures


def test_confusion_is_drawn_for_any_shape(tmp_path):
    counts = np.array([[0, 1000], [900, 100], [0, 0]])
    figures.save_confusion(counts, [1, 0, None], ("cat", "dog"), tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as image:
        assert min(image.size) > 100
        assert len(set(image.convert("RGB").getdata())) > 10


def test_prior_is_drawn(tmp_path):
    figures.save_prior(np.array([0.9, 0.1]), np.array([0.8, 0.2]), ("cat", "dog"), tmp_path / "prior.png")
    with Image.open(tmp_path / "prior.png") as image:
        assert min(image.size) > 100
        assert len(set(image.convert("RGB").getdata())) > 10

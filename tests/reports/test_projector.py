"""What TensorBoard's projector reads, by its own functions."""

import numpy as np
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig, projector_plugin

from eig_tf.data.image_set import ImageSet
from eig_tf.reports import projector
from eig_tf.reports.run_content import SortedImages


@pytest.fixture
def found():
    """Seven images of 60x60 whose brightness and first feature are ten times their number."""
    images = np.ones([7, 60, 60, 3], np.uint8) * np.arange(0, 70, 10, dtype=np.uint8)[:, None, None, None]
    features = np.arange(0, 70, 10)[:, np.newaxis] + np.array([0, 0.25])
    names = np.array(["a\tb.png", "line\nbreak.png", *(f"{number}.png" for number in range(5))])
    labels = np.array([0, 1, 0, 0, 1, 1, 1])
    image_set = ImageSet(images, labels, ("x", "<y>"), "", names=names)
    probabilities = np.tile([0.75, 0.25], [7, 1])
    return SortedImages(image_set, features, probabilities, np.arange(7) % 2, probabilities[:, 0],
                        np.full(2, 0.5))


def read(logs):
    config = text_format.Parse((logs / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (embedding,) = config.embeddings
    table = [line.split("\t") for line in (logs / embedding.metadata_path).read_text().splitlines()]
    with Image.open(logs / embedding.sprite.image_path) as sprite:
        pixels = np.asarray(sprite)
    return (projector_plugin._read_tensor_tsv_file(str(logs / embedding.tensor_path)), table, pixels,
            list(embedding.sprite.single_image_dim))


def test_features_labels_and_thumbnails_belong_together(found, tmp_path):
    assert projector.write_projector(found, tmp_path, "category") == 7
    features, table, sprite, size = read(tmp_path)
    np.testing.assert_array_equal(features, found.features)
    assert table[0] == ["file", "category", "probability", "class"]
    assert table[1:3] == [["a\\tb.png", "0", "0.750", "x"], ["line\\nbreak.png", "1", "0.750", "<y>"]]
    assert len(table) == 8
    # Three in a row; the projector finds image i at row i // 3 and column i % 3.
    assert size == [48, 48] and sprite.shape == (144, 144, 3)
    assert sprite[24::48, 24::48, 0].ravel()[:7].tolist() == [0, 10, 20, 30, 40, 50, 60]


def test_of_many_images_some_are_taken_and_an_earlier_projection_is_replaced(found, tmp_path, monkeypatch):
    projector.write_projector(found, tmp_path, "code")
    monkeypatch.setattr(projector, "MAX_PROJECTED", 3)
    unlabelled = found._replace(image_set=found.image_set._replace(labels=None, names=None))
    assert projector.write_projector(unlabelled, tmp_path, "code") == 3
    features, table, sprite, _ = read(tmp_path)
    numbers = (features[:, 0] / 10).astype(int).tolist()
    assert numbers == sorted(set(numbers))
    assert table == [["file", "code", "probability"],
                     *([f"image {number}", str(number % 2), "0.750"] for number in numbers)]
    assert sprite[24::48, 24::48, 0].ravel()[:3].tolist() == [10 * number for number in numbers]
    assert {path.name for path in tmp_path.iterdir()} == {"projector", "projector_config.pbtxt"}
    assert len(list((tmp_path / "projector").iterdir())) == 3

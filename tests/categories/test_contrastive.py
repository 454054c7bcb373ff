"""Contrastive training of the encoder: its views, what the features ignore, and that it can be repeated."""

import numpy as np
import pytest

from eig_tf.categories import contrastive
from eig_tf.categories.categorizer import encode_in_batches
from eig_tf.categories.partitions import nearest_neighbours
from eig_tf.networks.categorizer import FEATURE_SIZE


def test_views_are_at_least_strong_and_stronger_ones_stay():
    run = {"rotation": 5.0, "flip": True, "zoom": 0.0, "crop": 0.95, "gamma_min": 1.0, "gamma_max": 1.0,
           "saturation": 0.0}
    seen = contrastive.contrastive_delta(run, ignore_colours=False)
    assert seen == {"rotation": 5.0, "flip": True, "zoom": 0.2, "crop": 0.8, "gamma_min": 0.5,
                    "gamma_max": 2.0, "brightness": 0.3, "contrast": 0.3, "blur": 0.5, "saturation": 0.0}
    ignored = contrastive.contrastive_delta(run, ignore_colours=True)
    assert ignored == {**seen, "saturation": 0.5, "hue": 0.1, "greyscale": 0.2}
    strong = {**ignored, "zoom": 0.4, "crop": 0.5, "gamma_min": 0.3, "gamma_max": 3.0, "hue": 0.5}
    assert contrastive.contrastive_delta(strong, ignore_colours=True) == strong


def test_training_can_be_repeated_and_moves_the_weights():
    images = np.random.default_rng(0).integers(0, 256, [9, 16, 16, 3], dtype=np.uint8)
    delta = contrastive.contrastive_delta({}, ignore_colours=True)
    encoders = [contrastive.train_contrastive_encoder(images, delta, 3, steps) for steps in (2, 2, 0)]
    one, other, none = (encode_in_batches(encoder, images) for encoder in encoders)
    assert one.shape == (9, FEATURE_SIZE) and np.isfinite(one).all()
    np.testing.assert_array_equal(one, other)
    assert not np.allclose(one, none)


def test_an_encoder_is_learned_once_and_anew_for_anything_else(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, [9, 16, 16, 3], dtype=np.uint8)
    delta, path, trained = contrastive.contrastive_delta({}, ignore_colours=True), tmp_path / "a.npz", []
    train = contrastive.train_contrastive_encoder
    monkeypatch.setattr(contrastive, "train_contrastive_encoder",
                        lambda *arguments: trained.append(arguments) or train(*arguments))

    def features(images, *arguments):
        return encode_in_batches(contrastive.load_or_train_encoder(path, images, *arguments), images)
    first = features(images, delta, 3, 2)
    np.testing.assert_array_equal(features(images, delta, 3, 2), first)
    assert len(trained) == 1 and [file.name for file in tmp_path.iterdir()] == ["a.npz"]
    for number, arguments in enumerate([(images, {}, 3, 2), (images, {}, 4, 2), (images, {}, 4, 1),
                                        (images[::-1], {}, 4, 1)], 2):
        features(*arguments)
        assert len(trained) == number
    for damage in (b"", path.read_bytes()[:-100]):
        path.write_bytes(damage)
        np.testing.assert_array_equal(features(images, delta, 3, 2), first)


def test_equal_images_are_no_error():
    images = np.full([2, 8, 8, 1], 255, np.uint8)
    encoder = contrastive.train_contrastive_encoder(
        images, contrastive.contrastive_delta({}, ignore_colours=False), 0, 2)
    assert np.isfinite(encode_in_batches(encoder, images)).all()


@pytest.mark.slow
def test_neighbours_are_of_one_kind_that_the_pixels_do_not_tell():
    """Random patterns of small squares or of large ones, in a random colour."""
    generator = np.random.default_rng(0)
    kinds = np.arange(200) % 2
    patterns = np.array([np.kron(generator.random([8 // side, 8 // side]), np.ones([2 * side, 2 * side]))
                         for side in np.where(kinds, 1, 4)])
    images = (patterns[..., np.newaxis] * generator.uniform(100, 255, [200, 1, 1, 3])).astype(np.uint8)
    encoder = contrastive.train_contrastive_encoder(
        images, contrastive.contrastive_delta({"rotation": 0.0}, ignore_colours=True), 0, 40)

    def purity(features):
        return np.mean(kinds[nearest_neighbours(features, 10)] == kinds[:, np.newaxis])
    assert purity(images.reshape(200, -1)) < 0.8
    assert purity(encode_in_batches(encoder, images)) > 0.95

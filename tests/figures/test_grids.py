"""Grids of generated images, from models whose images say which latents they were made of."""

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.data import pipeline
from eig_tf.figures import grids
from eig_tf.models import sampling
from eig_tf.models.base import GenerativeModel
from eig_tf.models.prior import CodePrior


class ReadableModel(GenerativeModel):
    """Makes images whose channels are code / 10, a quarter of the first noise, the first continuous code."""

    def __init__(self, noise_dim=2, num_continuous=2):
        super().__init__(CodePrior(3), noise_dim, num_continuous, (4, 4, 3), ("loss",), 0, "readable")

    def inference_networks(self):
        return {}

    @staticmethod
    def generate_with(networks, latents):
        code = tf.cast(tf.argmax(latents.code, axis=-1), tf.float32)[:, tf.newaxis] / 10
        noise, continuous = (tf.pad(part, [[0, 0], [0, 2]]) for part in (latents.noise, latents.continuous))
        pixels = tf.concat([code, noise[:, :1] / 4, continuous[:, :1]], axis=1)
        return tf.tile(pixels[:, tf.newaxis, tf.newaxis], [1, 4, 4, 1])


class NarrowModel(ReadableModel):
    """Has no noise, and continuous codes that stay below 0.5."""

    def __init__(self):
        super().__init__(noise_dim=0)

    def sample_continuous(self, num, seed):
        return 0.5 * tf.random.stateless_uniform([num, self.num_continuous], seed, -1, 1)


def pixel(value):
    return np.clip(np.rint((value + 1) * 127.5), 0, 255).astype(int)


def test_to_uint8_covers_the_range():
    np.testing.assert_array_equal(pipeline.to_uint8(np.array([-1.5, -1.0, 0.0, 1.0, 2.0])),
                                  [0, 0, 128, 255, 255])


def test_categories_draw_their_codes_and_share_the_rest():
    distribution = np.array([[0.25, 0.75, 0], [0, 0, 1], [0.3, 0.7 - 1e-9, 0]])
    images = grids.category_images(ReadableModel(), distribution, columns=400, seed=5)
    shown = images[:, :, 0, 0].astype(int)
    assert np.unique(shown[1, :, 0]).tolist() == [pixel(0.2)]
    assert np.unique(shown[0, :, 0]).tolist() == np.unique(shown[2, :, 0]).tolist() == [pixel(0), pixel(0.1)]
    assert np.mean(shown[0, :, 0] == pixel(0.1)) == pytest.approx(0.75, abs=0.1)  # four standard deviations
    np.testing.assert_array_equal(shown[0, :, 1:], shown[1, :, 1:])
    # A row is the same alone, and its images are those of `code_images`.
    np.testing.assert_array_equal(
        images[:1], grids.category_images(ReadableModel(), distribution[:1], columns=400, seed=5))
    np.testing.assert_array_equal(images[1:2], grids.code_images(ReadableModel(), [2], columns=400, seed=5))


@pytest.mark.parametrize("model", [ReadableModel(), ReadableModel(num_continuous=0), NarrowModel()])
def test_columns_share_all_but_the_code_and_differ_from_each_other(model):
    images = grids.code_images(model, [2, 0], columns=4, seed=4)
    shown = images[:, :, 0, 0].astype(int)
    assert shown[:, :, 0].tolist() == [[pixel(0.2)] * 4, [pixel(0)] * 4]
    np.testing.assert_array_equal(shown[0, :, 1:], shown[1, :, 1:])
    assert len(set(map(tuple, shown[0]))) == 4
    np.testing.assert_array_equal(images, grids.code_images(model, [2, 0], columns=4, seed=4))
    assert not np.array_equal(images, grids.code_images(model, [2, 0], columns=4, seed=2))


@pytest.mark.parametrize("model", [ReadableModel(), NarrowModel()])
def test_traversal_varies_one_continuous_code_only(model):
    first = grids.code_images(model, [1], columns=5)[0, 0, 0, 0]
    still, moving = (grids.traversal_images(model, index, [1, 0], columns=5)[:, :, 0, 0].astype(int)
                     for index in (1, 0))
    np.testing.assert_array_equal(still, still[:, :1].repeat(5, axis=1))
    np.testing.assert_array_equal(moving[1, :, 2], [pixel(value) for value in (-0.8, -0.4, 0, 0.4, 0.8)])
    np.testing.assert_array_equal(moving[..., :2], still[..., :2])
    assert (moving[0, :, :2] == first[:2]).all() and (still[..., 2] == pixel(0)).all()


@pytest.mark.parametrize("columns, positions", [
    (1, [0]), (2, [-0.5, 0.5]), (10, [-0.9, -0.7, -0.5, -0.3, -0.1, 0.1, 0.3, 0.5, 0.7, 0.9])])
def test_traversal_takes_the_middles_of_equal_intervals(columns, positions):
    np.testing.assert_allclose(grids.traversal_positions(columns), positions, atol=1e-12)


def test_pictures_have_a_row_for_each_code():
    model = ReadableModel()
    for picture, images in (
            (grids.code_grid(model, columns=4), grids.code_images(model, range(3), 4)),
            (grids.traversal_grid(model, 1, columns=4), grids.traversal_images(model, 1, range(3), 4))):
        assert picture.shape == (3 * 6 - 2, 4 * 6 - 2, 3)
        np.testing.assert_array_equal(picture[::6, ::6], images[:, :, 0, 0])


def test_images_made_some_at_a_time_are_those_made_at_once(monkeypatch):
    model = ReadableModel()
    latents = model.sample_latents(7, (0, 1))
    at_once = sampling.generate_images(model, latents)
    monkeypatch.setattr(sampling, "_AT_A_TIME", 3)
    np.testing.assert_array_equal(sampling.generate_images(model, latents), at_once)

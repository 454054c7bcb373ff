import numpy as np
import pytest

from eig_tf.figures import grids
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


@pytest.fixture(scope="module")
def model():
    return InfoGAN(dcgan28.build(noise_dim=8, num_codes=3, num_continuous=2, width=0.1),
                   CodePrior(3), noise_dim=8, num_continuous=2)


def test_to_uint8_covers_the_range():
    np.testing.assert_array_equal(grids.to_uint8(np.array([-1.5, -1.0, 0.0, 1.0, 2.0])),
                                  [0, 0, 128, 255, 255])


def test_code_grid_has_a_row_a_code_and_repeats_itself(model):
    picture = grids.code_grid(model, columns=4)
    assert picture.shape == (3 * 30 - 2, 4 * 30 - 2, 1)
    np.testing.assert_array_equal(picture, grids.code_grid(model, columns=4))


def test_rows_of_the_code_grid_share_their_noise(model):
    # With the code's weights gone, only the noise is left to tell images apart.
    kernel = model.generator.project.kernel
    before = kernel.numpy()
    blind = before.copy()
    blind[8:11] = 0.0
    kernel.assign(blind)
    picture = grids.code_grid(model, columns=4)
    kernel.assign(before)
    np.testing.assert_array_equal(picture[:28], picture[30:58])
    assert not np.array_equal(picture[:28, :28], picture[:28, 30:58])


def test_images_made_some_at_a_time_are_those_made_at_once(model, monkeypatch):
    latents = model.sample_latents(7, (0, 1))
    at_once = grids.generate(model, latents)
    monkeypatch.setattr(grids, "_AT_A_TIME", 3)
    in_parts = grids.generate(model, latents)
    assert in_parts.shape == (7, 28, 28, 1)
    assert np.abs(in_parts.astype(int) - at_once).max() <= 1  # sums in another order may round otherwise


def test_traversal_varies_only_the_continuous_code(model):
    kernel = model.generator.project.kernel
    before = kernel.numpy()
    blind = before.copy()
    blind[11] = 0.0
    kernel.assign(blind)
    still, moving = (grids.traversal_grid(model, index, columns=4) for index in (0, 1))
    kernel.assign(before)
    np.testing.assert_array_equal(still[:28, :28], still[:28, 30:58])
    assert not np.array_equal(moving[:28, :28], moving[:28, 90:118])

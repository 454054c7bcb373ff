import numpy as np
import pytest

from eig_tf.evaluation import sampling
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks import dcgan28


@pytest.fixture(scope="module")
def model():
    return InfoGAN(dcgan28.build(noise_dim=8, num_codes=3, width=0.1), CodePrior(3), noise_dim=8)


def test_images_of_a_code(model):
    images = sampling.images_of_code(model, 1, 7, seed=0)
    assert images.shape == (7, 28, 28, 1)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, sampling.images_of_code(model, 1, 7, seed=0))
    assert not np.array_equal(images, sampling.images_of_code(model, 1, 7, seed=1))
    assert not np.array_equal(images[0], images[1])


def test_the_code_is_one_hot_and_the_generator_in_inference_mode(model):
    noise = model.sample_latents(7, [0, 1]).noise
    code = np.tile([[0.0, 1.0, 0.0]], [7, 1]).astype(np.float32)
    (expected,) = model.generator((noise, code, np.zeros([7, 0], np.float32)), training=False)
    np.testing.assert_array_equal(sampling.images_of_code(model, 1, 7, seed=0),
                                  np.rint((expected.numpy() + 1) * 127.5).astype(np.uint8))


def test_generating_changes_nothing(model):
    before = [variable.numpy() for variable in model.variables]
    sampling.images_of_code(model, 0, 7, seed=0)
    sampling.recognize(model, np.zeros([3, 28, 28, 1], np.uint8))
    for variable, value in zip(model.variables, before):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_recognition_does_not_depend_on_the_batch(model):
    images = np.random.default_rng(0).integers(0, 256, [11, 28, 28, 1], dtype=np.uint8)
    features, codes = sampling.recognize(model, images, batch_size=4)
    whole_features, whole_codes = sampling.recognize(model, images, batch_size=100)
    assert features.shape == (11, 128)
    np.testing.assert_allclose(features, whole_features, atol=1e-5)
    np.testing.assert_array_equal(codes, whole_codes)
    assert codes.min() >= 0 and codes.max() < 3

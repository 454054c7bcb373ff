import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.config import METHODS
from eig_tf.models import sampling
from eig_tf.models.registry import build_model


# One method for each kind of model.
@pytest.fixture(scope="module", params={method.model: name for name, method in METHODS.items()}.values())
def model(request):
    config = config_lib.load_preset("digits", method=request.param)
    config.networks.width, config.networks.num_codes = 0.1, 3
    return build_model(config)


def test_images_of_a_code(model):
    """The code is one-hot and the generator in inference mode."""
    images = sampling.generate_images_of_code(model, 1, 7, [0, 1])
    assert images.shape == (7, 28, 28, 1)
    assert images.dtype == np.uint8
    code = np.tile([[0.0, 1.0, 0.0]], [7, 1]).astype(np.float32)
    expected = model.generate(model.sample_latents(7, [0, 1], code)).numpy()
    np.testing.assert_array_equal(images, np.rint((expected + 1) * 127.5).astype(np.uint8))
    assert not np.array_equal(images, sampling.generate_images_of_code(model, 1, 7, [1, 1]))
    assert not np.array_equal(images, sampling.generate_images_of_code(model, 2, 7, [0, 2]))
    assert not np.array_equal(images[0], images[1])


def test_generating_and_encoding_change_nothing(model):
    before = [variable.numpy() for variable in model.variables]
    sampling.generate_images_of_code(model, 0, 7, [0, 0])
    sampling.encode_images(model, np.zeros([3, 28, 28, 1], np.uint8))
    for variable, value in zip(model.variables, before):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_encodings_do_not_depend_on_the_batch(model):
    images = np.random.default_rng(0).integers(0, 256, [11, 28, 28, 1], dtype=np.uint8)
    features, codes = sampling.encode_images(model, images, batch_size=4)
    whole_features, whole_codes = sampling.encode_images(model, images, batch_size=100)
    assert len(features) == 11
    np.testing.assert_allclose(features, whole_features, atol=1e-5)
    np.testing.assert_array_equal(codes, whole_codes)
    assert codes.min() >= 0 and codes.max() < 3

"""What the tests of the user's folder share; those of other sets have a `config` of their own."""

import pytest

from eig_tf import config as config_lib
from eig_tf.data import registry


@pytest.fixture
def config():
    """The preset of folders with images of 28x28; tests may change it."""
    config = config_lib.load_preset("folder")
    config.data.image_size = 28
    return config


@pytest.fixture
def data(tmp_path):
    """An empty directory for images."""
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def load(config, data, tmp_path):
    """Loads the images in `data`."""
    return lambda: registry.load(config, data, tmp_path / "cache")

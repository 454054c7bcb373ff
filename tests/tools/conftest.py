"""The commands of `tools/` as a user runs them, and small runs and folders for them."""

import numpy as np
import pytest
from PIL import Image

from eig_tf import config as config_lib


@pytest.fixture
def run(command, repository):
    """Runs a command by its name, as in `run("plot", "RUN_DIR")`; returns the finished process."""
    def start(name, *arguments, **options):
        return command(repository / "tools" / f"{name}.py", *arguments, **options)
    return start


@pytest.fixture(scope="session")
def refused():
    """Checks that a command refused its input, in one line; returns its sentence."""
    def check(finished):
        assert finished.returncode == 2, finished.stderr
        assert finished.stderr.startswith("error: ") and finished.stderr.count("\n") == 1
        return finished.stderr[len("error: "):-1]
    return check


@pytest.fixture(scope="module")
def first_weights(tmp_path_factory, write_first_weights):
    """The `RunDirectory` of small networks for digits with their first weights, as if after an epoch."""
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    return write_first_weights(tmp_path_factory.mktemp("runs") / "run", config)


@pytest.fixture
def make_folder(tmp_path):
    """Writes a folder of reddish and bluish images [side, side] in two classes; returns its path."""
    def make(name, num, side=32):
        generator = np.random.default_rng(0)
        for channel, label in ((0, "red"), (2, "blue")):
            (tmp_path / name / label).mkdir(parents=True)
            for index in range(num):
                pixels = generator.integers(0, 100, (side, side, 3), dtype=np.uint8)
                pixels[..., channel] += np.uint8(100)
                Image.fromarray(pixels).save(tmp_path / name / label / f"{index}.png")
        return tmp_path / name
    return make

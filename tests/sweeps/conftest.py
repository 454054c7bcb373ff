"""Sweeps whose trainings are stand-ins, and the signs of life that these leave."""

import time
from pathlib import Path

import pytest

from eig_tf.sweeps.spec import parse_spec


@pytest.fixture
def stand_ins():
    """Makes the specification of a sweep of digits with a run for each behaviour of `stand_in.py`."""
    def make(*behaviours):
        return parse_spec({"runs": [{"dataset": "digits", "method": "uniform_infogan", "label": behaviour}
                                    for behaviour in behaviours]}, "sweep.yaml")
    return make


@pytest.fixture
def until():
    """Waits until a function returns something true, and returns that."""
    def wait(function, seconds=60):
        deadline = time.monotonic() + seconds
        while not (found := function()):
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.05)
        return found
    return wait


@pytest.fixture
def stand_in_path():
    """The path of `stand_in.py`."""
    return Path(__file__).with_name("stand_in.py")

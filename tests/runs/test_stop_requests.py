import os
import signal

import pytest

from eig_tf.errors import TrainingStopped
from eig_tf.runs.stop_requests import StopRequests


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "name", "status"), [
    (signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)])
def test_first_signal_is_noted_and_the_second_ends_at_once(number, name, status):
    stops = StopRequests()
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with stops.handled(), pytest.raises(TrainingStopped, match=f"stopped by {name}; the same") as error:
        with stops.deferred():
            send(number)
            assert stops.requested == number
            send(number)
    assert error.value.status == status
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


def test_signal_that_nobody_looked_at_is_raised_at_the_end():
    stops, reached = StopRequests(), []
    with stops.handled(), pytest.raises(TrainingStopped):
        with stops.deferred():
            send(signal.SIGTERM)
            reached.append("the end of the block")
    assert reached


def test_signal_outside_of_training_ends_at_once():
    stops = StopRequests()
    with stops.handled(), pytest.raises(TrainingStopped):
        send(signal.SIGTERM)
    assert stops.requested is None

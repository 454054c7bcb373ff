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
    with stops.handled(), pytest.raises(TrainingStopped, match=f"stopped by {name}; the same") as error, \
            stops.deferred():
        send(number)
        assert stops.requested == number
        send(number)
    assert error.value.status == status
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before


def test_noted_signal_is_raised_on_demand_and_another_host_stops_as_by_sigterm():
    stops = StopRequests()
    with stops.handled(), stops.deferred():
        send(signal.SIGINT)
    with pytest.raises(TrainingStopped, match="stopped by Ctrl-C; saved"):
        stops.stop("saved")
    with pytest.raises(TrainingStopped, match="stopped by SIGTERM; the same command"):
        StopRequests().stop()


def test_an_error_that_the_end_causes_does_not_hide_it_but_an_earlier_signal_hides_no_error():
    stops = StopRequests()
    with pytest.raises(TrainingStopped, match="stopped by SIGTERM"), stops.handled():
        try:
            send(signal.SIGTERM)
        finally:
            raise AssertionError("Nesting violated")
    stops = StopRequests()
    with pytest.raises(OSError, match="disk"), stops.handled(), stops.deferred():
        send(signal.SIGTERM)
        raise OSError("disk")


def test_signal_outside_of_training_ends_at_once():
    stops = StopRequests()
    with stops.handled(), pytest.raises(TrainingStopped):
        send(signal.SIGTERM)

import pytest

from benchmarks.timing import Case, measure_in_turn, percentile, single_calls


def test_every_case_is_measured_once_in_every_round():
    turns = []

    def case(name, seconds):
        remaining = iter(seconds)
        return Case(name, lambda: turns.append(name) or next(remaining))

    timings = measure_in_turn([case("a", [9.0, 0.001, 0.004, 0.002]), case("b", [9.0, 0.5, 0.5, 0.5])], 3)

    assert turns == ["a", "b"] * 4
    assert timings["a"] == pytest.approx({"median": 2.0, "min": 1.0, "max": 4.0})
    assert timings["b"] == pytest.approx({"median": 500.0, "min": 500.0, "max": 500.0})


def test_every_single_call_is_timed(monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 8.0, 10.0, 10.5, 20.0, 21.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    called = []
    case, seconds = single_calls("call", lambda: called.append(None), 2)

    assert measure_in_turn([case], 1)["call"] == pytest.approx({"median": 750.0, "min": 750.0, "max": 750.0})
    assert seconds == [1.0, 3.0, 0.5, 1.0] and len(called) == 4


@pytest.mark.parametrize("seconds, percent, expected", [
    ([0.04, 0.01, 0.03, 0.02], 50, 20.0), ([0.04, 0.01, 0.03, 0.02], 75, 30.0),
    ([0.04, 0.01, 0.03, 0.02], 76, 40.0), ([number / 1e3 for number in range(1, 201)], 99, 198.0)])
def test_percentile_is_one_of_the_times(seconds, percent, expected):
    assert percentile(seconds, percent) == expected

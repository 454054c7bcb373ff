"""A stopwatch for a machine whose speed drifts: every case has its turn in every round."""

import statistics
import time
from typing import Callable, NamedTuple

import numpy as np
import tensorflow as tf


class Case(NamedTuple):
    """One thing to measure.

    Attributes:
        name: unique among the cases of a measurement.
        measure: does it once or more and returns the seconds that one step took.
    """

    name: str
    measure: Callable[[], float]


def repeated(name, call, steps):
    """A case that calls `call` without arguments `steps` times in a row."""
    def measure():
        start = time.perf_counter()
        for _ in range(steps):
            call()
        # On an accelerator a call returns before its work is done.
        tf.test.experimental.sync_devices()
        return (time.perf_counter() - start) / steps
    return Case(name, measure)


def each_call(name, call, steps):
    """As `repeated`, for calls that return when their work is done, with the time of every single one.

    Returns:
        The `Case`, and a list that each of its measurements adds the seconds of its `steps` calls to.
    """
    seconds = []

    def measure():
        for _ in range(steps):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        return statistics.fmean(seconds[-steps:])
    return Case(name, measure), seconds


def interleave(cases, repeats):
    """Measures the cases in turn, round after round, after one untimed round that traces and warms.

    Whatever slows the machine for a while slows all cases alike, so that their ratios hold better
    than their times.

    Args:
        cases: `Case`s of different names.
        repeats: timed rounds, 1 or more.

    Returns:
        By name, `{"median": ms, "min": ms, "max": ms}` of one step, milliseconds.
    """
    seconds = {case.name: [] for case in cases}
    for case in cases:
        case.measure()
    for _ in range(repeats):
        for case in cases:
            seconds[case.name].append(case.measure())
    return {name: summary(values) for name, values in seconds.items()}


def summary(seconds):
    """Median, smallest and largest of a list of seconds, in milliseconds."""
    return {"median": 1e3 * statistics.median(seconds), "min": 1e3 * min(seconds),
            "max": 1e3 * max(seconds)}


def percentile(seconds, percent):
    """The smallest of a list of seconds that `percent` of them do not exceed, in milliseconds."""
    return 1e3 * float(np.percentile(seconds, percent, method="inverted_cdf"))

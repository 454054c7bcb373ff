"""Timing on a machine whose speed drifts: every case is measured once in every round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf


class Case(NamedTuple):
    """Something to measure.

    Attributes:
        name: unique among the cases of a measurement.
        measure: runs one or more steps and returns the mean seconds of a step.
    """

    name: str
    measure: Callable[[], float]


def repeated_call(name: str, call: Callable[[], Any], steps: int,
                  finish: Callable[[], Any] = tf.test.experimental.sync_devices) -> Case:
    """Return a case that calls `call` `steps` times in a row.

    Args:
        name: name of the case.
        call: what is measured.
        steps: number of calls.
        finish: waits until the work is done: on an accelerator a call returns before.
    """
    def measure():
        start = time.perf_counter()
        for _ in range(steps):
            call()
        finish()
        return (time.perf_counter() - start) / steps
    return Case(name, measure)


def single_calls(name: str, call: Callable[[], Any], steps: int) -> tuple[Case, list[float]]:
    """Return a case like `repeated_call` for calls that return when their work is done.

    Returns:
        The case, and a list to which every measurement appends the seconds of each of its `steps` calls.
    """
    seconds = []

    def measure():
        seconds.extend(time_call(call)[0] for _ in range(steps))
        return statistics.fmean(seconds[-steps:])
    return Case(name, measure), seconds


def time_call(call: Callable[[], Any]) -> tuple[float, Any]:
    """Call a function; return the seconds that it took and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def measure_in_turn(cases: Sequence[Case], repeats: int) -> dict[str, dict[str, float]]:
    """Measure the cases in turn, round after round, after one untimed round.

    What slows the machine for a while slows all cases alike, so that ratios are more stable than times.

    Args:
        cases: cases with different names.
        repeats: timed rounds, 1 or more.

    Returns:
        By name, the milliseconds of one step; see `summarize`.
    """
    seconds: dict[str, list[float]] = {case.name: [] for case in cases}
    for case in cases:
        case.measure()
    for _ in range(repeats):
        for case in cases:
            seconds[case.name].append(case.measure())
    return {name: summarize(values) for name, values in seconds.items()}


def summarize(seconds: Sequence[float]) -> dict[str, float]:
    """Return `median`, `min` and `max` of a list of seconds, in milliseconds."""
    return {"median": 1e3 * statistics.median(seconds), "min": 1e3 * min(seconds), "max": 1e3 * max(seconds)}


def percentile(seconds: Sequence[float], percent: float) -> float:
    """Return the smallest of the seconds that `percent` of them do not exceed, in milliseconds."""
    return 1e3 * float(np.percentile(seconds, percent, method="inverted_cdf"))

"""The rate of an exported model's signatures relative to its bare Keras networks."""

from __future__ import annotations

import functools
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import numpy as np
import tensorflow as tf
from ml_collections import config_dict
from tensorflow import keras

from benchmarks import reports
from benchmarks.serving_session import ServingSession, first_rows, make_requests
from benchmarks.timing import measure_in_turn, percentile, single_calls, summarize, time_call
from benchmarks.worker import measure_in_process
from eig_tf import config as config_lib
from eig_tf.models.base import GenerativeModel, Latents
from eig_tf.models.registry import build_model, compile_model
from eig_tf.networks.precision import policy
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import export, warmup

BARE_GENERATOR, BARE_ENCODER = "bare generator", "bare encoder"
NEW_SIZES = tuple(range(1, 18))
_NOTE = (f"{reports.RATIO_NOTE} Of fewer than 100 requests, p99 is the slowest. Requests are made in the "
         "process that serves, one after the other: without network, protocol and batching. Weights are "
         "fresh.")
# Requests in a row for each measurement, by batch size.
_REQUESTS = {1: 32, 8: 16, 64: 4, 256: 2}
# The share of the bare generator's rate that `generate` should reach, from this batch size on.
_GOAL, _GOAL_FROM = 0.95, 64
# Fresh processes of each kind; each one takes several seconds to start.
_MAX_PROCESSES = 3
_FIRST_BATCH_SIZES = (1, 64)


def measure_serving(config: config_dict.ConfigDict, steps: int | None, repeats: int) -> dict[str, Any]:
    """Export a model with fresh weights and measure its signatures in a server's kind of session.

    Args:
        config: see `eig_tf.config`; its data set is not loaded.
        steps: requests in a row for each measurement, 1 or more; fewer for larger batches when None.
        repeats: rounds of measurements, 1 or more.

    Returns:
        A dict that JSON can hold; `reports.format_serving_report` prints it. Times are milliseconds of one
        request.

    Raises:
        UserError: the model cannot be exported into the temporary directory.
    """
    report = {**reports.describe_run(_NOTE), **reports.describe_config(config)}
    keras.utils.set_random_seed(config.seed)
    with tempfile.TemporaryDirectory(prefix="eig_tf-benchmark-") as directory:
        model, version = export_fresh_model(config, Path(directory))
        first = _first_requests(version, min(repeats, _MAX_PROCESSES))
        requests = make_requests(model, max(_REQUESTS))
        with ServingSession(version) as session:
            signatures = {name: session.signature(name) for name in session.signature_names()}
            new_sizes = [{"signature": name, "first_to_second": first_to_second(call, requests[name])}
                         for name, call in signatures.items()]
            rows = _measure_requests(_make_calls(model, signatures, requests), steps, repeats)
    return {
        **report,
        "precision": "float32",
        "repeats": repeats,
        "requests": rows,
        "goal": compare_with_goal(rows),
        "new_sizes": {"batch_sizes": len(NEW_SIZES), "signatures": new_sizes},
        "first_requests": first,
    }


def export_fresh_model(config: config_dict.ConfigDict, directory: Path) -> tuple[GenerativeModel, Path]:
    """Export a model with fresh weights from a new run directory.

    Args:
        config: see `eig_tf.config`.
        directory: where the run directory is made.

    Returns:
        The model, in float32, and the exported version.
    """
    run_dir = RunDirectory(directory / "run")
    with policy("float32"):
        model = build_model(config)
        compile_model(model, config)
    run_dir.path.mkdir()
    manager = run_dir.checkpoint_manager(model)
    # Only a run with a finished epoch can be exported.
    manager.checkpoint.epochs_done.assign(1)
    manager.save()
    config_lib.save_config(config, run_dir.config)
    return model, export.export_run(run_dir.path)


def bare_networks(model: GenerativeModel) -> dict[str, Callable[..., Any]]:
    """Return the model's networks without serving's additions: `tf.function`s of a free batch size.

    Returns:
        `BARE_GENERATOR`, from noise [N, Z], code [N, K] and continuous codes [N, C] to images, and
        `BARE_ENCODER`, from images to an `Encoding`; images are in [-1, 1].
    """
    sizes = (model.noise_dim, model.num_codes, model.num_continuous)
    return {
        BARE_GENERATOR: tf.function(lambda *latents: model.generate(Latents(*latents)),
                                    input_signature=[tf.TensorSpec([None, size]) for size in sizes]),
        BARE_ENCODER: tf.function(model.encode, input_signature=[tf.TensorSpec([None, *model.image_shape])])}


def first_to_second(call: Callable[[dict[str, Any]], Any], request: dict[str, np.ndarray]) -> float:
    """Return the time of a batch size's first request relative to its second, the median over `NEW_SIZES`.

    Preparing a graph, or compiling it for a shape, takes many times as long as running it.

    Args:
        call: a signature that has not seen these batch sizes.
        request: a request with more rows; see `make_requests`.
    """
    call(request)  # The signature's own graph is prepared for all batch sizes.
    ratios = []
    for size in NEW_SIZES:
        inputs = first_rows(request, size)
        first, second = (time_call(functools.partial(call, inputs))[0] for _ in range(2))
        ratios.append(first / second)
    return statistics.median(ratios)


def compare_with_goal(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Compare `generate` with the bare generator, given rows of `signature`, `batch_size` and `ratio`."""
    ratios = {row["batch_size"]: row["ratio"] for row in rows
              if row["signature"] == "generate" and row["batch_size"] >= _GOAL_FROM}
    return {"ratio": _GOAL, "batch_sizes": list(ratios), "ratios": list(ratios.values()),
            "reached": min(ratios.values()) >= _GOAL}


def _make_calls(model, signatures, requests):
    """Return functions without arguments by (reference, name, batch size)."""
    bare = bare_networks(model)

    def call_bare(function, *tensors):
        # On an accelerator a function returns before its work is done; a server's answer is complete.
        return [output.numpy() for output in tf.nest.flatten(function(*tensors))]

    calls = {}
    for size in _REQUESTS:
        inputs = {name: first_rows(request, size) for name, request in requests.items()}
        latents = [tf.constant(inputs["generate_from_code"].get(name, np.zeros([size, 0], np.float32)))
                   for name in Latents._fields]
        images = tf.constant(inputs["categorize"]["images"] * 2.0 - 1.0)
        for reference, tensors in ((BARE_GENERATOR, latents), (BARE_ENCODER, [images])):
            calls[reference, reference, size] = functools.partial(call_bare, bare[reference], *tensors)
            for name, call in signatures.items():
                takes_images = bool(inputs[name].keys() & {"images", "image_bytes"})
                if takes_images == (reference == BARE_ENCODER):
                    calls[reference, name, size] = functools.partial(call, inputs[name])
    return calls


def _measure_requests(calls, steps, repeats):
    cases, seconds = [], {}
    for (reference, name, size), call in calls.items():
        case, seconds[reference, name, size] = single_calls(
            f"{name}, batch {size}", call, steps or _REQUESTS[size])
        cases.append(case)
    measure_in_turn(cases, repeats)
    # The first round is untimed.
    seconds = {key: taken[steps or _REQUESTS[key[2]]:] for key, taken in seconds.items()}
    rows = []
    for (reference, name, size), taken in seconds.items():
        ms = {**summarize(taken), "p99": percentile(taken, 99)}
        rows.append({
            "signature": name, "batch_size": size, "requests": len(taken), "ms": ms,
            "images_per_second": 1e3 * size / ms["median"], "reference": reference,
            "ratio": summarize(seconds[reference, reference, size])["median"] / ms["median"]})
    return rows


def _first_requests(version, processes):
    if not warmup.available():
        return {"skipped": "warm-up requests need tensorflow-serving-api; pip install 'eig_tf[serving]'"}
    answers = {"cold": [], "warm": []}
    for _ in range(processes):
        for kind, found in answers.items():
            found.append(measure_in_process(
                "serving_session", "measure_first_requests", version=str(version),
                batch_sizes=_FIRST_BATCH_SIZES, warm=kind == "warm"))
    return {"processes": processes, **median_first_requests(**answers)}


def median_first_requests(cold: Sequence[dict[str, Any]], warm: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return medians over processes.

    Args:
        cold: results of `measure_first_requests` without warm-up requests.
        warm: results with warm-up requests.

    Returns:
        `load_seconds`, `warm_up_seconds` and `requests`: for each signature and batch size `cold_ms` and
        `warm_ms` of the first request, and `later_ms` of later ones in the warm processes.
    """
    def median(answers, number, field):
        return statistics.median(answer["requests"][number][field] for answer in answers)
    return {
        "load_seconds": statistics.median(answer["load_seconds"] for answer in [*cold, *warm]),
        "warm_up_seconds": statistics.median(answer["warm_up_seconds"] for answer in warm),
        "requests": [{"signature": request["signature"], "batch_size": request["batch_size"],
                      "cold_ms": median(cold, number, "first_ms"),
                      "warm_ms": median(warm, number, "first_ms"),
                      "later_ms": median(warm, number, "later_ms")}
                     for number, request in enumerate(cold[0]["requests"])]}

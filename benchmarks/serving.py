"""How fast an exported model serves, beside its bare Keras networks."""

import statistics
import tempfile
from pathlib import Path

import tensorflow as tf
from tensorflow import keras

from benchmarks import circumstances, serving_requests, serving_retracing, workers
from benchmarks.serving_session import ServingSession
from benchmarks.timing import each_call, interleave, percentile, summary
from eig_tf import config as config_lib
from eig_tf.config import image_shape
from eig_tf.models.base import Latents
from eig_tf.models.registry import build_model
from eig_tf.networks.precision import policy
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import export, warmup

NOTE = ("Figures are ratios on one machine: compare rows of this run with each other, never times of "
        "different machines or runs; on a machine that is busy with other work even the ratios are rough. "
        "Of fewer than 100 requests, p99 is the slowest. Requests are made in the process that serves, one "
        "after the other: without network, protocol and batching. Weights are fresh.")
BARE_GENERATOR, BARE_RECOGNIZER = "bare generator", "bare recognizer"
# Requests in a row for each measurement, by batch size.
_REQUESTS = {1: 32, 8: 16, 64: 4, 256: 2}
# What `generate` shall reach of the bare generator's images a second, and from which batch size on.
_GOAL, _GOAL_FROM = 0.95, 64
# Fresh processes of either kind; each takes several seconds to start.
_MOST_PROCESSES = 3
_FIRST_BATCH_SIZES = (1, 64)


def run(config, steps, repeats):
    """Exports a model with fresh weights and measures its signatures in a server's kind of session.

    Args:
        config: see `eig_tf.config`; its data set is not loaded.
        steps: requests in a row for each measurement, 1 or more; fewer for larger batches when None.
        repeats: rounds of measurements, 1 or more.

    Returns:
        The report, a dict that JSON can hold; `serving_report.describe` makes tables of it. Times are
        milliseconds of one request.

    Raises:
        UserError: the model cannot be exported into the temporary directory.
    """
    about = circumstances.describe(NOTE)
    keras.utils.set_random_seed(config.seed)
    with tempfile.TemporaryDirectory(prefix="eig_tf-benchmark-") as directory:
        model, version = export_fresh(config, Path(directory))
        first = _first_requests(version, min(repeats, _MOST_PROCESSES))
        requests = serving_requests.make(model, max(_REQUESTS))
        with ServingSession(version) as session:
            served = export.served_model(config, model)
            retracing = serving_retracing.measure(served.signatures(), session, requests)
            rows = _rows(_calls(model, session, requests), steps, repeats)
    return {
        **about,
        **circumstances.describe_networks(config),
        "image_shape": list(image_shape(config)),
        "precision": "float32",
        "repeats": repeats,
        "requests": rows,
        "goal": goal(rows),
        "retracing": {"batch_sizes": len(serving_retracing.BATCH_SIZES), "signatures": retracing},
        "first_requests": first,
    }


def export_fresh(config, directory):
    """Exports a model with fresh weights out of a run directory.

    Args:
        config: see `eig_tf.config`.
        directory: where the run directory is made.

    Returns:
        The `InfoGAN`, in float32, and the `Path` of the exported version.
    """
    run_dir = RunDirectory(directory / "run")
    with policy("float32"):
        model = build_model(config)
    run_dir.path.mkdir()
    run_dir.checkpoint_manager(model).save()
    config_lib.save_config(config, run_dir.config)
    return model, export.export(run_dir.path)


def bare_networks(model, shape):
    """The networks without what serving adds: `tf.function`s of a free batch size.

    Args:
        model: an `InfoGAN`.
        shape: (H, W, channels) of its images.

    Returns:
        A dict of `BARE_GENERATOR`, from noise [N, Z], code [N, K] and continuous codes [N, C] to images, and
        `BARE_RECOGNIZER`, from images to features, logits and means; images are in [-1, 1].
    """
    sizes = (model.noise_dim, model.num_codes, model.num_continuous)
    return {
        BARE_GENERATOR: tf.function(lambda *latents: model.generate(Latents(*latents)),
                                    input_signature=[tf.TensorSpec([None, size]) for size in sizes]),
        BARE_RECOGNIZER: tf.function(model.encode, input_signature=[tf.TensorSpec([None, *shape])])}


def goal(rows):
    """How `generate` stands against the bare generator, of rows with `signature`, `batch_size`, `ratio`."""
    ratios = {row["batch_size"]: row["ratio"] for row in rows
              if row["signature"] == "generate" and row["batch_size"] >= _GOAL_FROM}
    return {"ratio": _GOAL, "batch_sizes": list(ratios), "ratios": list(ratios.values()),
            "reached": min(ratios.values()) >= _GOAL}


def _calls(model, session, requests):
    """Functions without arguments: {batch size: {signature or bare network: call}}, references first."""
    bare = bare_networks(model, requests["categorize"]["images"].shape[1:])
    signatures = {name: session.signature(name) for name in requests}

    def call(function, *arguments):
        return lambda: function(*arguments)

    calls = {}
    for size in _REQUESTS:
        inputs = {name: serving_requests.first_rows(request, size) for name, request in requests.items()}
        latents = inputs["generate_from_code"]
        continuous = latents.get("continuous", tf.zeros([size, 0]))
        arguments = {
            BARE_GENERATOR: [tf.constant(value) for value in (latents["noise"], latents["code"], continuous)],
            BARE_RECOGNIZER: [tf.constant(inputs["categorize"]["images"] * 2.0 - 1.0)]}
        calls[size] = {}
        for reference, names in ((BARE_GENERATOR, serving_requests.GENERATOR),
                                 (BARE_RECOGNIZER, serving_requests.RECOGNIZER)):
            calls[size][reference] = call(_to_arrays, bare[reference], *arguments[reference])
            calls[size].update({name: call(signatures[name], inputs[name]) for name in names})
    return calls


def _to_arrays(function, *tensors):
    # On an accelerator a function returns before its work is done, and a server's answer leaves it.
    return [output.numpy() for output in tf.nest.flatten(function(*tensors))]


def _rows(calls, steps, repeats):
    cases, seconds = [], {}
    for size, by_name in calls.items():
        for name, call in by_name.items():
            case, seconds[name, size] = each_call(f"{name}, batch {size}", call, steps or _REQUESTS[size])
            cases.append(case)
    interleave(cases, repeats)
    # The first round warms.
    seconds = {(name, size): taken[steps or _REQUESTS[size]:] for (name, size), taken in seconds.items()}
    return [_row(name, size, seconds) for name, size in seconds]


def _row(name, size, seconds):
    reference = BARE_RECOGNIZER if name in (BARE_RECOGNIZER, *serving_requests.RECOGNIZER) else BARE_GENERATOR
    ms = {**summary(seconds[name, size]), "p99": percentile(seconds[name, size], 99)}
    return {"signature": name, "batch_size": size, "requests": len(seconds[name, size]), "ms": ms,
            "images_per_second": 1e3 * size / ms["median"], "reference": reference,
            "ratio": summary(seconds[reference, size])["median"] / ms["median"]}


def _first_requests(version, processes):
    if not warmup.available():
        return {"skipped": "there are no warm-up records without tensorflow-serving-api; "
                           "pip install 'eig_tf[serving]'"}
    answers = {"cold": [], "warm": []}
    for _ in range(processes):
        for kind, found in answers.items():
            found.append(workers.work(
                "serving_worker", version=str(version), batch_sizes=_FIRST_BATCH_SIZES, warm=kind == "warm",
                signatures=serving_requests.GENERATOR + serving_requests.RECOGNIZER))
    return {"processes": processes, **first_figures(**answers)}


def first_figures(cold, warm):
    """Medians over processes.

    Args:
        cold: a list of what `serving_worker.first_requests` returns without warm-up.
        warm: the same with warm-up.

    Returns:
        `load_seconds`, `warm_up_seconds` and `requests`: for each signature and batch size `cold_ms` and
        `warm_ms` of the first request, and `later_ms` of later ones in the warm processes.
    """
    def median(answers, number, field):
        return statistics.median(answer["requests"][number][field] for answer in answers)
    return {
        "load_seconds": statistics.median(answer["load_seconds"] for answer in cold + warm),
        "warm_up_seconds": statistics.median(answer["warm_up_seconds"] for answer in warm),
        "requests": [{"signature": request["signature"], "batch_size": request["batch_size"],
                      "cold_ms": median(cold, number, "first_ms"),
                      "warm_ms": median(warm, number, "first_ms"),
                      "later_ms": median(warm, number, "later_ms")}
                     for number, request in enumerate(cold[0]["requests"])]}

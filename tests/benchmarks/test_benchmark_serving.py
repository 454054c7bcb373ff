import io
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import serving, serving_report, serving_requests, serving_retracing, serving_session
from benchmarks.timing import each_call, interleave, percentile
from eig_tf.config import load_preset
from eig_tf.models.registry import build_model


@pytest.fixture(scope="module")
def model():
    """A small `InfoGAN` with two continuous codes."""
    config = load_preset("mnist")
    config.networks.width = 0.02
    config.networks.num_continuous = 2
    return build_model(config)


@pytest.mark.parametrize("percent, expected", [(50, 20.0), (75, 30.0), (76, 40.0), (99, 40.0)])
def test_percentile_is_a_time_that_was_taken(percent, expected):
    assert percentile([0.04, 0.01, 0.03, 0.02], percent) == expected


def test_percentile_of_many_leaves_out_the_slowest():
    assert percentile([number / 1e3 for number in range(1, 201)], 99) == 198


def test_every_single_call_is_timed(monkeypatch):
    clock = iter([0.0, 1.0, 5.0, 8.0, 10.0, 10.5, 20.0, 21.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    called = []
    case, seconds = each_call("call", lambda: called.append(None), 2)

    assert interleave([case], 1)["call"] == pytest.approx({"median": 750.0, "min": 750.0, "max": 750.0})
    assert seconds == [1.0, 3.0, 0.5, 1.0] and len(called) == 4


def test_requests_have_the_rows_and_values_that_signatures_take(model):
    requests = serving_requests.make(model, 12)
    code, noise = (requests["generate_from_code"][name] for name in ("code", "noise"))

    assert set(requests) == {*serving_requests.GENERATOR, *serving_requests.RECOGNIZER}
    np.testing.assert_array_equal(requests["generate"]["code"], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    np.testing.assert_array_equal(code, np.eye(10)[requests["generate"]["code"]])
    assert noise.shape == (12, 62) and requests["generate"]["continuous"].shape == (12, 2)
    assert 0.8 < noise.std() < 1.2
    assert requests["sample"]["count"].shape == () and requests["sample"]["count"] == 12
    assert len(np.unique(requests["sample_each"]["seed"])) == 12
    images = requests["categorize"]["images"]
    assert images.shape == (12, 28, 28, 1) and images.min() >= 0 and images.max() <= 1
    files = requests["categorize_bytes"]["image_bytes"]
    for image, content in zip(images, files):
        decoded = np.asarray(Image.open(io.BytesIO(content)), np.float32) / 255
        np.testing.assert_allclose(decoded, image[..., 0], atol=0.51 / 255)
    types = {name: value.dtype for request in requests.values() for name, value in request.items()}
    assert (types["seed"], types["count"], types["image_bytes"]) == (np.int64, np.int32, object)


def test_first_rows_of_arrays_and_counts():
    request = {"count": np.array(9, np.int32), "seed": np.array(7, np.int64),
               "noise": np.arange(6).reshape(3, 2)}
    cut = serving_requests.first_rows(request, 2)

    assert cut["count"] == 2 and cut["count"].dtype == np.int32
    assert cut["seed"] == 7
    np.testing.assert_array_equal(cut["noise"], [[0, 1], [2, 3]])


def test_bare_networks_are_those_of_the_model(model):
    requests = serving_requests.make(model, 3)
    latents = [requests["generate_from_code"][name] for name in ("noise", "code", "continuous")]
    bare = serving.bare_networks(model, (28, 28, 1))
    generator, recognizer = bare[serving.BARE_GENERATOR], bare[serving.BARE_RECOGNIZER]
    images = generator(*latents)
    feature, logits, means = recognizer(images)

    np.testing.assert_allclose((images + 1) / 2, requests["embed"]["images"], atol=1e-6)
    np.testing.assert_allclose(logits, model.recognize(images)[1], atol=1e-5)
    assert feature.shape == (3, 128) and means.shape == (3, 2)
    recognizer(generator(*(values[:2] for values in latents)))
    assert [network.experimental_get_tracing_count() for network in (generator, recognizer)] == [1, 1]


def test_traces_are_counted():
    request = {"images": np.zeros([20, 3], np.float32)}
    free = tf.function(lambda images: images + 1, input_signature=[tf.TensorSpec([None, 3])])

    assert serving_retracing.count_traces(free, request) == 1
    assert serving_retracing.count_traces(tf.function(lambda images: images + 1), request) == 17


def test_work_for_a_size_shows_in_its_first_request():
    seen = {20}

    def call(inputs):
        size = len(inputs["seed"])
        if size not in seen:
            sum(range(1_000_000))
        seen.add(size)
        sum(range(1_000))

    request = {"seed": np.arange(20)}
    assert serving_retracing.first_to_second(call, request) > 10
    assert seen == {*range(1, 18), 20}
    assert 0.1 < serving_retracing.first_to_second(call, request) < 10


def test_session_calls_signatures_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.factor = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], name="right"), tf.TensorSpec([None], name="left")])
    def difference(right, left):
        return {"scaled": module.factor * (left - right), "difference": left - right}

    tf.saved_model.save(module, str(tmp_path), signatures={"difference": difference})
    with serving_session.ServingSession(tmp_path) as session:
        call = session.signature("difference")
        for rows in (1, 3):
            plain, scaled = call({"left": np.full(rows, 5.0, np.float32), "right": np.ones(rows, np.float32)})
            np.testing.assert_array_equal(plain, np.full(rows, 4.0))
            np.testing.assert_array_equal(scaled, np.full(rows, 12.0))
        _, scaled = session.signature("difference")({"left": [2.0], "right": [1.0]})
    np.testing.assert_array_equal(scaled, [3.0])
    with pytest.raises(OSError, match="does not exist"):
        serving_session.ServingSession(tmp_path / "missing")


@pytest.mark.parametrize("ratios, reached", [([0.95, 1.1], True), ([0.949, 1.1], False)])
def test_goal_is_that_of_generate_in_large_batches(ratios, reached):
    rows = [{"signature": name, "batch_size": size, "ratio": ratio} for name, size, ratio in (
        ("generate", 1, 0.3), ("generate", 64, ratios[0]), ("generate", 256, ratios[1]), ("sample", 64, 0.2))]

    assert serving.goal(rows) == {
        "ratio": 0.95, "batch_sizes": [64, 256], "ratios": ratios, "reached": reached}


def _answer(load, warm_up, *milliseconds):
    return {"load_seconds": load, "warm_up_seconds": warm_up, "requests": [
        {"signature": "embed", "batch_size": size, "first_ms": first, "later_ms": later}
        for size, (first, later) in zip((1, 64), milliseconds)]}


def test_first_requests_are_medians_over_processes():
    cold = [_answer(1.0, 0.0, (500.0, 9.0), (50.0, 9.0)), _answer(2.0, 0.0, (700.0, 9.0), (70.0, 9.0)),
            _answer(6.0, 0.0, (510.0, 9.0), (60.0, 9.0))]
    warm = [_answer(3.0, 4.0, (5.0, 4.0), (8.0, 6.0)), _answer(4.0, 9.0, (1.0, 3.0), (9.0, 7.0)),
            _answer(5.0, 5.0, (6.0, 5.0), (7.0, 8.0))]

    assert serving.first_figures(cold, warm) == {
        "load_seconds": 3.5, "warm_up_seconds": 5.0, "requests": [
            {"signature": "embed", "batch_size": 1, "cold_ms": 510.0, "warm_ms": 5.0, "later_ms": 4.0},
            {"signature": "embed", "batch_size": 64, "cold_ms": 60.0, "warm_ms": 8.0, "later_ms": 7.0}]}


def _report(first):
    return {
        "machine": "2 x Processor", "load_at_start": 0.25, "packages": {"tensorflow": "2.15.1"},
        "dataset": "cars", "preset": "cpu", "networks_width": 0.25, "image_shape": [64, 64, 3],
        "precision": "float32", "repeats": 7, "note": "A note.",
        "requests": [{"signature": "generate", "batch_size": size, "requests": 14,
                      "ms": {"median": 12.5, "min": 11.0, "max": 14.0, "p99": 13.75},
                      "images_per_second": 5120.4, "reference": "bare generator", "ratio": 0.976}
                     for size in (64, 256)],
        "goal": {"ratio": 0.95, "batch_sizes": [64, 256], "ratios": [0.976, 0.9], "reached": False},
        "retracing": {"batch_sizes": 17, "signatures": [
            {"signature": "generate", "traces": 1, "first_to_second": 1.055}]},
        "first_requests": first}


def test_report_says_what_was_measured():
    lines = serving_report.describe(_report({
        "processes": 3, "load_seconds": 0.91, "warm_up_seconds": 6.25, "requests": [
            {"signature": "generate", "batch_size": 64, "cold_ms": 812.34, "warm_ms": 15.25,
             "later_ms": 12.12}]})).splitlines()

    assert lines[0] == "2 x Processor, load 0.2 at the start; tensorflow 2.15.1"
    assert lines[1] == "preset cars (cpu), networks of width 0.25, 64x64x3, float32; 7 repeats"
    assert lines[3].split()[:2] == ["batch", "64"] and lines[6].split()[:2] == ["batch", "256"]
    assert lines[4].split() == lines[7].split() == ["generate", "14", "12.50", "13.75", "5120", "0.98"]
    assert len(lines[3]) == len(lines[4])
    assert lines[9] == ("Of the bare generator's images/s, generate makes 0.98 at batch 64, 0.90 at batch "
                        "256: the goal of 0.95 is missed.")
    assert lines[11].startswith("17 batch sizes") and lines[12].split() == ["generate", "1", "1.05"]
    assert len(lines[11]) == len(lines[12])
    assert lines[15].split() == ["generate", "64", "812.3", "15.2", "12.1"]
    assert lines[16] == ("Loading takes 0.9 s, replaying the records 6.2 s; medians of 3 processes of either "
                         "kind.")
    assert lines[-1] == "A note."


def test_first_requests_are_skipped_without_the_records(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    first = serving._first_requests("nowhere", 3)

    assert set(first) == {"skipped"}
    lines = serving_report.describe(_report(first)).splitlines()
    assert lines[14].startswith("first requests skipped: ") and "pip install 'eig_tf[serving]'" in lines[14]

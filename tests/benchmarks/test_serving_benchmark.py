import io
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks import serving
from benchmarks.serving_session import ServingSession, first_rows, make_requests
from eig_tf.config import load_preset
from eig_tf.models.base import Latents
from eig_tf.models.registry import build_model
from eig_tf.serving import export


@pytest.fixture(scope="module", params=["elastic_infogan", "joint_vae"])
def model(request):
    """A small model with two continuous codes, with and without noise."""
    config = load_preset("mnist", method=request.param)
    config.networks.width = 0.02
    config.networks.num_continuous = 2
    return build_model(config)


def test_requests_have_the_inputs_of_the_signatures(model):
    requests = make_requests(model, 12)
    signatures = export.served_model(load_preset("mnist"), model).signatures()
    expected = {name: {spec.name: spec for spec in function.input_signature}
                for name, function in signatures.items() if name not in ("prior", "serving_default")}

    assert requests.keys() == expected.keys()
    for name, request in requests.items():
        assert request.keys() == expected[name].keys()
        for key, value in request.items():
            spec = expected[name][key]
            assert spec.shape.is_compatible_with(value.shape)
            assert spec.dtype == tf.string if value.dtype == object else spec.dtype == value.dtype
    vectors = requests["generate_from_code"]
    np.testing.assert_array_equal(requests["generate"]["code"], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    np.testing.assert_array_equal(vectors["code"], np.eye(10)[requests["generate"]["code"]])
    if model.noise_dim:
        assert 0.8 < vectors["noise"].std() < 1.2
    assert requests["generate_continuous"]["continuous"].shape == (12, 2)
    assert requests["sample"]["count"] == 12
    assert len(np.unique(requests["sample_each"]["seed"])) == 12
    images = requests["categorize"]["images"]
    assert images.shape == (12, 28, 28, 1) and images.min() >= 0 and images.max() <= 1
    for image, content in zip(images, requests["categorize_bytes"]["image_bytes"]):
        decoded = np.asarray(Image.open(io.BytesIO(content)), np.float32) / 255
        np.testing.assert_allclose(decoded, image[..., 0], atol=0.51 / 255)


def test_first_rows_of_arrays_and_counts():
    request = {"count": np.array(9, np.int32), "seed": np.array(7, np.int64),
               "noise": np.arange(6).reshape(3, 2)}
    cut = first_rows(request, 2)

    assert cut["count"] == 2 and cut["count"].dtype == np.int32
    assert cut["seed"] == 7
    np.testing.assert_array_equal(cut["noise"], [[0, 1], [2, 3]])


def test_bare_networks_are_those_of_the_model(model):
    requests = make_requests(model, 3)
    latents = [tf.constant(requests["generate_from_code"].get(name, np.zeros([3, 0], np.float32)))
               for name in Latents._fields]
    bare = serving.bare_networks(model)
    generator, encoder = bare[serving.BARE_GENERATOR], bare[serving.BARE_ENCODER]
    images = generator(*latents)

    np.testing.assert_allclose((images + 1) / 2, requests["embed"]["images"], atol=1e-6)
    for bare_output, output in zip(encoder(images), model.encode(images)):
        np.testing.assert_allclose(bare_output, output, atol=1e-5)
    encoder(generator(*(values[:2] for values in latents)))
    assert [network.experimental_get_tracing_count() for network in (generator, encoder)] == [1, 1]


def test_work_for_a_size_shows_in_its_first_request():
    seen = {20}

    def call(inputs):
        size = len(inputs["seed"])
        if size not in seen:
            sum(range(1_000_000))
        seen.add(size)
        sum(range(1_000))

    request = {"seed": np.arange(20)}
    assert serving.first_to_second(call, request) > 10
    assert seen == {*range(1, 18), 20}
    assert 0.1 < serving.first_to_second(call, request) < 10


def test_session_calls_signatures_of_a_saved_model(tmp_path):
    module = tf.Module()
    module.factor = tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec([None], name="right"), tf.TensorSpec([None], name="left")])
    def difference(right, left):
        return {"scaled": module.factor * (left - right), "difference": left - right}

    tf.saved_model.save(module, str(tmp_path), signatures={"difference": difference})
    with ServingSession(tmp_path) as session:
        assert session.signature_names() == ["difference"]
        call = session.signature("difference")
        for rows in (1, 3):
            plain, scaled = call({"left": np.full(rows, 5.0, np.float32), "right": np.ones(rows, np.float32)})
            np.testing.assert_array_equal(plain, np.full(rows, 4.0))
            np.testing.assert_array_equal(scaled, np.full(rows, 12.0))
        _, scaled = session.signature("difference")({"left": [2.0], "right": [1.0]})
    np.testing.assert_array_equal(scaled, [3.0])
    with pytest.raises(OSError, match="does not exist"):
        ServingSession(tmp_path / "missing")


@pytest.mark.parametrize("ratios, reached", [([0.95, 1.1], True), ([0.949, 1.1], False)])
def test_goal_is_that_of_generate_in_large_batches(ratios, reached):
    rows = [{"signature": name, "batch_size": size, "ratio": ratio} for name, size, ratio in (
        ("generate", 1, 0.3), ("generate", 64, ratios[0]), ("generate", 256, ratios[1]), ("sample", 64, 0.2))]

    assert serving.compare_with_goal(rows) == {
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

    assert serving.median_first_requests(cold, warm) == {
        "load_seconds": 3.5, "warm_up_seconds": 5.0, "requests": [
            {"signature": "embed", "batch_size": 1, "cold_ms": 510.0, "warm_ms": 5.0, "later_ms": 4.0},
            {"signature": "embed", "batch_size": 64, "cold_ms": 60.0, "warm_ms": 8.0, "later_ms": 7.0}]}


def test_first_requests_are_skipped_without_warm_up_requests(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    first = serving._first_requests("nowhere", 3)

    assert set(first) == {"skipped"} and "pip install 'eig_tf[serving]'" in first["skipped"]

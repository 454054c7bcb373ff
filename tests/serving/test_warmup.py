"""Warm-up requests: what is written is what TF Serving reads, fits the signatures, and runs."""

import shutil
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from eig_tf.errors import UserError
from eig_tf.serving import warmup

FLOAT, INT, LONG, STRING = tf.float32, tf.int32, tf.int64, tf.string
N = -1
IMAGES = {"images": (FLOAT, [N, 64, 64, 3])}
CATEGORIES = {"probabilities": (FLOAT, [N, 7]), "code": (INT, [N]), "confidence": (FLOAT, [N]),
              "category_probabilities": (FLOAT, [N, 3]), "category": (INT, [N]),
              "category_confidence": (FLOAT, [N])}
CODE, SEED, CONTINUOUS = {"code": (INT, [N])}, {"seed": (LONG, [N])}, {"continuous": (FLOAT, [N, 2])}
GENERATE = ({**CODE, **SEED}, IMAGES)
CATEGORY = {"category": (INT, [N])}
# Those of a model with 7 codes, 2 continuous codes and 3 categories, as in `ServedModel`.
SIGNATURES = {
    "serving_default": GENERATE,
    "generate": GENERATE,
    "generate_png": (GENERATE[0], {"image_bytes": (STRING, [N])}),
    "generate_continuous": ({**CODE, **SEED, **CONTINUOUS}, IMAGES),
    "generate_from_code": ({"code": (FLOAT, [N, 7]), "noise": (FLOAT, [N, 100]), **CONTINUOUS}, IMAGES),
    "generate_category": ({**CATEGORY, **SEED}, {**IMAGES, **CODE}),
    "generate_category_png": ({**CATEGORY, **SEED}, {"image_bytes": (STRING, [N]), **CODE}),
    "sample": ({"count": (INT, []), "seed": (LONG, [])}, {**IMAGES, **CODE, **CATEGORY}),
    "sample_each": (SEED, {**IMAGES, **CODE, **CATEGORY}),
    "categorize": (IMAGES, CATEGORIES),
    "categorize_bytes": ({"image_bytes": (STRING, [N])}, CATEGORIES),
    "embed": (IMAGES, {"feature": (FLOAT, [N, 128])}),
    "prior": ({}, {"probabilities": (FLOAT, [7]), "class_name": (STRING, [7]),
                   "category_probabilities": (FLOAT, [3])}),
    "__saved_model_init_op": ({}, {}),
}


def _fill(infos, tensors):
    for name, (dtype, sizes) in tensors.items():
        infos[name].dtype = dtype.as_datatype_enum
        for size in sizes:
            infos[name].tensor_shape.dim.add(size=size)


def _saved_model(directory):
    """A directory with a saved_model.pb of `SIGNATURES`, without graph."""
    saved_model = saved_model_pb2.SavedModel()
    definitions = saved_model.meta_graphs.add().signature_def
    for name, (inputs, outputs) in SIGNATURES.items():
        _fill(definitions[name].inputs, inputs)
        _fill(definitions[name].outputs, outputs)
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return directory


@pytest.fixture
def version(tmp_path):
    """A SavedModel with warm-up requests."""
    directory = _saved_model(tmp_path)
    warmup.write_requests(directory, "cars")
    return directory


def _requests(version):
    records = tf.data.TFRecordDataset(str(version / "assets.extra" / "tf_serving_warmup_requests"))
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            for record in records.as_numpy_iterator()]


def test_every_signature_with_rows_has_a_record_of_each_batch_size(version):
    """A server that batches refuses what has no rows or unequal ones, and with it the version."""
    sizes = {}
    for signature, inputs in warmup.read_requests(version):
        (rows,) = {len(value) for value in inputs.values()}
        sizes.setdefault(signature, []).append(rows)
        expected = SIGNATURES[signature][0]
        assert set(inputs) == set(expected)
        for name, (dtype, shape) in expected.items():
            value = inputs[name]
            assert value.dtype == (object if dtype == STRING else dtype.as_numpy_dtype)
            assert value.ndim == len(shape)
            assert all(size in (N, length) for size, length in zip(shape, value.shape))
    assert sizes == {name: [1, 8, 64] for name in (
        "serving_default", "generate", "generate_png", "generate_continuous", "generate_from_code",
        "generate_category", "generate_category_png", "sample_each", "categorize", "categorize_bytes",
        "embed")}
    requests = _requests(version)
    assert {request.model_spec.name for request in requests} == {"cars"}
    assert all(request.model_spec.WhichOneof("version_choice") is None for request in requests)
    assert [request.model_spec.signature_name for request in requests] == [
        signature for signature, _ in warmup.read_requests(version)]
    assert len(requests) == 33 and not any(request.output_filter for request in requests)


def test_inputs_have_valid_values(version):
    inputs = dict(warmup.read_requests(version))  # the last of each signature have 64 rows
    np.testing.assert_array_equal(inputs["generate"]["code"][:9], [0, 1, 2, 3, 4, 5, 6, 0, 1])
    np.testing.assert_array_equal(inputs["generate"]["seed"], np.arange(64))
    np.testing.assert_allclose(inputs["generate_from_code"]["code"].sum(axis=1), 1, atol=1e-6)
    assert np.all(inputs["generate_from_code"]["noise"] == 0)
    assert np.all(inputs["generate_continuous"]["continuous"] == 0)
    np.testing.assert_array_equal(inputs["generate_category"]["category"][:5], [0, 1, 2, 0, 1])
    assert np.all(inputs["categorize"]["images"] == 0.5)
    image = tf.io.decode_png(inputs["categorize_bytes"]["image_bytes"][63]).numpy()
    assert image.shape == (64, 64, 3)
    assert np.all(image == 128)


def test_the_file_is_small_and_the_same_each_time(version, tmp_path):
    content = (version / warmup.REQUESTS).read_bytes()
    assert len(content) < 20_000  # of which 9 MB would be images
    warmup.write_requests(version, "cars")
    assert (version / warmup.REQUESTS).read_bytes() == content
    assert [path.name for path in (version / "assets.extra").iterdir()] == ["tf_serving_warmup_requests"]


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    assert warmup.available()
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    assert not warmup.available()
    with pytest.raises(UserError, match=r"not installed; .* pip install 'eig_tf\[serving\]'"):
        warmup.write_requests(_saved_model(tmp_path), "cars")
    assert not (tmp_path / "assets.extra").exists()


@pytest.mark.slow
def test_every_record_runs_through_the_exported_signatures(exported, served, tmp_path):
    shutil.copy(exported / "saved_model.pb", tmp_path)
    warmup.write_requests(tmp_path, "mnist")
    requests = warmup.read_requests(tmp_path)
    for signature, inputs in requests:
        (rows,) = {len(value) for value in inputs.values()}
        assert {len(value) for value in served(signature, **inputs).values()} == {rows}
    saved_model = saved_model_pb2.SavedModel.FromString((tmp_path / "saved_model.pb").read_bytes())
    definitions = saved_model.meta_graphs[0].signature_def
    assert {signature for signature, _ in requests} | {"sample", "prior"} == {
        name for name in definitions if name[0] != "_"}
    # Why `serving_default` has records of its own: not one tensor is that of `generate`.
    fed, fed_by_default = ({info.name for info in definitions[name].inputs.values()}
                           for name in ("generate", "serving_default"))
    assert not fed & fed_by_default

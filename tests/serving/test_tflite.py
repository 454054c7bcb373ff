"""TFLite files of a model: signatures, operators, batch sizes, quantization and its measured change."""

import os

import numpy as np
import pytest
import tensorflow as tf
from made_up_models import two_stage_model
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from eig_tf.errors import UserError
from eig_tf.serving import reference, tflite


def _operators(path):
    """Names of the operators of a TFLite file, each with the type of what it computes."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    types = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    model = flatbuffer_utils.read_model(str(path))
    found = set()
    for graph in model.subgraphs:
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex]
            # The older field ends at 127, where the newer one takes over.
            name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
            found.add((name, types[graph.tensors[operator.outputs[0]].type]))
    return found


def _run(path, inputs):
    interpreter = tf.lite.Interpreter(str(path))
    (signature,) = interpreter.get_signature_list()
    return reference.run(lambda batch: interpreter.get_signature_runner(signature)(**batch), inputs)


def _weight_bytes(model):
    last = model.discriminators[-1]
    networks = {"generator": [model.inference_generator],
                "categorizer": [last.trunk, last.encoder_head]}
    return {f"{name}.tflite": 4 * sum(part.count_params() for part in parts)
            for name, parts in networks.items()}


def _check_report(report, model, directory):
    """Compares what a report says with the files; returns a sample, and what the files make of it."""
    expected = reference.reference(model)
    images = _run(directory / "generator.tflite", expected.latents)["images"]
    recognized = _run(directory / "categorizer.tflite", {"images": expected.images})
    change = 255 * np.abs(images - expected.images)
    assert sorted(report.sizes) == sorted(os.listdir(directory)) == ["categorizer.tflite", "generator.tflite"]
    assert report.sizes == {name: (directory / name).stat().st_size for name in report.sizes}
    assert report.rows == 64
    assert report.mean_change == pytest.approx(change.mean(), abs=1e-6)
    assert report.largest_change == pytest.approx(change.max(), abs=1e-6)
    assert report.same_code == np.mean(recognized["code"] == expected.recognized["code"])
    return expected, images, recognized


def test_reports_are_told_in_lines():
    report = tflite.Report("int8", {"generator.tflite": 1_000_000, "categorizer.tflite": 23_450_000},
                           64, 1.234, 56.78, 63 / 64)
    assert tflite.lines(report) == [
        "generator.tflite        1.00 MB",
        "categorizer.tflite     23.45 MB",
        "quantization int8, on 64 images: pixels change by 1.2 levels of 255 on average, 57 at most; "
        "98.4% keep their category"]


def test_an_unknown_quantization_is_refused(live, tmp_path):
    with pytest.raises(UserError, match="--quantization is 'int4'; expected one of none, float16, int8"):
        tflite.write(live, tmp_path, "int4")
    assert os.listdir(tmp_path) == []


@pytest.fixture(scope="module")
def plain(live, tmp_path_factory):
    """The directory of unquantized files of `live`, and their report."""
    directory = tmp_path_factory.mktemp("tflite")
    return directory, tflite.write(live, directory)


@pytest.fixture(scope="module")
def two_stages():
    return two_stage_model()


@pytest.mark.slow
def test_unquantized_files_equal_the_networks(plain, live):
    directory, report = plain
    expected, images, recognized = _check_report(report, live, directory)
    np.testing.assert_allclose(images, expected.images, rtol=0, atol=1e-4)
    for name in ("probabilities", "feature"):
        np.testing.assert_allclose(recognized[name], expected.recognized[name], rtol=1e-4, atol=1e-4)
    assert report.same_code == 1
    assert report.largest_change < 255 * 1e-4


@pytest.mark.slow
def test_signatures_have_named_tensors(plain):
    directory, _ = plain
    details = {}
    for name in ("generator", "categorizer"):
        interpreter = tf.lite.Interpreter(str(directory / f"{name}.tflite"))
        (signature,) = interpreter.get_signature_list()
        runner = interpreter.get_signature_runner(signature)
        tensors = {**runner.get_input_details(), **runner.get_output_details()}
        details[signature] = {
            tensor: (found["dtype"].__name__, found["shape_signature"].tolist())
            for tensor, found in tensors.items()}
    assert details == {
        "generate_from_code": {
            "code": ("float32", [-1, 10]), "noise": ("float32", [-1, 62]),
            "images": ("float32", [-1, 28, 28, 1])},
        "categorize": {
            "images": ("float32", [-1, 28, 28, 1]), "probabilities": ("float32", [-1, 10]),
            "code": ("int32", [-1]), "feature": ("float32", [-1, 128])}}


@pytest.mark.slow
def test_the_batch_size_is_free(plain, live):
    directory, _ = plain
    expected = reference.reference(live)
    interpreter = tf.lite.Interpreter(str(directory / "generator.tflite"))
    names = {name: next(found["index"] for found in interpreter.get_input_details() if name in found["name"])
             for name in ("code", "noise")}
    for rows in (1, 7, 3):
        for name, index in names.items():
            interpreter.resize_tensor_input(index, [rows, expected.latents[name].shape[1]])
        interpreter.allocate_tensors()
        for name, index in names.items():
            interpreter.set_tensor(index, expected.latents[name][:rows])
        interpreter.invoke()
        (output,) = interpreter.get_output_details()
        np.testing.assert_allclose(
            interpreter.get_tensor(output["index"]), expected.images[:rows], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_float16_halves_the_files_and_hardly_changes_images(continuous_live, tmp_path):
    report = tflite.write(continuous_live, tmp_path, "float16")
    _, images, _ = _check_report(report, continuous_live, tmp_path)
    assert images.dtype == np.float32
    for name, size in _weight_bytes(continuous_live).items():
        assert 0.45 * size < report.sizes[name] < 0.65 * size
    assert 0 < report.mean_change < 0.5
    assert report.largest_change < 5
    assert report.same_code >= 0.95


@pytest.mark.slow
def test_int8_computes_in_integers_and_its_change_is_measured(two_stages, tmp_path):
    report = tflite.write(two_stages, tmp_path, "int8")
    expected, images, recognized = _check_report(report, two_stages, tmp_path)
    assert images.dtype == recognized["feature"].dtype == np.float32
    assert images.shape == expected.images.shape == (64, 64, 64, 3)
    assert 0.1 < report.mean_change < 10
    assert report.same_code > 0.8
    for name, size in _weight_bytes(two_stages).items():
        assert report.sizes[name] < 0.5 * size
        operators = _operators(tmp_path / name)
        integer = {"CONV_2D", "FULLY_CONNECTED"} | ({"TRANSPOSE_CONV"} if "generator" in name else set())
        assert integer <= {operator for operator, kind in operators if kind == "INT8"}
        assert not integer & {operator for operator, kind in operators if kind != "INT8"}


@pytest.mark.slow
def test_two_stages_convert_to_builtin_operators(two_stages, tmp_path):
    report = tflite.write(two_stages, tmp_path)
    _check_report(report, two_stages, tmp_path)
    for name in report.sizes:
        operators = {operator for operator, _ in _operators(tmp_path / name)}
        assert operators
        assert "CUSTOM" not in operators


@pytest.mark.slow
def test_files_that_compute_something_else_are_not_written(live, tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="the TFLite files differ from the networks by"):
        tflite.write(live, tmp_path)
    assert os.listdir(tmp_path) == []

"""TFLite and Keras files: what they hold and compute, where they lie, and what is never overwritten."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from eig_tf.errors import UserError
from eig_tf.serving import formats
from eig_tf.serving.formats import Report, draw_sample, export_files, write_keras, write_tflite

WITHOUT_THE_PACKAGE = """
import sys
import numpy as np
from tensorflow import keras
for directory in sys.argv[1:]:
    inputs = dict(np.load(f"{directory}/inputs.npz"))
    images = inputs.pop("images")
    generator = keras.models.load_model(f"{directory}/generator.keras")
    categorizer = keras.models.load_model(f"{directory}/categorizer.keras")
    results = {**generator(inputs), **categorizer({"images": images})}
    np.savez(f"{directory}/results.npz", **results)
assert not any(name.startswith("eig_tf") for name in sys.modules)
"""


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
    return formats.run_in_batches(lambda batch: interpreter.get_signature_runner(signature)(**batch), inputs)


def _weight_bytes(model):
    last = model.discriminators[-1]
    networks = {"generator": [model.ema_generator or model.generator],
                "categorizer": [last.trunk, last.encoder_head]}
    return {f"{name}.tflite": 4 * sum(part.count_params() for part in parts)
            for name, parts in networks.items()}


def _check_report(report, model, directory):
    """Compares a report with the files, whose operators are all TFLite's own; returns what they compute."""
    expected = draw_sample(model)
    images = _run(directory / "generator.tflite", expected.latents)["images"]
    encoded = _run(directory / "categorizer.tflite", {"images": expected.images})
    change = 255 * np.abs(images - expected.images)
    assert sorted(report.sizes) == sorted(os.listdir(directory)) == ["categorizer.tflite", "generator.tflite"]
    assert report.sizes == {name: (directory / name).stat().st_size for name in report.sizes}
    assert report.rows == 64
    assert report.mean_change == pytest.approx(change.mean(), abs=1e-4)
    assert report.largest_change == pytest.approx(change.max(), abs=1e-4)
    assert report.same_code == np.mean(encoded["code"] == expected.encoded["code"])
    for name in report.sizes:
        operators = {operator for operator, _ in _operators(directory / name)}
        assert operators and "CUSTOM" not in operators
    return expected, images, encoded


def test_reports_are_told_in_lines():
    sizes = {"generator.tflite": 1_000_000, "categorizer.tflite": 23_450_000}
    report = Report(sizes, 64, 1.234, 56.78, 63 / 64, 0.2)
    assert report.lines() == [
        "generator.tflite        1.00 MB",
        "categorizer.tflite     23.45 MB",
        "on 64 images, pixels change by 1.2 levels of 255 on average, 57 at most; 98.4% keep their code"]


@pytest.fixture(scope="module")
def plain(live, tmp_path_factory):
    """The directory of unquantized files of `live`, and their report."""
    directory = tmp_path_factory.mktemp("tflite")
    return directory, write_tflite(live, directory)


@pytest.mark.slow
def test_unquantized_files_equal_the_networks(plain, live):
    directory, report = plain
    expected, images, encoded = _check_report(report, live, directory)
    np.testing.assert_allclose(images, expected.images, rtol=0, atol=1e-4)
    for name in ("probabilities", "feature"):
        np.testing.assert_allclose(encoded[name], expected.encoded[name], rtol=1e-4, atol=1e-4)
    assert report.same_code == 1
    assert report.largest_change < 255 * 1e-4
    assert report.difference < 1e-4


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
    expected = draw_sample(live)
    for rows in (1, 7, 3):
        latents = {name: values[:rows] for name, values in expected.latents.items()}
        interpreter = tf.lite.Interpreter(str(directory / "generator.tflite"))
        images = interpreter.get_signature_runner("generate_from_code")(**latents)["images"]
        np.testing.assert_allclose(images, expected.images[:rows], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_a_model_without_noise_and_one_of_two_stages_convert(vae_live, two_stages, tmp_path):
    for name, model in (("vae", vae_live), ("stages", two_stages)):
        (tmp_path / name).mkdir()
        expected, _, encoded = _check_report(write_tflite(model, tmp_path / name), model, tmp_path / name)
        assert ("noise" in expected.latents) == (name == "stages")
        assert encoded["feature"].shape[1] == model.encode(expected.images[:1]).features.shape[1]


@pytest.mark.slow
def test_float16_halves_the_files_and_hardly_changes_images(continuous_live, tmp_path):
    report = write_tflite(continuous_live, tmp_path, "float16")
    _, images, _ = _check_report(report, continuous_live, tmp_path)
    assert images.dtype == np.float32
    for name, size in _weight_bytes(continuous_live).items():
        assert 0.45 * size < report.sizes[name] < 0.65 * size
    assert 0 < report.mean_change < 0.5
    assert report.largest_change < 5
    assert report.same_code >= 0.95


@pytest.mark.slow
def test_int8_computes_in_integers_and_its_change_is_measured(two_stages, tmp_path):
    report = write_tflite(two_stages, tmp_path, "int8")
    expected, images, encoded = _check_report(report, two_stages, tmp_path)
    assert images.dtype == encoded["feature"].dtype == np.float32
    assert images.shape == expected.images.shape == (64, 64, 64, 3)
    assert 0.1 < report.mean_change < 20
    assert report.same_code > 0.8
    for name, size in _weight_bytes(two_stages).items():
        assert report.sizes[name] < 0.5 * size
        operators = _operators(tmp_path / name)
        integer = {"CONV_2D", "FULLY_CONNECTED"} | ({"TRANSPOSE_CONV"} if "generator" in name else set())
        assert integer <= {operator for operator, kind in operators if kind == "INT8"}
        assert not integer & {operator for operator, kind in operators if kind != "INT8"}


@pytest.mark.slow
def test_keras_files_load_without_this_package(live, vae_live, two_stages, tmp_path):
    expected = {}
    for name, model in (("28x28", live), ("vae", vae_live), ("two stages", two_stages)):
        directory = tmp_path / name
        directory.mkdir()
        report = write_keras(model, directory)
        assert report.sizes == {file: (directory / file).stat().st_size for file in os.listdir(directory)}
        assert list(report.sizes) == ["generator.keras", "categorizer.keras"]
        assert 0 <= report.difference < 1e-5
        expected[directory] = sample = draw_sample(model, seed=5)
        np.savez(directory / "inputs.npz", images=sample.images, **sample.latents)
    # Isolated: neither PYTHONPATH nor the directory of the tests is looked in.
    subprocess.run([sys.executable, "-I", "-c", WITHOUT_THE_PACKAGE, *expected], check=True, timeout=200)
    for directory, sample in expected.items():
        results = np.load(directory / "results.npz")
        np.testing.assert_allclose(results["images"], sample.images, rtol=0, atol=1e-5)
        for name in ("probabilities", "feature"):
            np.testing.assert_allclose(results[name], sample.encoded[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(results["code"], sample.encoded["code"])


@pytest.mark.parametrize("kind", ["keras", pytest.param("tflite", marks=pytest.mark.slow)])
def test_files_that_compute_something_else_are_not_kept(finished_run, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(formats, "TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match=f"the {kind} files differ from the networks by"):
        export_files(finished_run.path, kind, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_no_file(finished_run, tmp_path):
    with pytest.raises(UserError, match=r"cannot be written: .*File too large"):
        export_files(finished_run.path, "keras", tmp_path)
    assert os.listdir(tmp_path) == []


def test_an_unknown_quantization_is_refused(finished_run, tmp_path):
    with pytest.raises(UserError, match="--quantization is 'int4'; expected one of none, float16, int8"):
        export_files(finished_run.path, "tflite", tmp_path, quantization="int4")
    assert os.listdir(tmp_path) == []


@pytest.fixture
def written(monkeypatch):
    """Writes small files in the place of the networks."""
    contents = []

    def write(model, directory, category_network):
        for name in ("generator.keras", "categorizer.keras"):
            (directory / name).write_text(str(len(contents)))
        contents.append(directory)
        return Report({"generator.keras": 1}, 64, 0.0, 0.0, 1.0, 0.0)

    monkeypatch.setattr(formats, "write_keras", write)
    return contents


def test_a_second_export_replaces_the_first(finished_run, tmp_path, written):
    for number in ("0", "1"):
        target, report = export_files(finished_run.path, "keras", tmp_path / "new", "digits")
        assert target == tmp_path / "new" / "digits-keras"
        assert (target / "generator.keras").read_text() == number
        assert sorted(os.listdir(target)) == ["categorizer.keras", "generator.keras", "model.json"]
        assert json.loads((target / "model.json").read_text())["name"] == "digits"
        assert report.rows == 64
    assert os.listdir(tmp_path / "new") == ["digits-keras"]


@pytest.mark.parametrize("kind", ["keras", pytest.param("tflite", marks=pytest.mark.slow)])
def test_files_find_the_categories_of_a_run_that_has_some(category_run, categorizer, live, tmp_path, kind):
    target, report = export_files(category_run.path, kind, tmp_path)
    assert 0 <= report.difference < 1e-4
    assert json.loads((target / "model.json").read_text())["categories"]["codes"][0] == [0, 3, 6]
    sample = draw_sample(live, 5, categorizer)
    inputs = {"images": sample.images}
    encoded = (_run(target / "categorizer.tflite", inputs) if kind == "tflite" else
               keras.models.load_model(target / "categorizer.keras")(inputs))
    assert len(np.unique(sample.encoded["category"])) > 1
    np.testing.assert_array_equal(encoded["category"], sample.encoded["category"])
    np.testing.assert_allclose(
        encoded["category_probabilities"], sample.encoded["category_probabilities"], rtol=0, atol=1e-4)


def test_what_is_somebody_elses_is_left_alone(finished_run, tmp_path, written):
    (tmp_path / "mnist-keras").mkdir()
    (tmp_path / "mnist-keras" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="mnist-keras exists and holds other things than an export"):
        export_files(finished_run.path, "keras", tmp_path)
    assert (tmp_path / "mnist-keras" / "thesis.txt").read_text() == "mine" and not written

"""`tools/export.py` and TensorFlow's own `saved_model_cli` on what it writes, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving.export import export_run

REPOSITORY = Path(__file__).parent.parent.parent
TOOL = REPOSITORY / "tools" / "export.py"


@pytest.fixture(scope="module")
def run_directory(tmp_path_factory):
    """A finished run of small networks."""
    config = config_lib.load_preset("mnist")
    config.networks.width = 0.125
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    directory.checkpoint_manager(build_model(config)).save()
    config_lib.save_config(config, directory.config)
    return directory


@pytest.fixture(scope="module")
def version(run_directory, tmp_path_factory):
    return export_run(run_directory.path, tmp_path_factory.mktemp("export"))


def test_help_needs_no_tensorflow(command, without_tensorflow):
    finished = command(TOOL, "--help", PYTHONPATH=without_tensorflow)
    assert finished.returncode == 0
    assert "RUN_DIR/export/<data set>/1" in finished.stdout
    assert all(flag in finished.stdout for flag in (
        "--output", "--name", "--format", "--version", "--keep", "--precision", "--quantization"))


@pytest.mark.parametrize(("arguments", "sentence"), [
    ([], "RUN_DIR"), (["one", "two"], "RUN_DIR"), (["run", "--outputs=x"], "outputs"),
    (["run", "--version=0"], "--version is 0; expected 1 or more, below 2^63"),
    (["run", "--keep=-1"], "--keep is -1; expected 1 or more"),
    (["run", "--version=9223372036854775808"], "--version is 9223372036854775808; expected 1"),
    (["run", "--name=../up"], "--name is '../up'; expected up to 100 letters, digits, dots"),
    (["run", "--name="], "--name is ''; expected up to 100"),
    (["run", "--format=tflite", "--keep=2"], "--keep is given with --format=tflite; expected it only"),
    (["run", "--quantization=int8"], "--quantization is given with --format=savedmodel; expected it only"),
    (["run", "--format=onnx"], "--format=onnx"),
])
def test_a_bad_command_line_is_one_sentence(command, without_tensorflow, arguments, sentence):
    finished = command(TOOL, *arguments, PYTHONPATH=without_tensorflow)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.startswith("error: ")
    assert finished.stderr.count("\n") == 1
    assert sentence in finished.stderr


@pytest.mark.slow
def test_the_command_exports_and_says_where(command, run_directory, tmp_path):
    output = tmp_path / "models"
    finished = command(TOOL, run_directory.path, f"--output={output}", "--name=digits", "--version=7")
    assert finished.returncode == 0
    assert finished.stderr == ""
    first, *signatures, note = finished.stdout.splitlines()
    assert first == f"SavedModel     {output}/digits/7"
    assert [line.split()[0] for line in signatures] == [
        "categorize", "categorize_bytes", "embed", "generate", "generate_from_code", "generate_png", "prior",
        "sample", "sample_each", "serving_default"]
    assert note.startswith("note: the codes have no class names")
    assert (output / "digits" / "7" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_an_export_goes_without_the_extra_package(command, run_directory, tmp_path):
    (tmp_path / "tensorflow_serving.py").write_text("raise ImportError")
    finished = command(TOOL, run_directory.path, f"--output={tmp_path}",
                       PYTHONPATH=f"{tmp_path}{os.pathsep}{REPOSITORY}")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1].startswith("note: there are no warm-up requests")
    assert os.listdir(tmp_path / "mnist" / "1" / "assets.extra") == ["model.json"]


@pytest.mark.slow
def test_a_missing_run_is_one_sentence(command, tmp_path):
    finished = command(TOOL, tmp_path / "absent")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr == (f"error: {tmp_path}/absent is no run directory: it has no config.json; "
                               "expected one that eig_tf.train wrote\n")


def _saved_model_cli(*arguments):
    script = Path(sys.executable).parent / "saved_model_cli"
    return subprocess.run([sys.executable, script, *map(str, arguments)], capture_output=True, text=True,
                          timeout=300, check=False)


def _run_signature(version, signature, outdir, *inputs):
    finished = _saved_model_cli("run", "--dir", version, "--tag_set", "serve", "--signature_def", signature,
                                "--outdir", outdir, *inputs)
    assert finished.returncode == 0, finished.stderr
    # Strings are saved as Python objects.
    return {path.stem: np.load(path, allow_pickle=True) for path in outdir.iterdir()}


@pytest.mark.slow
def test_saved_model_cli_shows_every_signature(version):
    finished = _saved_model_cli("show", "--dir", version, "--all")
    assert finished.returncode == 0, finished.stderr
    for name in ("categorize", "generate", "generate_from_code", "prior", "sample", "serving_default"):
        assert f"signature_def['{name}']" in finished.stdout
    assert "inputs['seed'] tensor_info:\n        dtype: DT_INT64\n        shape: (-1)" in finished.stdout


@pytest.mark.slow
def test_saved_model_cli_generates_and_categorizes(version, tmp_path):
    generated = _run_signature(version, "generate", tmp_path / "generated",
                               "--input_exprs", "code=[0,3];seed=[1,2]")
    assert generated["images"].shape == (2, 28, 28, 1)
    images = tmp_path / "images.npy"
    np.save(images, generated["images"])
    found = _run_signature(version, "categorize", tmp_path / "categorized", "--inputs", f"images={images}")
    assert found["code"].shape == (2,)
    np.testing.assert_allclose(found["probabilities"].sum(axis=-1), 1, atol=1e-5)


@pytest.mark.slow
def test_saved_model_cli_reads_the_prior(version, tmp_path):
    # The command line insists on some inputs; a lone separator names none.
    found = _run_signature(version, "prior", tmp_path, "--inputs", ";")
    np.testing.assert_allclose(found["probabilities"], np.full(10, 0.1), atol=1e-6)

"""`tools/export.py` and TensorFlow's own `saved_model_cli` on what it writes, run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eig_tf.serving.export import export_run


@pytest.fixture(scope="module")
def version(first_weights, tmp_path_factory):
    return export_run(first_weights.path, tmp_path_factory.mktemp("export"))


@pytest.mark.slow
def test_the_command_exports_and_says_where(run, first_weights, tmp_path):
    output = tmp_path / "models"
    finished = run("export", first_weights.path, f"--output={output}", "--name=mine", "--version=7")
    assert finished.returncode == 0
    assert finished.stderr == ""
    lines = finished.stdout.splitlines()
    # Lines on the progress of what takes longer than a moment may come first.
    first, *signatures, note = lines[[line[:10] for line in lines].index("SavedModel"):]
    assert first == f"SavedModel     {output}/mine/7"
    assert [line.split()[0] for line in signatures] == [
        "categorize", "categorize_bytes", "embed", "generate", "generate_from_code", "generate_png", "prior",
        "sample", "sample_each", "serving_default"]
    assert note.startswith("note: the codes have no class names")
    assert (output / "mine" / "7" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_an_export_goes_without_the_extra_package(run, repository, first_weights, tmp_path):
    (tmp_path / "tensorflow_serving.py").write_text("raise ImportError")
    finished = run("export", first_weights.path, f"--output={tmp_path}",
                   PYTHONPATH=f"{tmp_path}{os.pathsep}{repository}")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines()[-1].startswith("note: there are no warm-up requests")
    assert os.listdir(tmp_path / "digits" / "1" / "assets.extra") == ["model.json"]


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
def test_saved_model_cli_runs_what_is_exported(version, tmp_path):
    generated = _run_signature(version, "generate", tmp_path / "generated",
                               "--input_exprs", "code=[0,3];seed=[1,2]")
    assert generated["images"].shape == (2, 28, 28, 1)
    images = tmp_path / "images.npy"
    np.save(images, generated["images"])
    found = _run_signature(version, "categorize", tmp_path / "categorized", "--inputs", f"images={images}")
    assert found["code"].shape == (2,)
    np.testing.assert_allclose(found["probabilities"].sum(axis=-1), 1, atol=1e-5)
    # The command line insists on some inputs; a lone separator names none.
    found = _run_signature(version, "prior", tmp_path / "prior", "--inputs", ";")
    np.testing.assert_allclose(found["probabilities"], np.full(10, 0.1), atol=1e-6)



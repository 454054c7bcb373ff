"""Keras files of a model: what they hold, that they load without this package, and failures."""

import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from made_up_models import two_stage_model

from eig_tf.serving import keras_format, reference

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


def test_reports_are_told_in_lines():
    report = keras_format.Report({"generator.keras": 1_234_567, "categorizer.keras": 450_000}, 2.5e-7)
    assert keras_format.lines(report) == [
        "generator.keras        1.23 MB",
        "categorizer.keras      0.45 MB",
        "read back, they differ from the networks by 2.5e-07 at most"]


def test_a_full_disk_leaves_no_file(live, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            keras_format.write(live, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []


def test_files_that_compute_something_else_are_not_kept(live, tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "TOLERANCE", -1.0)
    with pytest.raises(RuntimeError, match="the Keras files differ from the networks by"):
        keras_format.write(live, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_files_load_without_this_package(live, tmp_path):
    expected = {}
    for name, model in (("28x28", live), ("two stages", two_stage_model())):
        directory = tmp_path / name
        directory.mkdir()
        report = keras_format.write(model, directory)
        assert report.sizes == {file: (directory / file).stat().st_size for file in os.listdir(directory)}
        assert list(report.sizes) == ["generator.keras", "categorizer.keras"]
        assert 0 <= report.difference < 1e-5
        expected[directory] = sample = reference.reference(model, seed=5)
        np.savez(directory / "inputs.npz", images=sample.images, **sample.latents)
    # Isolated: neither PYTHONPATH nor the directory of the tests is looked in.
    subprocess.run([sys.executable, "-I", "-c", WITHOUT_THE_PACKAGE, *expected], check=True, timeout=200)
    for directory, sample in expected.items():
        results = np.load(directory / "results.npz")
        np.testing.assert_allclose(results["images"], sample.images, rtol=0, atol=1e-5)
        for name in ("probabilities", "feature"):
            np.testing.assert_allclose(results[name], sample.recognized[name], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(results["code"], sample.recognized["code"])

"""The package as a wheel, used from an empty directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory into which the wheel is installed, without its dependencies."""
    directory = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--quiet", "--no-deps", "-w", directory, REPOSITORY], check=True)
    (wheel,) = directory.glob("eig_tf-*.whl")
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--target", directory / "site", wheel],
                   check=True)
    return directory / "site"


def _run(installed, cwd, *arguments):
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(installed)})


def test_trains_from_an_empty_directory(installed, tmp_path):
    result = _run(installed, tmp_path, "-m", "eig_tf.train", "--dataset=digits",
                  "--config.training.epochs=1", "--config.networks.width=0.1")
    assert result.returncode == 0, result.stderr
    run = tmp_path / "runs" / "digits-elastic_infogan-split0-seed0"
    assert (run / "samples" / "codes_epoch_0001.png").is_file()
    assert (run / "export" / "digits" / "1" / "saved_model.pb").is_file()
    result = _run(installed, tmp_path, "-m", "eig_tf.tools.export", str(run))
    assert result.returncode == 0, result.stderr
    assert (run / "export" / "digits" / "2" / "saved_model.pb").is_file()


@pytest.mark.parametrize("tool", ["evaluate", "export", "benchmark", "summarize", "preview_data",
                                  "prepare_data", "categorize", "render_shapenet", "client",
                                  "sweep", "report"])
def test_tools_are_inside(installed, tmp_path, tool):
    result = _run(installed, tmp_path, "-m", f"eig_tf.tools.{tool}", "--help")
    assert result.returncode == 0, result.stderr


def test_the_code_that_runs_is_the_wheels(installed, tmp_path):
    result = _run(installed, tmp_path, "-c", "import eig_tf; print(eig_tf.__file__)")
    assert result.stdout.startswith(str(installed))

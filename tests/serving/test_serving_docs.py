"""docs/serving.md: its commands and its program, run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from running_servers import start

from eig_tf import config as config_lib
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def blocks(repository):
    """The blocks of the document by heading and language; a block that has none is not run."""
    text = (repository / "docs" / "serving.md").read_text(encoding="utf-8")
    found = {}
    for section in text.split("\n## ")[1:]:
        for language, block in re.findall(r"```(\w*)\n(.*?)```", section, flags=re.DOTALL):
            found[section.split("\n")[0], language] = block
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory, repository):
    """A directory like a checkout, with a finished training of digits: networks with their first weights."""
    directory = tmp_path_factory.mktemp("docs")
    for name in ("tools", "configs", "eig_tf"):
        (directory / name).symlink_to(repository / name)
    config = config_lib.load_preset("digits")
    run = RunDirectory(directory / "runs" / "digits")
    model = build_model(config)
    model.compile()
    manager = run.checkpoint_manager(model)
    manager.checkpoint.epochs_done.assign(config.training.epochs)
    manager.save()
    config_lib.save_config(config, run.config)
    return directory


@pytest.fixture(scope="module")
def run(place, evaluation_cache):
    """Runs a block in the directory, as `sh -e` does; returns what it printed."""
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def call(*command, text):
        result = subprocess.run([*command, text], cwd=place, text=True, capture_output=True, check=False,
                                env={**os.environ, "PATH": search, "PYTHONPATH": str(place),
                                     "XDG_CACHE_HOME": str(evaluation_cache.parent)})
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout
    return call


@pytest.fixture(scope="module")
def printed_by_export(run, blocks):
    """What the export section prints; its version is in place."""
    return run("sh", "-ec", text=blocks["Export", "sh"])


@pytest.fixture(scope="module")
def server(printed_by_export, place):
    running = start("small", "digits", place / "models" / "digits")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def answer(server, run, blocks):
    """Runs the block of a section against the server, whose ports are free ones."""
    def call(section, language, *command):
        text = blocks[section, language]
        for written, transport in (("8500", "grpc"), ("8501", "http")):
            text = text.replace(f"localhost:{written}", f"127.0.0.1:{server.ports[transport]}")
        return run(*command, text=text)
    return call


def test_export(printed_by_export, place):
    assert "NMI" in printed_by_export and "inputs['seed'] tensor_info" in printed_by_export
    assert (place / "models" / "digits" / "1" / "assets.extra" / "tf_serving_warmup_requests").is_file()


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_rest(answer, place):
    printed = answer("REST", "sh", "sh", "-ec")
    assert '"AVAILABLE"' in printed and '"confidence"' in printed
    assert Image.open(place / "three.png").size == (28, 28)
    assert '"outputs"' in (place / "images.json").read_text()


def test_command_line_and_python(answer, place):
    printed = answer("Command line", "sh", "sh", "-ec")
    assert "generate_from_code" in printed
    assert Image.open(place / "codes.png").size[0] > 280
    assert len((place / "found.csv").read_text().splitlines()) == 21
    printed = answer("Python", "python", sys.executable, "-c").splitlines()
    assert printed[0].endswith("(4, 28, 28, 1)")


def test_other_targets(printed_by_export, run, blocks, place):
    run("sh", "-ec", text=blocks["Other targets", "sh"])
    assert {path.name for path in (place / "models" / "digits-tflite").iterdir()} == {
        "generator.tflite", "categorizer.tflite", "model.json"}
    assert {path.name for path in (place / "models" / "digits-keras").iterdir()} == {
        "generator.keras", "categorizer.keras", "model.json"}
    printed = run(sys.executable, "-c", text=blocks["Other targets", "python"])
    assert float(printed) < 0.01  # the TFLite file's weights are float16

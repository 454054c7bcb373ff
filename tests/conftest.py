"""What every test shares: a quiet TensorFlow, the real data where it is, commands run as a user runs them."""

import contextlib
import os
import pty
import resource
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# How long drawing an example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile(
    "patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

REPOSITORY = Path(__file__).parent.parent


# Files whose tests take minutes.
_LONGEST = ("test_interruptions", "test_hosts", "test_global_batch")


def pytest_collection_modifyitems(items):
    """Run the longest files first, so that no core waits for the other at the end."""
    items.sort(key=lambda item: item.path.stem not in _LONGEST)


@pytest.fixture
def real_data():
    """The directory of real data sets that EIG_TF_DATA names; the test is skipped without it."""
    directory = os.environ.get("EIG_TF_DATA")
    if not directory:
        pytest.skip("EIG_TF_DATA names no directory")
    return Path(directory)


@pytest.fixture
def full_disk():
    """Every file ends at 50 kB, as on a disk that is full by then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(scope="session")
def off_screen():
    """Skips where VTK is absent or finds nothing to draw with, which ends the process that tries."""
    code = ("from vtkmodules import vtkRenderingOpenGL2\n"
            "from vtkmodules.vtkRenderingCore import vtkRenderWindow\n"
            "window = vtkRenderWindow()\nwindow.SetOffScreenRendering(1)\nwindow.Render()\n")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    if result.returncode:
        pytest.skip("VTK cannot draw here: it needs libegl1 and libgl1-mesa-dri, or a display")


@pytest.fixture
def command(tmp_path):
    """Runs `python ARGS` in an empty directory; returns the finished process with its texts."""
    def run(*arguments, timeout=300, **environment):
        return subprocess.run(
            [sys.executable, *map(str, arguments)], cwd=tmp_path, text=True, capture_output=True,
            timeout=timeout, check=False,
            # Decoded data sets would else land in the cache of whoever runs the tests.
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "XDG_CACHE_HOME": str(tmp_path / "cache"),
                 **environment})
    return run


@pytest.fixture
def terminal():
    """A context in which stdout is a pseudo-terminal; it gives a function that returns what is new on it."""
    @contextlib.contextmanager
    def open_terminal():
        reader, writer = pty.openpty()
        with open(reader, "rb", buffering=0) as shown, open(writer, "w", encoding="utf-8") as stdout:
            def read():
                # A terminal without text would keep the reader waiting.
                print("#", end="", flush=True)
                text = b""
                while not text.endswith(b"#"):
                    text += shown.read(4096)
                return text[:-1].decode().replace("\r\n", "\n")
            with contextlib.redirect_stdout(stdout):
                yield read
    return open_terminal


@pytest.fixture(scope="session")
def without_tensorflow(tmp_path_factory):
    """The PYTHONPATH on which importing TensorFlow fails."""
    directory = tmp_path_factory.mktemp("without_tensorflow")
    (directory / "tensorflow.py").write_text("raise SystemExit('TensorFlow was imported')")
    return f"{directory}{os.pathsep}{REPOSITORY}"


def _train_judge_of_digits(cache, steps):
    from eig_tf.config import config_from_fields
    from eig_tf.data import registry
    from eig_tf.evaluation.judge import judge, training
    config = config_from_fields("digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "STEPS", steps)
        judge.load_or_train_judge(registry.load(config), cache, "digits", judge.choose_recipe(config))


@pytest.fixture(scope="session")
def evaluation_cache(tmp_path_factory, worker_id):
    """A cache directory with a good judge of digits, trained for a fifth of the usual steps.

    It is the default cache directory of commands whose XDG_CACHE_HOME is its parent.
    """
    base = tmp_path_factory.getbasetemp()
    # All workers share the parent, which belongs to this session; without workers, base itself does.
    cache = (base if worker_id == "master" else base.parent) / "xdg" / "eig_tf"
    _train_judge_of_digits(cache, 400)
    return cache


@pytest.fixture(scope="session")
def write_first_weights():
    """Writes a run directory of a config with the first weights of its networks, as if after an epoch."""
    from eig_tf import config as config_lib
    from eig_tf.models.registry import build_model
    from eig_tf.runs.run_directory import RunDirectory, RunEnvironment

    def write(path, config):
        directory = RunDirectory(path)
        manager = directory.checkpoint_manager(build_model(config))
        manager.checkpoint.epochs_done.assign(1)
        manager.save(checkpoint_number=1)
        config_lib.save_config(config, directory.config)
        directory.save_environment(RunEnvironment())
        return directory
    return write


@pytest.fixture(scope="session")
def cache_with_judge(tmp_path_factory):
    """A cache directory with a judge of digits that was trained for a few steps."""
    cache = tmp_path_factory.mktemp("cache")
    _train_judge_of_digits(cache, 20)
    return cache


@pytest.fixture(scope="session")
def repository():
    """The root of the checkout."""
    return REPOSITORY

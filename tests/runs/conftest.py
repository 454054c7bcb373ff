"""The training command as a user runs it, and one finished run that tests may look at or copy."""

import os
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
# A real run in seconds: 842 images, four batches an epoch, a sixteenth of the networks' width; rates at
# which a few steps change the pictures.
TINY = ("--dataset=digits", "--split=31", "--config.networks.width=0.0625",
        "--config.optimizer.learning_rate=0.03", "--config.optimizer.prior_learning_rate=0.01",
        "--config.training.batch_size=200", "--config.training.steps_per_execution=3",
        "--config.training.epochs=2", "--noexport")


def _interruptible():
    # A test run in the background of a shell inherits that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def tiny():
    """Flags of a run that takes seconds."""
    return TINY


@pytest.fixture(scope="session")
def contents():
    """Reads every file below a directory, to tell whether anything was touched."""
    def read(directory):
        return {str(path.relative_to(directory)): path.read_bytes()
                for path in sorted(Path(directory).rglob("*")) if path.is_file()}
    return read


@pytest.fixture(scope="session")
def start_training():
    """Starts `python -m eig_tf.train ARGS` in a directory, with nothing set that silences TensorFlow."""
    def start(directory, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
        environment["PYTHONPATH"] = str(REPOSITORY)
        return subprocess.Popen(
            [sys.executable, "-m", "eig_tf.train", *map(str, arguments)], cwd=directory, env=environment,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_interruptible)
    return start


@pytest.fixture(scope="session")
def train(start_training):
    """Runs the command to its end; returns its exit status, stdout and stderr."""
    def run(directory, *arguments):
        process = start_training(directory, *arguments)
        stdout, stderr = process.communicate(timeout=300)
        return types.SimpleNamespace(status=process.returncode, stdout=stdout, stderr=stderr)
    return run


@pytest.fixture(scope="session")
def finished(train, tmp_path_factory):
    """A run of two epochs without --workdir: where it was started, its directory, what it printed."""
    start = tmp_path_factory.mktemp("finished")
    result = train(start, *TINY)
    assert result.status == 0, result.stderr
    return types.SimpleNamespace(
        start=start, path=start / "runs" / "digits-elastic_infogan-split31-seed0", result=result)


@pytest.fixture
def run_copy(finished, tmp_path):
    """A copy of the finished run, to go on with or to damage."""
    return shutil.copytree(finished.path, tmp_path / "run")

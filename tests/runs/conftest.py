"""The training command as a user runs it, and one finished run that tests may look at or copy."""

import os
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

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
def start_python():
    """Starts Python in a directory, with nothing set that silences TensorFlow."""
    def start(directory, *arguments, **options):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("TF_") or name == "TF_CONFIG"}
        environment["PYTHONPATH"] = str(REPOSITORY)
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)], cwd=directory, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_interruptible, **options)
    return start


@pytest.fixture(scope="session")
def start_training(start_python):
    """Starts `python -m eig_tf.train ARGS` in a directory."""
    def start(directory, *arguments):
        return start_python(directory, "-m", "eig_tf.train", *arguments)
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
def refused():
    """Checks that a command refused its input (exit status 2, one line); returns its sentence."""
    def check(result):
        assert result.status == 2, result.stderr
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr
    return check


@pytest.fixture(scope="session")
def variables():
    """Reads everything in the checkpoint of a run: weights, prior, optimizers' state and counts."""
    def read(directory):
        reader = tf.train.load_checkpoint(str(directory / "checkpoints"))
        types = reader.get_variable_to_dtype_map()
        return {name: reader.get_tensor(name) for name in types if types[name] != tf.string}
    return read


@pytest.fixture(scope="session")
def assert_same_run(variables, contents):
    """Checks that two runs are equal to the last bit: checkpoints, tables and pictures."""
    def check(found, expected):
        one, other = variables(found), variables(expected)
        assert one.keys() == other.keys()
        assert any("prior" in name for name in one) and any("optimizer" in name for name in one)
        for name, values in one.items():
            if "save_counter" not in name:
                np.testing.assert_array_equal(values, other[name], err_msg=name)
        for name in ("history.csv", "prior.csv"):
            assert (found / name).read_text() == (expected / name).read_text()
        assert contents(found / "samples") == contents(expected / "samples")
    return check


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

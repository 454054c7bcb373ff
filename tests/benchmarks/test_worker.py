import subprocess

import pytest

from benchmarks.worker import measure_in_process

pytestmark = pytest.mark.slow


def test_functions_run_in_another_process_from_any_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert measure_in_process("timing", "percentile", seconds=[0.25, 0.5], percent=50) == 250


def test_failure_of_the_process_is_an_error(capfd):
    with pytest.raises(subprocess.CalledProcessError):
        measure_in_process("timing", "summarize", seconds=[])
    assert "Error" in capfd.readouterr().err

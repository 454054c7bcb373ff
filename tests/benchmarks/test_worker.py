import subprocess

import pytest

from benchmarks.worker import measure_in_process


@pytest.mark.slow
def test_functions_run_in_another_process_from_any_directory_and_may_fail(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert measure_in_process("timing", "percentile", seconds=[0.25, 0.5], percent=50) == 250
    with pytest.raises(subprocess.CalledProcessError):
        measure_in_process("timing", "summarize", seconds=[])
    assert "Error" in capfd.readouterr().err
    with pytest.raises(subprocess.TimeoutExpired):
        measure_in_process("timing", "percentile", timeout=0.01, seconds=[0.25], percent=50)

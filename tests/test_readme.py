"""The README says what the results say, and its code runs."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from eig_tf.evaluation import summary


@pytest.fixture
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def test_table_is_that_of_the_result_files(readme, repository):
    evaluations = [summary.read(path) for path in sorted(repository.glob("results/*/*.json"))]
    assert evaluations
    assert summary.markdown(evaluations) in readme


def test_speed_ratios_are_those_of_the_benchmark(readme, repository):
    benchmark = json.loads((repository / "results" / "benchmark.json").read_text(encoding="utf-8"))
    section = readme.split("## Speed")[1].split("\n## ")[0]
    ratios = re.findall(r"^\| .* \| (\d\.\d\d) \|$", section, flags=re.MULTILINE)
    assert ratios == [f"{row['ratio']:.2f}" for row in benchmark["step"]]
    assert f"{benchmark['arithmetic']['share']:.0%} of the rate" in section


def test_rates_and_memory_of_the_data_are_those_of_the_benchmark(readme, repository):
    benchmark = json.loads((repository / "results" / "data_benchmark.json").read_text(encoding="utf-8"))
    rates = {}
    for row in benchmark["rates"]:
        rates.setdefault(row["name"], {})[row["cores"]] = f"{row['pairs_per_second']['median']:,}"
    for name, by_cores in rates.items():
        row = rf"^\| {name} \| .* \| {by_cores[1]} \| {by_cores[2]} \|$"
        assert re.search(row, readme, flags=re.MULTILINE)
    text = " ".join(readme.split())
    for row in benchmark["memory"]:
        assert f"{row['mib']['end']['resident']} MiB with {row['images']:,}" in text


@pytest.mark.slow
def test_library_example_runs(readme, command):
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    result = command("-c", code.replace("epochs=20", "epochs=1"))
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_commands_of_the_export_section_run(readme, command, repository, tmp_path):
    """On a run directory of the name that the README uses, made in seconds from digits."""
    section = readme.split("## Export and serving")[1].split("\n## ")[0]
    (block,) = re.findall(r"```\n(.*?)```", section, flags=re.DOTALL)
    run_dir = re.search(r"tools/export\.py (\S+)", block).group(1)
    trained = command("-m", "eig_tf.train", "--dataset=digits", "--config.training.epochs=1",
                      "--config.networks.width=0.1", "--noexport", f"--workdir={run_dir}")
    assert trained.returncode == 0, trained.stderr
    (tmp_path / "tools").symlink_to(repository / "tools")
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(["sh", "-ec", block], cwd=tmp_path, text=True, capture_output=True, check=False,
                            env={**os.environ, "PATH": search, "PYTHONPATH": str(repository)})
    assert result.returncode == 0, result.stderr
    assert "Result for output key images" in result.stdout

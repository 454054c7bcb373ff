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
    evaluations = [summary.read_evaluation(path) for path in sorted(repository.glob("results/*/*.json"))]
    assert evaluations
    assert summary.markdown_table(evaluations) in readme


@pytest.fixture
def speed(readme):
    """The section on speed."""
    return readme.split("## Speed")[1].split("\n## ")[0]


@pytest.fixture
def result(repository):
    """Reads a file of `results/`."""
    return lambda name: json.loads((repository / "results" / name).read_text(encoding="utf-8"))


def _cells(section, heading):
    """The numbers in the rows of the table under a heading, by the text of their first cell."""
    lines = section.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [line.strip("| ").split(" |") for line in lines]
    return {name.strip("`"): [cell.strip() for cell in cells if cell.strip()] for name, *cells in rows}


def test_speed_ratios_are_those_of_the_benchmarks(speed, result):
    mnist, cars = result("benchmark.json"), result("cars_benchmark.json")
    ratios = [[f"{row['ratio']:.2f}" for row in benchmark["step"]] for benchmark in (mnist, cars)]
    assert len(ratios[0]) > len(ratios[1]) > 3
    expected = [list(pair) for pair in zip(*ratios)] + [[ratio] for ratio in ratios[0][len(ratios[1]):]]
    assert list(_cells(speed, "variant of the training step").values()) == expected
    shares = [f"{benchmark['arithmetic']['share']:.0%}" for benchmark in (mnist, cars)]
    assert f"runs at {shares[0]} (cars: {shares[1]}) of the rate" in speed


def test_serving_ratios_are_those_of_the_benchmark(speed, result):
    benchmark = result("serving_benchmark.json")
    expected = {}
    for row in benchmark["requests"]:
        if not row["signature"].startswith("bare"):
            expected.setdefault(row["signature"], []).append(f"{row['ratio']:.2f}")
    assert _cells(speed, "signature") == expected
    assert all(row["traces"] == 1 for row in benchmark["retracing"]["signatures"])
    first = next(row for row in benchmark["first_requests"]["requests"] if row["signature"] == "generate")
    cold, warm = (first[field] / first["later_ms"] for field in ("cold_ms", "warm_ms"))
    sentence = f"takes {cold:.0f} times as long as later ones, and {warm:.1f} times after"
    assert sentence in " ".join(speed.split())


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

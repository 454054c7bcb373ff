"""The README says what the results say, and its code runs."""

import json
import re

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


@pytest.mark.slow
def test_library_example_runs(readme, command):
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    result = command("-c", code.replace("epochs=20", "epochs=1"))
    assert result.returncode == 0, result.stderr

"""The README and docs/ say what the result files say, their links lead somewhere and their code runs."""

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from eig_tf.config import config_from_fields
from eig_tf.evaluation import summary
from eig_tf.reproduction.targets import reproduce

REPOSITORY = Path(__file__).parent.parent


def read(name):
    return (REPOSITORY / name).read_text(encoding="utf-8")


def result(name):
    return json.loads(read(f"results/{name}"))


def cells(text, heading):
    """The other cells in the rows of the table under a heading, by the text of their first cell."""
    lines = text.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    rows = [line.strip("| ").split(" |") for line in lines]
    return {name.strip("`"): [cell.strip() for cell in others if cell.strip()] for name, *others in rows}


@pytest.mark.parametrize(("page", "pattern"), [
    ("docs/results.md", "results/*/*.json"), ("docs/results.md", "results/grids/*/*.json")])
def test_tables_are_those_of_the_result_files(page, pattern):
    evaluations = [summary.read_evaluation(path) for path in sorted(REPOSITORY.glob(pattern))]
    assert evaluations
    assert summary.markdown_table(evaluations) in read(page)


ALL_SETS = ["digits", "mnist_15_epochs", "categories/mnist_15_epochs", "*_cpu"]


@pytest.mark.parametrize("name, target, evaluations", [
    ("digits", "table1", ["digits"]), ("ablations", "ablations", ["ablations/settings"]),
    ("table1", "table1", ALL_SETS), ("claims", "claims", ALL_SETS)])
def test_tables_are_what_the_commands_make(name, target, evaluations, tmp_path):
    patterns = [str(REPOSITORY / "results" / pattern) for pattern in evaluations]
    paths, _ = reproduce(target, tmp_path, evaluations=patterns)
    assert {".md", ".csv", ".png"} <= {path.suffix for path in paths}
    for path in paths:
        assert path.suffix == ".png" or path.read_text() == read(f"results/tables/{name}/{path.name}")
    for page, heading in {"table1": [("README.md", "## NMI on all data sets\n\n")],
                          "claims": [("docs/reproduction.md", "number of claims.\n\n")]}.get(name, []):
        assert read(f"results/tables/{name}/{target}.md").split(heading)[1].split("\n\n")[0] in read(page)


@pytest.mark.parametrize("pattern", [
    "categories/*/*.json", "ablations/codes_by_agreement/*/*.json", "ablations/features_of_q/*/*.json",
    "ablations/one_pass_unguided/*/*.json"])
def test_tables_of_categories_are_those_of_the_result_files(pattern):
    paths = sorted(REPOSITORY.glob(f"results/{pattern}"))
    evaluations = [summary.read_evaluation(path) for path in paths]
    assert evaluations
    assert summary.category_table(evaluations) in read("docs/categories.md")


def test_the_short_table_of_the_readme_has_the_figures_of_the_whole_one():
    def rows(text, heading, columns):
        names = [name.strip() for name in text[text.index(heading):].splitlines()[0].split("|")]
        lines = text[text.index(heading):].split("\n\n")[0].splitlines()[2:]
        cells_of = [dict(zip(names, (cell.strip() for cell in line.split("|")))) for line in lines]
        return cells_of, sorted([row[name] for name in columns] for row in cells_of)
    figures = ["NMI / accuracy, real", "k-means of pixels", "spectral, pixels", "NMI / ENT, generated"]
    short, found = rows(read("README.md"), "| images | kinds |", figures)
    paths = sorted(REPOSITORY.glob("results/categories/*/agglomerative_infogan-*.json"))
    table = summary.category_table([summary.read_evaluation(path) for path in paths])
    whole, expected = rows(table, "| data set | method |", figures)
    assert found == expected
    assert sorted(row["kinds"] for row in short) == sorted(row["M (K)"].split()[0] for row in whole)
    assert sum(int(row["runs"]) for row in short) == len(paths)


def test_the_machine_is_like_another_seed():
    text = " ".join(read("docs/results.md").split())

    def nmi(*names):
        return [result(f"{name}.json")["metrics"]["nmi"] for name in names]
    first = nmi("mnist_15_epochs/elastic_infogan-split0-seed0",
                "ablations/settings/mnist-default-elastic_infogan-split0-seed0")
    assert "{:.3f} on a core and {:.3f} on a GPU for split 0".format(*first) in text
    for method in ("elastic_infogan", "uniform_infogan"):
        name = f"{method}-split1-seed0"
        assert "{:.3f} and {:.3f} for split 1".format(
            *nmi(f"mnist_15_epochs/{name}", f"ablations/machines/{name}")) in text
    assert "on chairs with seed 3 {:.3f} and {:.3f}".format(*nmi(
        "chairs_cpu/uniform_infogan-split1-seed3",
        "ablations/machines/chairs-uniform_infogan-split1-seed3")) in text


def test_positive_pairs_alone_make_the_features_of_faces_worse():
    found = [result(f"umist_cpu/gumbel_infogan_pos-split0-seed{seed}.json")["metrics"] for seed in (0, 1)]
    before, after = (statistics.mean(metrics[name] for metrics in found) for name in (
        "one_nn_accuracy_of_random_weights", "one_nn_accuracy"))
    assert f"1-NN falls from {before:.3f} to {after:.3f}." in " ".join(read("docs/results.md").split())


def test_the_readme_is_short_and_all_links_lead_somewhere():
    assert len(read("README.md").splitlines()) <= 200
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *REPOSITORY.glob("docs/*.md")]
    broken = [(page.name, target) for page in pages
              for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
              if not (page.parent / target).exists()]
    assert not broken


def test_pictures_are_small():
    pictures = list(REPOSITORY.glob("docs/pictures/*"))
    assert pictures and all(picture.stat().st_size < 150_000 for picture in pictures)


def test_recall_by_training_images():
    text = read("docs/your_images.md")
    for name in ("digits", "cars", "mnist", "gtsrb"):
        report = result(f"rebalancing_{name}.json")
        for row in report["rows"]:
            mean, rare = (f"{row[key]['mean']:.3f} ± {row[key]['std']:.3f}"
                          for key in ("mean_recall", "rare_recall"))
            assert f"| {name}, {report['steps']:,} steps | {row['name']} | {mean} | {rare} |" in text


def test_suggested_numbers_of_categories():
    text = read("docs/your_images.md")
    found = [(row[2], row[3], row[4]) for row in cells(text, "data set").values()]
    expected = []
    for evidence in result("number_of_categories.json").values():
        numbers = [candidate["number"] for candidate in evidence["candidates"]]
        strong = "yes" if any(each["strength"] >= 0.8 for each in evidence["candidates"]) else "no"
        expected.append((f"{numbers[0]} to {numbers[-1]}", str(evidence["suggested"]), strong))
    assert found == expected


def test_speed_of_the_training_step():
    text = read("docs/performance.md")
    benchmarks = [result("benchmark.json"), result("cars_benchmark.json")]
    mnist, cars = ({row["name"]: f"{row['ratio']:.2f}" for row in benchmark["step"]}
                   for benchmark in benchmarks)
    assert cells(text, "variant of the training step") == {
        name: [ratio, *([cars[name]] if name in cars else [])] for name, ratio in mnist.items()}
    shares = [f"{benchmark['arithmetic']['share']:.0%}" for benchmark in benchmarks]
    assert f"runs at {shares[0]} (cars: {shares[1]}) of the rate" in " ".join(text.split())


def test_speed_of_serving():
    text, benchmark = read("docs/performance.md"), result("serving_benchmark.json")
    expected = {}
    for row in benchmark["requests"]:
        if not row["signature"].startswith("bare"):
            expected.setdefault(row["signature"], []).append(f"{row['ratio']:.2f}")
    assert cells(text, "signature") == expected
    first = next(row for row in benchmark["first_requests"]["requests"] if row["signature"] == "generate")
    cold, warm = (first[field] / first["later_ms"] for field in ("cold_ms", "warm_ms"))
    sentence = f"takes {cold:.0f} times as long as later ones, and {warm:.1f} times after"
    assert sentence in " ".join(text.split())


def test_speed_and_memory_of_the_input_pipelines():
    text, benchmark = read("docs/performance.md"), result("data_benchmark.json")
    rates = {}
    for row in benchmark["rates"]:
        rates.setdefault(row["name"], []).append(f"{row['pairs_per_second']['median']:,}")
    assert {name: row[1:] for name, row in cells(text, "preset").items()} == rates
    for row in benchmark["memory"]:
        assert f"{row['mib']['end']['resident']} MiB with {row['images']:,}" in " ".join(text.split())


def test_time_to_quality():
    """Seconds are relative to those of elastic_infogan on the same split."""
    text = read("docs/performance.md")
    for split in range(3):
        reports = [result(f"time_to_quality_{method}-split{split}.json")
                   for method in ("elastic_infogan", "agglomerative_infogan")]
        for report in reports:
            assert (report["settings"]["split"], report["threshold"]) == (split, 0.85)
            last = report["curve"][-1]
            seconds = last["seconds"] / reports[0]["curve"][-1]["seconds"]
            reached = "yes" if report["reached"] else "no"
            assert (f"| {split} | {report['method']} | {last['epoch']} ({last['steps']:,}) | {seconds:.2f} | "
                    f"{last['nmi']:.3f} / {last['ent']:.3f} | {reached} |") in text


def test_speed_and_memory_of_several_devices():
    text, rows = read("docs/performance.md"), result("scaling_benchmark.json")["rows"]
    by_name = {row["name"]: row for row in rows}
    assert cells(text, "layout") == {
        name: [f"{by_name[f'{name}, {shared}']['ratio']:.2f}" for shared in ("global", "local")]
        + [f"{by_name[f'{name}, global']['share_of_agreeing']:.0%}"]
        for name in ("2 devices", "2 processes of 1 device")}
    one, two, processes = (max(peak["process"] for peak in by_name[name]["peak_mib"]) for name in (
        "1 device", "2 devices, global", "2 processes of 1 device, global"))
    assert (f"One device needs {one} MiB at its peak, two devices {two} MiB in one process, two processes "
            f"{processes} MiB or less each.") in " ".join(text.split())


def test_the_library_example_of_the_readme_is_one_that_runs():
    """`tests/test_examples.py` runs it; it prints its losses in other words."""
    (code,) = re.findall(r"```python\n(.*?)```", read("README.md"), flags=re.DOTALL)
    assert code in read("examples/library.py").replace(", verbose=2)", ")")


@pytest.mark.slow
def test_the_serving_commands_of_the_readme_run(write_first_weights, tmp_path):
    """On a run directory of the name that the README uses, with first weights for digits."""
    section = read("README.md").split("## Serving")[1].split("\n## ")[0]
    (block,) = re.findall(r"```\n(.*?)```", section, flags=re.DOTALL)
    run_dir = re.search(r"tools/export\.py (\S+)", block).group(1)
    write_first_weights(tmp_path / run_dir, config_from_fields("digits", fields={"networks.width": 0.1}))
    (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(["sh", "-ec", block], cwd=tmp_path, text=True, capture_output=True, check=False,
                            env={**os.environ, "PATH": search, "PYTHONPATH": str(REPOSITORY)})
    assert result.returncode == 0, result.stderr
    assert "Result for output key images" in result.stdout

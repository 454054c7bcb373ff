"""`tools/reproduce.py` as a user runs it."""

import json
import statistics

import pytest

TARGETS = ("table1, table2, table3, table4, fig1, fig3, fig4, fig5, fig6, fig7, fig8, fig9, traversals, "
           "claims, false_negatives, ablations, all")


def test_help_and_bad_command_lines_need_no_tensorflow(run, refused, without_tensorflow):
    shown = run("reproduce", "--help", PYTHONPATH=without_tensorflow)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(name in shown.stdout for name in ("--evaluations", "--reference", "fig9", "false_negatives"))
    for arguments, sentence in (
            ([], "the arguments are none; expected exactly one, a target; --help lists them"),
            (["table9"], f"the target is 'table9'; expected one of {TARGETS}"),
            (["table1", "--evaluations=a", "--sweep_dir=b"], "--sweep_dir is given with --evaluations, where "
             "it has no effect; expected one of them"),
            (["false_negatives", "--preset=cpu"], "--preset is given with false_negatives, where it has no "
             "effect; expected one of them"),
            (["table1", "--preset=gpu"], "flag --preset=gpu: value should be one of <paper|cpu>; --help "
                                         "lists the flags")):
        assert refused(run("reproduce", *arguments, PYTHONPATH=without_tensorflow)) == sentence


@pytest.mark.slow
def test_tables_of_committed_results(run, repository, tmp_path):
    finished = run("reproduce", "table1", f"--evaluations={repository}/results/digits")
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.splitlines() == [
        f"written  reproduction/evaluations/table1.{suffix}" for suffix in ("md", "csv", "tex", "png")]
    # Recomputed from the result files, since every sweep adds to them.
    values = [json.loads(file.read_text())["metrics"]["nmi"]
              for file in repository.glob("results/digits/elastic_infogan-*.json")]
    cell = f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f} ({len(values)})"
    text = (tmp_path / "reproduction" / "evaluations" / "table1.md").read_text()
    assert f"| elastic_infogan | {cell} |" in text


@pytest.mark.slow
def test_data_that_are_missing_are_named(run):
    finished = run("reproduce", "table4", "--preset=paper", "--datasets=cars,chairs")
    assert finished.returncode == 2 and finished.stdout == ""
    assert [line.split(";")[0] for line in finished.stderr.splitlines()] == [
        "error: data of cars: cars is no directory", "data of chairs: rendered_chairs is no directory"]

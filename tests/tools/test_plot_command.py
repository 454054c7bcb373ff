"""Drawing a run's figures as a user does it, with the first weights of a small run."""

import pytest

from eig_tf.evaluation.run_figures import FIGURES


def test_help_names_every_figure(run):
    text = run("plot", "--help").stdout
    assert [name for name in FIGURES if f"\n  {name}" not in text] == []


@pytest.mark.slow
def test_figures_of_a_run(run, first_weights, tmp_path):
    (tmp_path / "run").symlink_to(first_weights.path)
    result = run("plot", "run", "--codes=7,0", "--columns=2")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "note: the run has no continuous codes; traversals are left out" in lines
    for name in ("overview", "codes", "neighbours", "prior"):
        assert f"figure  run/figures/{name}.png" in lines
        assert (tmp_path / "run" / "figures" / f"{name}.png").is_file()

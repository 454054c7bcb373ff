"""Drawing a run's figures as a user does it, with the first weights of a small run."""

import pytest

from eig_tf import config as config_lib
from eig_tf.evaluation.run_figures import FIGURES
from eig_tf.models.registry import build_model
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment


@pytest.fixture
def plot(command, repository):
    def run(*arguments, **environment):
        return command(repository / "tools" / "plot.py", *arguments, **environment)
    return run


def test_help_needs_no_tensorflow_and_names_every_figure(plot, without_tensorflow):
    result = plot("--help", PYTHONPATH=without_tensorflow)
    assert result.returncode == 0
    assert "--codes_as" in result.stdout and "RUN_DIR" in result.stdout
    for name in FIGURES:
        assert f"\n  {name}" in result.stdout


@pytest.mark.parametrize("arguments, message", [
    ([], "the arguments are none; expected exactly one, RUN_DIR"),
    (["none"], "none is not a directory; expected a run directory that eig_tf.train wrote"),
    ([".", "--columns=0"], "--columns is 0; expected a number from 1 to 100"),
    ([".", "--columns=101"], "--columns is 101; expected a number from 1 to 100"),
    ([".", "--seed=-1"], "--seed is -1; expected a number from 0 to 2147483647"),
    ([".", "--codes=1,two"], "--codes is '1,two'; expected different codes, such as 0,3,7"),
    ([".", "--codes=-1"], "--codes is '-1'; expected different codes, such as 0,3,7"),
    ([".", "--codes=3,3"], "--codes is '3,3'; expected different codes, such as 0,3,7"),
    ([".", "--codes="], "--codes is ''; expected different codes, such as 0,3,7"),
    ([".", "--formats=png,svg"], "--formats is 'png,svg'; expected png, pdf or png,pdf"),
    ([".", "--formats="], "--formats is ''; expected png, pdf or png,pdf"),
    ([".", "--output=file"], "--output is 'file', a file; expected a directory, or a new name"),
    ([".", "--output=no/figures"], "--output is 'no/figures', but 'no' is not a directory that can be "
     "written; expected a directory in one"),
])
def test_bad_command_lines_are_refused_before_any_work(
        plot, without_tensorflow, tmp_path, arguments, message):
    (tmp_path / "file").write_text("")
    result = plot(*arguments, PYTHONPATH=without_tensorflow)
    assert result.returncode == 2
    assert result.stderr.strip() == f"error: {message}"


def test_figures_of_a_run(plot, tmp_path):
    config = config_lib.load_preset("digits")
    config.networks.width = 0.1
    directory = RunDirectory(tmp_path / "run")
    directory.path.mkdir()
    config_lib.save_config(config, directory.config)
    directory.save_environment(RunEnvironment())
    directory.checkpoint_manager(build_model(config)).save(checkpoint_number=1)
    result = plot("run", "--codes=7,0", "--columns=2")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert "note: the run has no continuous codes; traversals are left out" in lines
    for name in ("overview", "codes", "neighbours", "prior"):
        assert f"figure  run/figures/{name}.png" in lines
        assert (tmp_path / "run" / "figures" / f"{name}.png").is_file()

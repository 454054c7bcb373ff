"""The plan of a sweep: commands of what is not done, and times of what is known and of what is measured."""

import contextlib
import re

import pytest
from stand_in import make_commands

from eig_tf.sweeps import estimate
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import RunStatus, SweepDirectory


@pytest.mark.slow
def test_a_plan_of_a_known_and_a_measured_run(tmp_path, monkeypatch, capsys):
    """Of two runs that differ in their split, one took two hours; a small one has to be measured."""
    monkeypatch.setattr(estimate, "ray_slots", lambda *_: contextlib.nullcontext(2))
    digits = {"dataset": "digits", "method": "uniform_infogan"}
    spec = parse_spec({"runs": [{**digits, "split": [0, 1]}, {
        **digits, "label": "small", "config": {"training.epochs": 1, "networks.width": 0.0625}}]}, "a.yaml")
    directory = SweepDirectory(tmp_path / "sweep")
    directory.prepare(spec)
    done, same, small = spec.runs
    directory.run(done.name).mkdir()
    make_commands(directory.path)(done)
    (tmp_path / f"sweep-{done.name}.json").rename(directory.evaluation(done.name))
    directory.save_status(done.name, RunStatus("done", 1, 7200.0))
    estimate.print_plan(spec, directory.path, data_root=".", cache_dir=tmp_path / "cache", cpus_per_run=1.0,
                        gpus_per_run=0.0, address=None)
    name, training, evaluation, *lines = capsys.readouterr().out.splitlines()
    assert name == same.name and " --split=1 " in training and "evaluate.py " in evaluation
    assert lines[0] == small.name
    assert lines[3] == "measures steps of 1 settings"
    assert re.fullmatch(r"small, uniform_infogan: [1-9]\d*\.\d ms for each of 18 steps of an epoch", lines[4])
    assert lines[5:] == ["2 runs to do, 1 done; 2 side by side take about 60 min, without the start of each "
                         "run, evaluations"]
    assert [path.name for path in directory.path.glob("runs/*")] == [done.name]

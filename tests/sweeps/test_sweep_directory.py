"""The directory of a sweep: what may change between two starts, and what is read back."""

import json

import pytest
from stand_in import make_commands

from eig_tf.errors import UserError
from eig_tf.sweeps.attempts import AttemptResult
from eig_tf.sweeps.execution import _Sweep, is_finished
from eig_tf.sweeps.progress_table import ProgressTable
from eig_tf.sweeps.spec import parse_spec
from eig_tf.sweeps.sweep_directory import RunStatus, SweepDirectory, load_sweep


def test_a_specification_is_read_back_and_runs_may_only_be_added(stand_ins, tmp_path):
    directory, spec = SweepDirectory(tmp_path / "sweep"), stand_ins("a", "b")
    directory.prepare(spec)
    assert load_sweep(directory.path) == (spec, {run.name: RunStatus() for run in spec.runs}, {})
    more = stand_ins("c", "a", "b")
    directory.prepare(more)
    assert load_sweep(directory.path).spec == more
    other = {**more.runs[2].config, "seed": 1}
    changed = more._replace(runs=(*more.runs[:2], more.runs[2]._replace(config=other)))
    for asked, what in ((spec, "a run c-uniform_infogan-split0-seed0, which sweep.yaml lacks"),
                        (changed, r"other settings of b-uniform_infogan-split0-seed0 \(--dataset=digits "),
                        (more._replace(export=True), "other values of evaluate or export")):
        with pytest.raises(UserError, match=f"sweep holds a sweep with {what}.*; expected the same"):
            directory.prepare(asked)
    assert load_sweep(directory.path).spec == more
    # A split that becomes a list, in another order of the keys, is that of before.
    (tmp_path / "lists").mkdir()
    lists, digits = SweepDirectory(tmp_path / "lists"), {"dataset": "digits", "method": "uniform_infogan"}
    lists.prepare(parse_spec({"runs": [digits]}, "a.yaml"))
    wider = parse_spec({"runs": [{"split": "0-1", **digits}]}, "a.yaml")
    lists.prepare(wider)
    assert load_sweep(lists.path).spec == wider


def test_other_directories_and_damaged_files_are_refused(stand_ins, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="which exists and holds no sweep; expected a new or empty directory"):
        SweepDirectory(tmp_path).prepare(stand_ins("a"))
    with pytest.raises(UserError, match=r"it has no sweep\.json; expected one that tools/sweep\.py wrote"):
        load_sweep(tmp_path)
    directory = SweepDirectory(tmp_path / "sweep")
    with (directory.locked(), pytest.raises(UserError, match=r"is in use by another tools/sweep\.py"),
          SweepDirectory(directory.path).locked()):
        pass
    directory.prepare(stand_ins("a"))
    name = "a-uniform_infogan-split0-seed0"
    directory.status(name).write_text('{"state": "done", "colour": 1}')
    with pytest.raises(UserError, match=rf"{name}\.json cannot be read: .*; expected the file that "):
        load_sweep(directory.path)
    for config in (None, {}, {"dataset": "x", "method": "x", "split": 0, "seed": 0}):
        content = json.loads(directory.spec.read_text())
        directory.spec.write_text(json.dumps({**content, "runs": [{**content["runs"][0], "config": config}]}))
        with pytest.raises(UserError, match=r"sweep\.json cannot be read: .*; expected the file that "):
            load_sweep(directory.path)


def test_a_run_is_finished_when_it_was_evaluated_as_asked(tmp_path):
    """Records hold the whole config, with more decimals than their metrics have."""
    directory, digits = SweepDirectory(tmp_path / "sweep"), {"dataset": "digits", "method": "uniform_infogan"}
    spec = parse_spec({"runs": [{**digits, "config": {"optimizer.learning_rate": 1.5e-7}}]}, "a.yaml")
    (run,) = spec.runs
    directory.prepare(spec)
    make_commands(directory.path)(run)
    record = tmp_path / f"sweep-{run.name}.json"
    directory.run(run.name).mkdir()
    assert not is_finished(run, spec, directory)
    record.rename(directory.evaluation(run.name))
    assert is_finished(run, spec, directory)
    assert is_finished(run, spec._replace(evaluate_arguments=("--images_per_code=0",)), directory)
    for other in (spec._replace(evaluate_arguments=("--images_per_code=5",)), spec._replace(export=True),
                  spec._replace(evaluate_arguments=("--classifier=resnet50",))):
        assert not is_finished(run, other, directory)
    run.config["training"]["epochs"] += 1
    assert not is_finished(run, spec, directory)
    directory.evaluation(run.name).write_text("{")
    assert not is_finished(run, spec, directory)


def test_a_run_that_was_stopped_waits_without_an_error(stand_ins, tmp_path):
    """Its earlier attempt died, which is not why it waits."""
    directory, spec = SweepDirectory(tmp_path / "sweep"), stand_ins("a")
    directory.prepare(spec)
    (name,) = (run.name for run in spec.runs)
    sweep = _Sweep(spec, directory, 1.0, 0.0, max_retries=3)
    assert sweep._finish(name, AttemptResult(2.0, "it died", retry=True), stopping=False)
    assert directory.load_status(name) == RunStatus(seconds=2.0, error="it died")
    assert not sweep._finish(name, AttemptResult(3.0, stopped=True), stopping=True)
    assert directory.load_status(name) == RunStatus(seconds=5.0)


def test_progress_is_a_line_for_each_change(stand_ins, tmp_path, capsys):
    """The time that is left is not that of a run with a lost attempt, whose time is not known."""
    directory, spec = SweepDirectory(tmp_path), stand_ins("a", "b", "c")
    first, second, third = (run.name for run in spec.runs)
    table, waiting = ProgressTable(spec, directory, 1), RunStatus()
    died, done = RunStatus("done", 2, 5.0), RunStatus("done", 1, 120.0)
    for statuses in ((waiting, waiting, waiting), (RunStatus("running", 1, host="h"), waiting, waiting),
                     (RunStatus("waiting", 1, error="it died"), waiting, waiting),
                     (RunStatus("running", 2, host="h"), waiting, waiting), (died, waiting, waiting),
                     (died, done, waiting), (died, done, RunStatus("failed", 1, 3.0, "bad"))):
        for _ in range(2):
            table.update(dict(zip((first, second, third), statuses)))
    assert capsys.readouterr().out.splitlines() == [
        f"{first} starts on h; 0 of 3 runs done, 1 running, 0 failed, 2 waiting",
        f"{first} waits for another attempt (it died); 0 of 3 runs done, 0 running, 0 failed, 3 waiting",
        f"{first} starts on h, attempt 2; 0 of 3 runs done, 1 running, 0 failed, 2 waiting",
        f"{first} is done after 5 s; 1 of 3 runs done, 0 running, 0 failed, 2 waiting",
        f"{second} is done after 2 min; 2 of 3 runs done, 0 running, 0 failed, 1 waiting, about 2 min left",
        f"{third} failed (bad); 2 of 3 runs done, 0 running, 1 failed, 0 waiting"]


def test_a_terminal_shows_one_table(stand_ins, tmp_path, terminal):
    directory, spec = SweepDirectory(tmp_path), stand_ins("a", "b")
    first, second = (run.name for run in spec.runs)
    with terminal() as read:
        table = ProgressTable(spec, directory, 1)
        directory.run(first).mkdir(parents=True)
        (directory.run(first) / "history.csv").write_text("epoch\n1\n2\n")
        table.update({first: RunStatus("running", 1, host="h"), second: RunStatus("failed", 1, 3.0, "bad")})
        assert read() == ("0 of 2 runs done, 1 running, 1 failed, 0 waiting\n"
                          f"  {first}  epoch 2 of 120 done, 0 s on h\n  {second}  failed: bad\n")
        table.update({first: RunStatus("done", 1, 9.0), second: RunStatus("failed", 1, 3.0, "bad")})
        assert read() == ("\x1b[3F\x1b[J1 of 2 runs done, 0 running, 1 failed, 0 waiting\n"
                          f"  {second}  failed: bad\n")

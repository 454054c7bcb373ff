import math
import signal
import types

import numpy as np
import pytest
import tensorflow as tf

from eig_tf.errors import TrainingStopped, UserError
from eig_tf.figures import grids
from eig_tf.models.infogan import InfoGAN
from eig_tf.models.prior import CodePrior
from eig_tf.networks.dcgan28 import build_networks
from eig_tf.runs.callbacks import Checkpoints, Records, SampleGrids, ShortExecutions
from eig_tf.runs.environment import current_segment
from eig_tf.runs.hosts import Hosts
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment
from eig_tf.runs.stop_requests import StopRequests


@pytest.fixture
def records(tmp_path):
    def make(epochs_done=0):
        callback = Records(RunDirectory(tmp_path), epochs_done, tf.summary.create_noop_writer())
        callback.model = types.SimpleNamespace(prior=CodePrior(2))
        return callback
    return make


def test_rows_are_added_and_those_that_are_done_again_dropped(records, tmp_path):
    """A loss that earlier epochs lack is not a number there."""
    callback = records()
    for epoch in range(3):
        callback.on_epoch_end(epoch, {"d_loss": 1.0 + epoch})
    records(epochs_done=2).on_epoch_end(2, {"d_loss": 9.0})
    assert (tmp_path / "history.csv").read_text().split() == [
        "epoch,d_loss", "1,1.000000", "2,2.000000", "3,9.000000"]
    records(epochs_done=1).on_epoch_end(1, {"d_loss": 2.0, "new_loss": 3.0})
    assert (tmp_path / "history.csv").read_text().split() == [
        "epoch,d_loss,new_loss", "1,1.000000,nan", "2,2.000000,3.000000"]
    assert (tmp_path / "prior.csv").read_text().split() == [
        "epoch,p0,p1", "1,0.500000,0.500000", "2,0.500000,0.500000"]


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_divergence_ends_training_before_anything_is_recorded(records, tmp_path, loss):
    callback = records()
    callback.on_epoch_end(0, {"d_loss": 1.0, "g_loss": 1.0})
    before = (tmp_path / "history.csv").read_text()
    with pytest.raises(UserError, match=r"training diverged: g_loss is .* in epoch 2; the last checkpoint"):
        callback.on_epoch_end(1, {"d_loss": 1.0, "g_loss": loss})
    assert (tmp_path / "history.csv").read_text() == before


@pytest.mark.parametrize("text", ["ep\n1\n", "epoch,d_loss\nx,1\n", "epoch\n\n,\n"])
def test_damaged_table_is_named(records, tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(UserError, match=r"history\.csv cannot be read"):
        records(epochs_done=1)


@pytest.mark.parametrize(("epochs", "codes", "traversals"), [
    (3, [1, 2, 3], [2]),
    (39, range(1, 40), range(2, 40, 2)),
    (47, [*range(2, 47, 2), 47], range(4, 47, 4)),
    (100, range(5, 101, 5), range(10, 101, 10))])
def test_sample_grids_of_long_runs_are_some_twenty(tmp_path, monkeypatch, epochs, codes, traversals):
    picture = np.zeros([4, 4, 3], np.uint8)
    monkeypatch.setattr(grids, "code_grid", lambda model: picture)
    monkeypatch.setattr(grids, "traversal_grid", lambda model, index: picture)
    callback = SampleGrids(RunDirectory(tmp_path), epochs, tf.summary.create_noop_writer())
    callback.model = types.SimpleNamespace(num_continuous=2)
    for epoch in range(epochs):
        callback.on_epoch_end(epoch)
    drawn = [*(f"codes_epoch_{epoch:04d}.png" for epoch in codes),
             *(f"continuous_{index}_epoch_{epoch:04d}.png" for index in range(2) for epoch in traversals)]
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == drawn


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def checkpoints(tmp_path):
    """Makes the callback of epochs of ten steps that saves every two minutes, with a clock."""
    directory = RunDirectory(tmp_path)
    directory.save_environment(RunEnvironment(segments=(current_segment("float32", 1),)))
    clock, stops = Clock(), StopRequests()
    model = InfoGAN(build_networks(width=0.0625), CodePrior(10))
    callback = Checkpoints(directory, directory.checkpoint_manager(model), 10, 2.0,
                           Hosts(tf.distribute.get_strategy()), stops, clock)
    callback.set_model(model)
    return types.SimpleNamespace(
        callback=callback, clock=clock, stops=stops, directory=directory, model=model)


def saved(made):
    checkpoint = made.directory.checkpoint_manager(made.model).checkpoint
    made.directory.restore_newest(checkpoint)
    return int(checkpoint.epochs_done), int(checkpoint.steps_done), checkpoint.loss_sums.values


def test_checkpoints_by_time_within_an_epoch_and_at_its_end(checkpoints):
    callback, clock, model = checkpoints.callback, checkpoints.clock, checkpoints.model
    callback.on_epoch_begin(0)
    for batch, seconds, number in ((2, 119, 0), (5, 121, 1), (7, 130, 1), (8, 242, 2)):
        clock.seconds = seconds
        model.step.assign(batch + 1)
        model.global_mean("d_loss", tf.constant([0.1, 0.2]))
        callback.on_train_batch_end(batch)
        assert len(checkpoints.directory.checkpoint_paths()) == number
    epochs_done, steps_done, sums = saved(checkpoints)
    assert (epochs_done, steps_done) == (0, 9) and sums["d_loss"] == pytest.approx([1.2, 8.0])
    assert checkpoints.directory.load_environment().segments[-1]["last_epoch"] == 1
    # The end of the epoch saves its last step.
    clock.seconds = 900
    model.step.assign(10)
    callback.on_train_batch_end(9)
    callback.on_epoch_end(0)
    assert saved(checkpoints) == (1, 0, {})


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_named_and_leaves_nothing_half_written(checkpoints):
    with pytest.raises(UserError, match=r"checkpoints cannot be written: File too large; nothing is saved$"):
        checkpoints.callback._save(1, 0, {})
    assert list((checkpoints.directory.path / "checkpoints").iterdir()) == []


def test_epoch_that_was_begun_goes_on_with_its_losses(checkpoints):
    callback, model = checkpoints.callback, checkpoints.model
    callback.manager.checkpoint.steps_done.assign(4)
    callback.manager.checkpoint.loss_sums.values = {"d_loss": [1.5, 4.0]}
    callback.on_epoch_begin(3)
    model.global_mean("d_loss", tf.constant([2.5]))
    assert model.loss_sums["d_loss"] == [4.0, 5.0]
    checkpoints.stops.requested = signal.SIGTERM
    with pytest.raises(TrainingStopped, match="saved within epoch 4; the same command continues there"):
        callback.on_train_batch_end(1)
    assert saved(checkpoints)[:2] == (3, 6)


def test_divergence_within_an_epoch_keeps_the_last_checkpoint(checkpoints):
    callback, model = checkpoints.callback, checkpoints.model
    callback.on_epoch_begin(0)
    model.global_mean("g_loss", tf.constant([math.nan]))
    checkpoints.clock.seconds = 1000
    with pytest.raises(UserError, match="training diverged: g_loss is not finite in epoch 1; the last"):
        callback.on_train_batch_end(0)
    assert checkpoints.directory.checkpoint_paths() == []


def test_epoch_that_a_callback_cuts_short_is_not_taken_for_a_whole_one(checkpoints):
    callback = checkpoints.callback
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(3)
    callback.on_epoch_end(0)
    assert saved(checkpoints)[:2] == (0, 4)


def test_checkpoint_of_a_killed_writer_is_deleted_after_the_next_save(checkpoints):
    manager = checkpoints.directory.checkpoint_manager(checkpoints.model)
    manager.save(checkpoint_number=3)
    for step in (5, 6, 7):
        checkpoints.model.step.assign(step)
        checkpoints.callback.on_epoch_begin(0)
        checkpoints.callback.on_train_batch_end(8)
        checkpoints.callback.on_epoch_end(0)
    names = [path.rpartition("-")[2] for path in checkpoints.directory.checkpoint_paths()]
    assert names == ["7", "6"]


def test_executions_get_as_long_as_a_second(checkpoints):
    model, clock = checkpoints.model, checkpoints.clock
    model.compile(steps_per_execution=32)
    callback = ShortExecutions(32, Hosts(tf.distribute.get_strategy()), clock)
    callback.set_model(model)

    def steps():
        return int(model._steps_per_execution)
    callback.on_train_begin()
    assert steps() == 1
    for seconds, expected in ((20.0, 1), (0.3, 3), (9.0, 3)):
        callback.on_train_batch_begin(0)
        clock.seconds += seconds
        callback.on_train_batch_end(0)
        assert steps() == expected
    callback.on_train_end()
    assert steps() == 32

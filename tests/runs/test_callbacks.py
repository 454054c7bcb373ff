import math
import types

import pytest
import tensorflow as tf

from eig_tf.errors import UserError
from eig_tf.models.prior import CodePrior
from eig_tf.runs.callbacks import Records
from eig_tf.runs.run_directory import RunDirectory


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
    with pytest.raises(UserError, match=r"training diverged: g_loss is .* in epoch 2; the checkpoint"):
        callback.on_epoch_end(1, {"d_loss": 1.0, "g_loss": loss})
    assert (tmp_path / "history.csv").read_text() == before


@pytest.mark.parametrize("text", ["ep\n1\n", "epoch,d_loss\nx,1\n", "epoch\n\n,\n"])
def test_damaged_table_is_named(records, tmp_path, text):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(UserError, match=r"history\.csv cannot be read"):
        records(epochs_done=1)

"""A run with a schedule: `train_run` from the library, stopped and continued."""

import csv

from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.runs.training import train_run


class Temperature(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.contrastive_temperature = (1.0, 0.1)[epoch]


def contrastive_losses(workdir):
    with (workdir / "history.csv").open(newline="") as file:
        return [float(row["contrastive_loss"]) for row in csv.DictReader(file)]


def test_a_schedule_holds_in_a_run_and_in_its_continuation(tmp_path):
    config = config_lib.load_preset("digits")
    config.split = 31
    config.networks.width = 0.0625
    config.training.update(batch_size=200, steps_per_execution=1, precision="float32")
    for epochs in (1, 2):
        config.training.epochs = epochs
        train_run(config, tmp_path / "resumed", callbacks=[Temperature()])
    train_run(config, tmp_path / "scheduled", callbacks=[Temperature()])
    train_run(config, tmp_path / "constant")
    scheduled, constant = (contrastive_losses(tmp_path / name) for name in ("scheduled", "constant"))
    assert contrastive_losses(tmp_path / "resumed") == scheduled
    assert scheduled[0] == constant[0] and abs(scheduled[1] - constant[1]) > 0.1

"""`train_run` from the library, stopped and continued: with a schedule, and with categories to follow."""

import csv
import json
from pathlib import Path

import pytest
from tensorflow import keras

from eig_tf import config as config_lib
from eig_tf.categories import categorizer, discovery, partitions
from eig_tf.errors import UserError
from eig_tf.runs.training import train_run

REPOSITORY = Path(__file__).parents[2]


class Temperature(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.model.contrastive_temperature = (1.0, 0.1)[epoch]


def contrastive_losses(workdir):
    with (workdir / "history.csv").open(newline="") as file:
        return [float(row["contrastive_loss"]) for row in csv.DictReader(file)]


@pytest.mark.slow
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


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 3:
            raise KeyboardInterrupt


class EndTraining(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


@pytest.mark.slow
def test_a_callback_ends_a_training_before_its_categories(tmp_path):
    """Nothing is searched for, the run continues later, and its precision is not that of what follows."""
    config = config_lib.load_preset("digits", method="agglomerative_infogan")
    config.networks.update(width=0.0625)
    config.training.update(batch_size=200, steps_per_execution=1, precision="mixed_bfloat16", epochs=20)
    directory = train_run(config, tmp_path / "run", callbacks=[EndTraining()])
    assert directory.num_recorded_epochs() == 1 and not directory.categories.exists()
    assert keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.slow
def test_a_config_is_saved_when_the_checkpoint_fits(tmp_path):
    """A run that was too short for a guided epoch goes on, but not after a checkpoint that is damaged."""
    config = config_lib.load_preset("digits", method="agglomerative_infogan")
    config.networks.update(width=0.0625)
    config.training.update(batch_size=200, steps_per_execution=1, precision="float32")
    for epochs in (1, 20):
        config.training.epochs = epochs
        directory = train_run(config, tmp_path / "run", callbacks=[EndTraining()])
    assert directory.num_recorded_epochs() == 2 and directory.load_config().training.epochs == 20
    for path in directory.checkpoints.glob("*.data*"):
        path.write_bytes(b"")
    config.training.epochs = 30
    with pytest.raises(UserError, match="cannot be restored"):
        train_run(config, tmp_path / "run")
    assert directory.load_config().training.epochs == 20


@pytest.mark.slow
def test_a_generator_that_follows_categories_resumes_too(
        tmp_path, monkeypatch, capsys, contents, assert_same_run, command):
    monkeypatch.setattr(categorizer, "ROUNDS", 1)
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    monkeypatch.setattr(discovery, "IMAGES_PER_CODE", 10)
    config = config_lib.load_preset("digits", method="agglomerative_infogan")
    config.split = 31
    config.networks.update(width=0.0625, num_codes=6)
    config.categories.update(num_categories=4, guidance_share=0.5, categorizer_steps=2)
    config.training.update(batch_size=200, steps_per_execution=1, precision="float32", epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train_run(config, tmp_path / "stopped", callbacks=[Stop()])
    assert json.loads((tmp_path / "stopped" / "categories" / "categories.json").read_text())["epochs"] == 2
    assert "finds 4 categories" in capsys.readouterr().out
    result = command(REPOSITORY / "tools" / "find_categories.py", tmp_path / "stopped")
    assert result.returncode == 2 and "has done 3 of 4 epochs and trains with the categories" in result.stderr
    train_run(config, tmp_path / "stopped")
    said = capsys.readouterr().out
    assert "continues after epoch 3" in said and "finds 4 categories" not in said
    assert "trains until epoch 4 with a generator that follows the categories" in said
    train_run(config, tmp_path / "straight")
    assert_same_run(tmp_path / "stopped", tmp_path / "straight")
    tables = [contents(tmp_path / name / "categories")["categories.json"] for name in ("stopped", "straight")]
    assert tables[0] == tables[1] and json.loads(tables[0])["epochs"] == 4
    # Nothing is left to do for a finished run.
    before = [contents(tmp_path / "straight" / part) for part in ("categories", "logs")]
    train_run(config, tmp_path / "straight")
    assert [contents(tmp_path / "straight" / part) for part in ("categories", "logs")] == before

"""`python -m eig_tf.train` as a user meets it: what a run leaves, and what is refused."""

import csv
import json
import resource

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf.runs.run_directory import RunDirectory


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_help_answers_within_a_second_of_work(train, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = train(tmp_path, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert (result.status, result.stderr) == (0, "")
    for word in ("python -m eig_tf.train --dataset=digits", "--dataset", "--data_dir", "--method",
                 "elastic_infogan", "--split", "--seed", "--workdir", "overwrite"):
        assert word in result.stdout
    result = train(tmp_path, "--dataset=digits", "--help")
    for field in ("training.epochs", "loss.contrastive_weight", "networks.num_continuous"):
        assert f"--config.{field}" in result.stdout


@pytest.mark.parametrize(("arguments", "words"), [
    ([], ["--dataset is missing", "digits, folder, mnist"]),
    (["--dataset=../configs/mnist"], ["'../configs/mnist'", "digits, folder, mnist"]),
    (["--dataset=digits", "--epochs=3"], ["'epochs'", "--help"]),
    (["--dataset=digits", "--method=elastic"], ["--method is 'elastic'", "gumbel_infogan_pos"]),
    (["--dataset=digits", "--config.training.epoch=3"], ["config.training.epoch", "--help"]),
    (["--dataset=digits", "--config.training.epochs=many"], ["config.training.epochs", "'many'"]),
    (["--dataset=digits", "--split=first"], ["--split", "'first'"]),
    (["--dataset=digits", "--seed=-1"], ["--seed is -1", "0 or more"]),
    (["--dataset=digits", "--config.optimizer.learning_rate=nan"], ["learning_rate is nan"]),
    (["--dataset=digits", "--config.loss.gradient_routing=both"], ["'both'", "head, shared, contrastive"]),
    (["--dataset=digits", "--config=mine.py"], ["config"]),
    (["--dataset=digits", "now"], ["'now'"]),
], ids=lambda value: " ".join(value) if value and value[0].startswith("--") else None)
def test_bad_flag_is_refused_before_anything_is_written(train, tmp_path, arguments, words, refused):
    sentence = refused(train(tmp_path, *arguments))
    assert all(word in sentence for word in words)
    assert list(tmp_path.iterdir()) == []


def test_terminal_is_clean_and_says_what_was_done(finished):
    assert finished.result.stderr == ""
    lines = finished.result.stdout.splitlines()
    assert ["training.epochs", "2"] in [line.split() for line in lines]
    assert any(line.startswith("842 images") for line in lines)
    assert sum("d_loss" in line and "contrastive_loss" in line for line in lines) == 2
    assert lines[-2].split() == ["run", "directory", str(finished.path.relative_to(finished.start))]
    assert lines[-1].split()[:2] == ["sample", "grids"] and lines[-1].endswith("samples")


def test_run_directory_holds_what_it_should_and_nothing_else(finished):
    assert {path.name for path in finished.path.iterdir()} == {
        ".lock", "config.json", "environment.json", "history.csv", "prior.csv", "checkpoints", "samples",
        "logs"}
    assert {path.name for path in (finished.path / "samples").iterdir()} == {
        "codes_epoch_0001.png", "codes_epoch_0002.png"}
    assert json.loads((finished.path / "config.json").read_text())["split"] == 31
    segment, = RunDirectory(finished.path).load_environment().segments
    assert (segment["first_epoch"], segment["last_epoch"]) == (1, 2)
    assert segment["precision"] in ("float32", "mixed_bfloat16")
    assert segment["packages"]["tensorflow"] == tf.__version__
    assert RunDirectory(finished.path).restore_model()[2] == 2


def test_history_and_prior_have_one_row_an_epoch(finished):
    history = rows(finished.path / "history.csv")
    assert list(history[0]) == ["epoch", "d_loss", "g_loss", "info_loss", "contrastive_loss"]
    assert [row["epoch"] for row in history] == ["1", "2"]
    assert np.isfinite([float(value) for row in history for value in row.values()]).all()
    prior = rows(finished.path / "prior.csv")
    assert [row.pop("epoch") for row in prior] == ["1", "2"]
    assert list(prior[0]) == [f"p{code}" for code in range(10)]
    values = np.array([[float(value) for value in row.values()] for row in prior])
    np.testing.assert_allclose(values.sum(axis=1), 1.0, atol=1e-5)
    assert np.ptp(values[1]) > 0


def test_grid_has_one_row_a_code(finished):
    picture = np.asarray(Image.open(finished.path / "samples" / "codes_epoch_0002.png"))
    assert picture.shape == (10 * 30 - 2, 10 * 30 - 2)
    assert (picture[28:30] == 255).all() and (picture[:, 28:30] == 255).all()
    assert len(np.unique(picture[:28, :28])) > 10


def test_tensorboard_has_losses_prior_and_pictures(finished):
    events, = (finished.path / "logs").iterdir()
    records = [tf.compat.v1.Event.FromString(record.numpy())
               for record in tf.data.TFRecordDataset(str(events))]
    tags = [(value.tag, event.step) for event in records for value in event.summary.value]
    names = {"loss/d_loss", "loss/g_loss", "loss/info_loss", "loss/contrastive_loss", "samples/codes"}
    names |= {f"prior/code_{code}" for code in range(10)}
    assert sorted(tags) == sorted((name, epoch) for name in names for epoch in (1, 2))


def test_run_of_another_config_is_refused_with_the_keys_named(train, tiny, finished, contents, refused):
    before = contents(finished.path)
    sentence = refused(train(finished.start, *tiny, "--config.loss.contrastive_weight=5",
                             "--config.networks.noise_dim=30", "--config.training.epochs=9"))
    assert str(finished.path.relative_to(finished.start)) in sentence and "--overwrite" in sentence
    assert "loss.contrastive_weight: 10.0 saved, 5.0 asked" in sentence
    assert "networks.noise_dim: 62 saved, 30 asked" in sentence
    assert "training" not in sentence.split("(")[1].split(")")[0]
    assert contents(finished.path) == before

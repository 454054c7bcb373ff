import json
from types import SimpleNamespace

import pytest
import tensorflow as tf

from benchmarks.time_to_quality import QualityClock, QualityReachedError


def test_evaluations_and_pauses_between_epochs_are_not_counted():
    now = iter([0.0, 5.0, 100.0, 107.0, 200.0, 201.0, 300.0, 310.0])
    qualities = iter([(0.2, 2.0), (0.4, 1.5), (0.9, 0.5)])
    clock = QualityClock(lambda model: next(qualities), 0.9, every=2, last_epoch=3, clock=lambda: next(now))
    clock.set_model(SimpleNamespace(step=tf.Variable(7)))
    for epoch in range(3):
        clock.on_epoch_begin(epoch)
        clock.on_epoch_end(epoch)

    assert clock.curve == [{"epoch": 2, "steps": 7, "seconds": 12.0, "nmi": 0.2, "ent": 2.0},
                           {"epoch": 3, "steps": 7, "seconds": 13.0, "nmi": 0.4, "ent": 1.5}]
    clock.on_epoch_begin(3)
    with pytest.raises(QualityReachedError):
        clock.on_epoch_end(3)
    assert clock.curve[-1]["seconds"] == 23.0


@pytest.mark.slow
def test_categories_are_judged_at_the_end(command, tmp_path, evaluation_cache):
    result = command(
        "-m", "benchmarks.time_to_quality", "--dataset=digits", "--method=agglomerative_infogan",
        "--config.training.epochs=2", "--config.networks.width=0.1", "--images_per_code=20",
        "--config.categories.categorizer_steps=2", "--threshold=1", "--output=quality.json",
        XDG_CACHE_HOME=str(evaluation_cache.parent))
    assert result.returncode == 0, result.stderr
    assert "NMI 1 is not reached in 2 epochs" in result.stdout
    found = json.loads((tmp_path / "quality.json").read_text())
    (point,) = found["curve"]
    assert found["reached"] is None and point["epoch"] == 2 and point["steps"] == 2 * 18
    assert 0 <= point["nmi"] <= 1 and 0 < point["seconds"] < 600


@pytest.mark.slow
def test_training_ends_when_an_evaluation_reaches_the_threshold(command, tmp_path, evaluation_cache):
    result = command(
        "-m", "benchmarks.time_to_quality", "--dataset=digits", "--config.training.epochs=2",
        "--config.networks.width=0.1", "--threshold=0", "--images_per_code=20",
        "--output=quality.json", XDG_CACHE_HOME=str(evaluation_cache.parent))
    assert result.returncode == 0, result.stderr
    assert "NMI 0 is reached after" in result.stdout
    found = json.loads((tmp_path / "quality.json").read_text())
    (point,) = found["curve"]
    assert found["reached"] == point and point["epoch"] == 1
    assert found["settings"]["networks.width"] == 0.1 and found["machine"] and found["judge_accuracy"] > 0.9
    assert point["seconds"] > 0 and point["ent"] > 0

import json

import pytest

from benchmarks import rebalancing


def test_a_report_in_words():
    row = {"name": "oversampled", "mean_recall": {"mean": 0.5, "std": 0.1},
           "rare_recall": {"mean": 0.25, "std": None}}
    lines = rebalancing.format_rebalancing_report({"rare": ["a", "b"], "rows": [row]}).splitlines()
    assert lines[0].split() == ["training", "images", "mean", "recall", "recall", "of", "a,", "b"]
    assert lines[1].split() == ["oversampled", "0.500", "+-", "0.100", "0.250"]


@pytest.mark.slow
def test_kinds_of_training_images_on_a_run_of_digits(command, tmp_path):
    trained = command("-m", "eig_tf.train", "--dataset=digits", "--workdir=run", "--config.training.epochs=1",
                      "--config.networks.width=0.1", "--noexport")
    assert trained.returncode == 0, trained.stderr
    result = command("-m", "benchmarks.rebalancing", "run", "--steps=40", "--seeds=2", "--min_probability=0",
                     "--output=a.json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "a.json").read_text())
    assert [row["name"] for row in report["rows"]] == ["imbalanced", "oversampled", "rebalanced"]
    for row in report["rows"]:
        # Of one class, every image is in the training subset.
        assert len(row["recall"]) == len(report["class_names"]) == 9 and 0.2 < row["mean_recall"]["mean"] < 1
        rare = [row["recall"][report["class_names"].index(name)] for name in report["rare"]]
        assert row["rare_recall"]["mean"] == pytest.approx(sum(rare) / 3)
    # With its generated images a class has as many as the largest, unless no code is of it.
    assert len({count + made for count, made in zip(report["counts"], report["generated"]) if made}) == 1
    assert not report["held_out_images_seen_by_the_run"] and report["num_held_out"] == 592

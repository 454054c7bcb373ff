import json

import pytest

from eig_tf.config import config_from_fields


@pytest.mark.slow
def test_kinds_of_training_images_on_a_run_of_digits(command, write_first_weights, tmp_path):
    write_first_weights(tmp_path / "run", config_from_fields("digits", fields={"networks.width": 0.1}))
    result = command("-m", "benchmarks.rebalancing", "run", "--steps=40", "--seeds=1", "--min_probability=0",
                     "--output=a.json")
    assert result.returncode == 0, result.stderr
    report = json.loads((tmp_path / "a.json").read_text())
    assert [row["name"] for row in report["rows"]] == ["imbalanced", "oversampled", "rebalanced"]
    for row in report["rows"]:
        # Of one class, every image is in the training subset.
        assert len(row["recall"]) == len(report["class_names"]) == 9
        assert row["mean_recall"]["mean"] == pytest.approx(sum(row["recall"]) / 9)
        rare = [row["recall"][report["class_names"].index(name)] for name in report["rare"]]
        assert row["rare_recall"]["mean"] == pytest.approx(sum(rare) / 3)
    # With its generated images a class has as many as the largest, unless no code is of it.
    assert len({count + made for count, made in zip(report["counts"], report["generated"]) if made}) <= 1
    assert not report["held_out_images_seen_by_the_run"] and report["num_held_out"] == 592

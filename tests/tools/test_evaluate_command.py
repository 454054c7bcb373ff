"""Evaluation as a user runs it, on a run directory of two short epochs."""

import pytest
from PIL import Image

from eig_tf.evaluation.record import load_record


@pytest.mark.slow
def test_evaluation_of_a_run(command, run, evaluation_cache, tmp_path):
    trained = command("-m", "eig_tf.train", "--dataset=digits", "--workdir=run",
                      "--config.training.epochs=2", "--config.networks.num_codes=12", "--noexport")
    assert trained.returncode == 0, trained.stderr
    result = run("evaluate", "run", f"--cache_dir={evaluation_cache}", "--images_per_code=20")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "NMI" in result.stdout
    record = load_record(tmp_path / "run" / "evaluation.json", num_codes=12)
    assert record.confusion.sum(axis=1).tolist() == [20] * 12 and record.confusion.shape[1] == 10
    assert sorted(label for label in record.code_to_class if label is not None) == list(range(10))
    assert 0 <= record.metrics["nmi"] <= 1
    assert record.metrics["prior_unmatched"] > 0
    assert record.epochs == 2 and record.prior_learned
    assert record.judge["accuracy"] > 0.95
    assert record.judge["architecture"] == "small_cnn"
    assert record.training["data_source"].startswith("scikit-learn's digits")
    assert record.flat_config()["training.epochs"] == 2
    text = (tmp_path / "run" / "evaluation.json").read_text()
    for name in ("confusion.png", "prior.png"):
        with Image.open(tmp_path / "run" / name) as image:
            image.verify()
    again = run("evaluate", "run", f"--cache_dir={evaluation_cache}", "--images_per_code=20")
    assert "training the evaluation classifier" not in again.stdout
    assert (tmp_path / "run" / "evaluation.json").read_text() == text

"""Evaluation as a user runs it, on a run directory of two short epochs."""

import pytest
from PIL import Image

from eig_tf.evaluation.record import load_record


@pytest.fixture
def evaluate(command, repository):
    def run(*arguments):
        return command(repository / "tools" / "evaluate.py", *arguments)
    return run


def test_help_needs_no_tensorflow_and_names_the_flags(command, repository, without_tensorflow):
    result = command(repository / "tools" / "evaluate.py", "--help",
                     PYTHONPATH=without_tensorflow)
    assert result.returncode == 0
    assert all(word in result.stdout for word in (
        "--images_per_code", "RUN_DIR", "--classifier", "--pretrained_weights"))


@pytest.mark.parametrize("arguments, message", [
    ([], "error: the arguments are none; expected exactly one, RUN_DIR"),
    (["a", "b"], "error: the arguments are a b; expected exactly one, RUN_DIR"),
    (["a", "--images_per_code=0"], "error: --images_per_code is 0; expected 1 to 1000000"),
    (["a", "--evaluation_seed=-1"], "error: --evaluation_seed is -1; expected 0 to 2147483647"),
    (["a", f"--evaluation_seed={2**31}"],
     "error: --evaluation_seed is 2147483648; expected 0 to 2147483647"),
    (["a", "--classifier=vgg"], "error: flag --classifier=vgg: value should be one of <small_cnn|resnet50>; "
                                "--help lists the flags"),
])
def test_bad_command_lines(evaluate, arguments, message):
    result = evaluate(*arguments)
    assert result.returncode == 2
    assert result.stderr.strip() == message


def test_a_directory_without_a_run_is_refused(evaluate, tmp_path):
    result = evaluate(tmp_path)
    assert result.returncode == 2
    assert "is no run directory: it has no config.json" in result.stderr


@pytest.mark.slow
def test_evaluation_of_a_run(command, evaluate, evaluation_cache, tmp_path):
    trained = command("-m", "eig_tf.train", "--dataset=digits", "--workdir=run",
                      "--config.training.epochs=2", "--config.networks.num_codes=12", "--noexport")
    assert trained.returncode == 0, trained.stderr
    result = evaluate("run", f"--cache_dir={evaluation_cache}", "--images_per_code=20")
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
    again = evaluate("run", f"--cache_dir={evaluation_cache}", "--images_per_code=20")
    assert "training the evaluation classifier" not in again.stdout
    assert (tmp_path / "run" / "evaluation.json").read_text() == text

"""Bad input that shows only when data, run directory or checkpoint is looked at: refused, nothing lost."""

import pytest

pytestmark = pytest.mark.slow


def refused(result):
    """The sentence of a command that refused its input: exit status 2, one line on stderr."""
    assert result.status == 2, result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(("arguments", "words"), [
    (["--split=50"], ["--split is 50", "0 to 49"]),
    (["--split=-1"], ["--split is -1", "0 to 49"]),
    (["--config.training.batch_size=843"], ["batch_size is 843", "842 images"]),
    (["--method=ground_truth_infogan", "--config.networks.num_codes=12"], ["num_codes is 12", "10 classes"]),
    (["--dataset=mnist", "--data_dir=nowhere"], ["--data_dir is 'nowhere'", "train-images-idx3-ubyte"]),
    (["--dataset=mnist", "--data_dir=."], ["train-images-idx3-ubyte"]),
], ids=lambda value: " ".join(value) if value[0].startswith("--") else None)
def test_first_run_that_cannot_start_leaves_nothing(train, tiny, tmp_path, arguments, words):
    sentence = refused(train(tmp_path, *tiny, *arguments))
    assert all(word in sentence for word in words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [
    ["--method=ground_truth_infogan", "--config.networks.num_codes=12"],
    ["--config.training.batch_size=843"], ["--split=50"]], ids=" ".join)
def test_run_that_cannot_start_does_not_overwrite_the_old_one(train, tiny, run_copy, contents, arguments):
    before = contents(run_copy)
    refused(train(run_copy.parent, *tiny, "--workdir=run", "--overwrite", *arguments))
    assert contents(run_copy) == before


def test_damaged_mnist_file_is_named(train, tiny, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-images-idx3-ubyte.gz").write_bytes(b"<html>404</html>")
    (tmp_path / "data" / "train-labels-idx1-ubyte").write_bytes(b"")
    sentence = refused(train(tmp_path, *tiny, "--dataset=mnist", "--data_dir=data", "--split=0"))
    assert "data/train-images-idx3-ubyte.gz cannot be read" in sentence


def test_file_in_the_way_of_the_run_directory(train, tiny, tmp_path):
    (tmp_path / "runs").write_text("precious")
    sentence = refused(train(tmp_path, *tiny))
    assert "--workdir 'runs/digits-elastic_infogan-split31-seed0' cannot be written" in sentence
    assert (tmp_path / "runs").read_text() == "precious"


def test_damaged_config_is_named(train, tiny, run_copy, contents):
    (run_copy / "config.json").write_text('{"dataset": "dig')
    before = contents(run_copy)
    assert "run/config.json" in refused(train(run_copy.parent, *tiny, "--workdir=run"))
    assert contents(run_copy) == before


@pytest.mark.parametrize("name", ["ckpt-2.data-00000-of-00001", "ckpt-2.index", "checkpoint"])
def test_damaged_checkpoint_is_named_and_the_records_are_kept(train, tiny, run_copy, contents, name):
    """More epochs are asked for, so that a run which took the damage for a fresh start would show."""
    path = run_copy / "checkpoints" / name
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    before = contents(run_copy)
    result = train(run_copy.parent, *tiny, "--config.training.epochs=3", "--workdir=run")
    assert "run/checkpoints" in refused(result)
    after = contents(run_copy)
    for kept in ("history.csv", "prior.csv", f"checkpoints/{name}"):
        assert after[kept] == before[kept]

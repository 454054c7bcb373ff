"""Bad input that shows only when data, run directory or checkpoint is looked at: refused, nothing lost."""

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("arguments", "words"), [
    (["--split=50"], ["--split is 50", "0 to 49"]),
    (["--config.training.batch_size=843"], ["batch_size is 843", "842 images"]),
    (["--devices=cpu:3"], ["batch_size is 200", "3 devices", "198 or 201"]),
    (["--devices=gpu:7"], ["--devices is 'gpu:7'", "cpu:N"]),
    (["--method=ground_truth_infogan", "--config.networks.num_codes=12"], ["num_codes is 12", "10 classes"]),
    (["--dataset=mnist", "--data_dir=nowhere"], ["--data_dir is 'nowhere'", "train-images-idx3-ubyte"]),
], ids=lambda value: " ".join(value) if value[0].startswith("--") else None)
def test_first_run_that_cannot_start_leaves_nothing(train, tiny, tmp_path, arguments, words, refused):
    sentence = refused(train(tmp_path, *tiny, *arguments))
    assert all(word in sentence for word in words)
    assert list(tmp_path.iterdir()) == []


def test_run_that_cannot_start_does_not_overwrite_the_old_one(train, tiny, run_copy, contents, refused):
    before = contents(run_copy)
    refused(train(run_copy.parent, *tiny, "--workdir=run", "--overwrite",
                  "--config.training.batch_size=843"))
    assert contents(run_copy) == before


@pytest.mark.parametrize("kind", ["data-00000-of-00001", "index"])
def test_damaged_checkpoints_are_named_and_the_records_are_kept(
        train, tiny, run_copy, contents, kind, refused):
    """More epochs are asked for, so that a run which took the damage for a fresh start would show."""
    names = [f"ckpt-{number}.{kind}" for number in (4, 8)]
    for name in names:
        path = run_copy / "checkpoints" / name
        path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    before = contents(run_copy)
    result = train(run_copy.parent, *tiny, "--config.training.epochs=3", "--workdir=run")
    assert "run/checkpoints" in refused(result)
    after = contents(run_copy)
    for kept in ("history.csv", "prior.csv", *(f"checkpoints/{name}" for name in names)):
        assert after[kept] == before[kept]

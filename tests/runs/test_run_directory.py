"""Reading a run directory back, whole and damaged."""

import errno
import json
import os
import shutil
import socket

import filelock
import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.models.registry import build_model
from eig_tf.runs.environment import current_segment
from eig_tf.runs.run_directory import RunDirectory, RunEnvironment

FRACTIONS = np.arange(1, 11) / 55


def save_run(path, method):
    """Writes a run of three epochs with untrained weights; returns its model."""
    config = config_lib.load_preset("digits", method=method)
    config.networks.width = 0.0625
    model = build_model(config, FRACTIONS)
    directory = RunDirectory(path)
    directory.path.mkdir()
    config_lib.save_config(config, directory.config)
    manager = directory.checkpoint_manager(model)
    for epoch in (1, 2, 3):
        model.prior.logits.assign_add(0.1 * np.arange(10, dtype=np.float32))
        manager.checkpoint.epochs_done.assign(epoch)
        # 12 comes after 9, though not in the alphabet.
        manager.save(checkpoint_number=(5, 9, 12)[epoch - 1])
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run directory and the model in it."""
    path = tmp_path_factory.mktemp("runs") / "elastic"
    return path, save_run(path, "elastic_infogan")


@pytest.fixture
def copy(saved, tmp_path):
    """A run directory to damage."""
    return RunDirectory(shutil.copytree(saved[0], tmp_path / "run"))


def test_model_comes_back_with_its_weights_and_prior(saved):
    path, model = saved
    config, restored, epochs_done = RunDirectory(str(path)).restore_model()
    assert epochs_done == 3
    assert config.method == "elastic_infogan"
    assert len(restored.variables) >= len(restored.trainable_variables) > 20
    for expected, found in zip(model.trainable_variables, restored.trainable_variables):
        np.testing.assert_array_equal(expected, found)
    np.testing.assert_allclose(restored.prior.logits, 0.3 * np.arange(10), rtol=1e-6)


def test_ground_truth_prior_comes_back_without_the_data(tmp_path):
    model = save_run(tmp_path / "run", "ground_truth_infogan")
    _, restored, _ = RunDirectory(tmp_path / "run").restore_model()
    assert not restored.prior.learned
    np.testing.assert_array_equal(restored.prior.logits, model.prior.logits)
    assert restored.prior.probabilities[9] > 5 * restored.prior.probabilities[0]


def test_last_two_checkpoints_are_kept(saved):
    names = {entry.name for entry in RunDirectory(saved[0]).checkpoints.iterdir()}
    assert names == {"checkpoint", *(f"ckpt-{number}.{kind}" for number in (9, 12)
                                     for kind in ("data-00000-of-00001", "index"))}
    assert RunDirectory(saved[0]).checkpoint_paths() == [
        str(saved[0] / "checkpoints" / f"ckpt-{number}") for number in (12, 9)]


def test_moved_run_directory_is_read_where_it_is_now(copy, tmp_path):
    moved = copy.path.rename(tmp_path / "elsewhere")
    assert RunDirectory(moved).restore_model()[2] == 3


def test_run_without_a_finished_epoch_says_so(copy):
    shutil.rmtree(copy.checkpoints)
    with pytest.raises(UserError, match="no checkpoint yet of a whole epoch"):
        copy.restore_model()


def garble(content):
    """Changes every 64th byte, so that no tensor stays as it was."""
    return bytes(byte ^ 255 if index % 64 == 0 else byte for index, byte in enumerate(content))


@pytest.mark.parametrize("damage", [
    lambda content: content[:len(content) // 2], garble, lambda content: b"", lambda content: None],
    ids=["cut", "garble", "empty", "delete"])
@pytest.mark.parametrize("kind", ["data-00000-of-00001", "index"])
def test_checkpoint_before_a_damaged_one_is_used_unless_it_is_damaged_too(copy, capsys, kind, damage):
    for number, epochs in ((12, 2), (9, None)):
        path = copy.checkpoints / f"ckpt-{number}.{kind}"
        content = damage(path.read_bytes())
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        gone = content is None and kind == "index"
        if epochs:
            _, model, found = copy.restore_model()
            said = capsys.readouterr().out
            assert found == epochs
            assert gone or ("ckpt-12 cannot be restored" in said and "ckpt-9 is used" in said)
            np.testing.assert_allclose(model.prior.logits, 0.2 * np.arange(10), rtol=1e-6)
            continue
        with pytest.raises(UserError) as error:
            copy.restore_model()
        assert gone or "ckpt-12 cannot be restored" in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, b"", b"model_checkpoint_path: ", b"\xff{"])
def test_damaged_list_of_checkpoints_does_not_matter(copy, content):
    path = copy.checkpoints / "checkpoint"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    _, model, epochs_done = copy.restore_model()
    assert epochs_done == 3
    manager = copy.checkpoint_manager(model)
    manager.checkpoint.epochs_done.assign(4)
    manager.save(checkpoint_number=20)
    assert copy.restore_model()[2] == 4


def test_checkpoint_within_an_epoch_says_so(copy, capsys):
    model = build_model(copy.load_config())
    checkpoint = copy.checkpoint_manager(model).checkpoint
    manager = copy.checkpoint_manager(model)
    copy.restore_newest(manager.checkpoint)
    manager.checkpoint.steps_done.assign(7)
    manager.checkpoint.loss_sums.values = {"d_loss": [0.1 + 0.2, 3.0]}
    manager.save(checkpoint_number=19)
    assert copy.restore_model()[2] == 3
    assert "saved within epoch 4, after 7 steps of it" in capsys.readouterr().out
    copy.restore_newest(checkpoint)
    assert checkpoint.loss_sums.values == {"d_loss": [0.1 + 0.2, 3.0]}


def test_run_directory_in_use_is_refused_with_the_holder_named(copy, command):
    with copy.locked():
        result = command("-c", f"""
from eig_tf.runs.run_directory import RunDirectory
with RunDirectory({str(copy.path)!r}).locked():
    pass
""")
    assert f"is in use by process {os.getpid()} on {socket.gethostname()}" in result.stderr
    with copy.locked():
        pass


def test_file_system_without_locks_gives_a_note(copy, monkeypatch, capsys):
    def acquire(self, blocking):
        raise OSError(errno.ENOLCK, "No locks available")
    monkeypatch.setattr(filelock.FileLock, "acquire", acquire)
    with copy.locked():
        assert "cannot be locked (No locks available)" in capsys.readouterr().out


@pytest.mark.parametrize(("field", "value"), [
    ("num_codes", 12), ("num_continuous", 2), ("noise_dim", 30), ("width", 0.125)])
def test_checkpoint_of_another_architecture_is_refused(copy, field, value):
    content = json.loads(copy.config.read_text())
    content["networks"][field] = value
    copy.config.write_text(json.dumps(content))
    with pytest.raises(UserError, match="cannot be restored"):
        copy.restore_model()


def test_environment_comes_back_with_its_values_over_segments(copy):
    copy.environment.unlink(missing_ok=True)
    assert copy.load_environment() == RunEnvironment()
    assert RunEnvironment().over_segments("machine") is None
    first = {**current_segment("float32", 1), "last_epoch": 3, "machine": "2 x A"}
    second = {**first, "first_epoch": 4, "last_epoch": 9, "precision": "mixed_bfloat16"}
    environment = RunEnvironment("/data", {"num_images": 3}, (first, second))
    copy.save_environment(environment)
    found = copy.load_environment()
    assert found == environment
    assert found.over_segments("machine") == "2 x A"
    assert found.over_segments("precision") == "float32 (epochs 1 to 3); mixed_bfloat16 (epochs 4 to 9)"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"data_dir": null}',
                                  '{"data_dir": null, "data": null, "segments": [{"precision": 1}]}'])
def test_damaged_environment_is_refused_with_its_path(copy, text):
    copy.environment.write_text(text)
    with pytest.raises(UserError, match=r"environment\.json"):
        copy.load_environment()


def test_weights_of_a_run_that_diverged_are_refused(copy):
    model = build_model(copy.load_config())
    kernel = model.trunk_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    manager = copy.checkpoint_manager(model)
    manager.checkpoint.epochs_done.assign(4)
    manager.save(checkpoint_number=30)
    with pytest.raises(UserError, match=r"the last checkpoint of .* holds weights that are not finite"):
        copy.restore_model()

"""TFLite and Keras files of a run: where they lie, and what is never overwritten."""

import json
import os

import pytest

from eig_tf.errors import UserError
from eig_tf.serving import keras_format, other_formats


@pytest.fixture
def written(monkeypatch):
    """Writes small files in the place of the networks; `test_keras_format` looks at real ones."""
    contents = []

    def write(model, directory):
        for name in ("generator.keras", "categorizer.keras"):
            (directory / name).write_text(str(len(contents)))
        contents.append(directory)
        return keras_format.Report({"generator.keras": 1}, 0.0)

    monkeypatch.setattr(keras_format, "write", write)
    return contents


def test_a_second_export_replaces_the_first(finished_run, tmp_path, written):
    for number in ("0", "1"):
        target, lines = other_formats.export(finished_run.path, "keras", tmp_path / "new", "digits")
        assert target == tmp_path / "new" / "digits-keras"
        assert (target / "generator.keras").read_text() == number
        assert sorted(os.listdir(target)) == ["categorizer.keras", "generator.keras", "model.json"]
        assert json.loads((target / "model.json").read_text())["name"] == "digits"
        assert "generator.keras" in lines[0]
    assert os.listdir(tmp_path / "new") == ["digits-keras"]


def test_what_is_somebody_elses_is_left_alone(finished_run, tmp_path, written):
    (tmp_path / "mnist-keras").mkdir()
    (tmp_path / "mnist-keras" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="mnist-keras is there and holds other things than an export"):
        other_formats.export(finished_run.path, "keras", tmp_path)
    assert (tmp_path / "mnist-keras" / "thesis.txt").read_text() == "mine" and not written


def test_a_failed_swap_keeps_the_earlier_export(finished_run, tmp_path, written, monkeypatch):
    target, _ = other_formats.export(finished_run.path, "keras", tmp_path)
    rename = os.rename

    def fail_for_the_new(source, destination):
        if os.path.basename(source) == "new":
            raise OSError(28, "No space left on device")
        rename(source, destination)

    monkeypatch.setattr(os, "rename", fail_for_the_new)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        other_formats.export(finished_run.path, "keras", tmp_path)
    assert (target / "generator.keras").read_text() == "0"
    assert os.listdir(tmp_path) == ["mnist-keras"]

"""The number of categories that a run takes from its images."""

import json
import types

import numpy as np

from eig_tf import config as config_lib
from eig_tf.categories.number import NumberEvidence
from eig_tf.runs import category_files
from eig_tf.runs.run_directory import RunDirectory


def test_the_suggested_number_is_found_and_its_evidence_lies_beside_it(tmp_path, monkeypatch, capsys):
    evidence = [NumberEvidence(3, 0.9, 0.5, 0.1), NumberEvidence(4, 0.85, 0.9, 0.0)]
    asked = []

    def discover(model, real, num_categories, settings, epochs):
        assert real.features == "features"
        asked.append((num_categories, settings.categorizer_steps))
        return types.SimpleNamespace(categorizer=None, grouping=None)
    monkeypatch.setattr(category_files, "represent_images",
                        lambda *arguments: types.SimpleNamespace(features="features"))
    monkeypatch.setattr(category_files, "measure_numbers", lambda *arguments: evidence)
    monkeypatch.setattr(category_files, "discover_categories", discover)
    for name in ("save_categorizer", "save_grouping"):
        monkeypatch.setattr(category_files, name, lambda content, path: path.touch())
    # A method whose codes are its categories has no settings for them; the preset has.
    config = config_lib.load_preset("digits", method="elastic_infogan")
    settings = category_files.discovery_settings(config)
    directory, model = RunDirectory(tmp_path), types.SimpleNamespace(num_codes=10)
    images = np.zeros([20, 28, 28, 1], np.uint8)
    category_files.find_run_categories(directory, settings, model, 1, images, None)
    assert asked == [(4, 30)] and "suggested   4" in capsys.readouterr().out
    assert json.loads((directory.categories / "number.json").read_text())["suggested"] == 4
    # With a stated number, evidence of an earlier search does not stay.
    category_files.find_run_categories(
        directory, settings._replace(categorizer_steps=7, ignore_colours=True), model, 1, images, 5)
    assert asked[-1] == (5, 7)
    assert {path.name for path in directory.categories.iterdir()} == {
        "categories.json", "categorizer.keras", "settings.json"}
    written = json.loads((directory.categories / "settings.json").read_text())
    assert (written["categorizer_steps"], written["ignore_colours"]) == (7, True)


def test_a_method_without_categories_takes_the_settings_of_the_preset():
    faces = category_files.discovery_settings(config_lib.load_preset("ytf", "cpu", "joint_vae"))
    assert (faces.contrastive_steps, faces.ignore_colours, faces.categorizer_steps) == (600, True, 200)
    digits = category_files.discovery_settings(config_lib.load_preset("digits", method="joint_vae"))
    assert (digits.contrastive_steps, digits.categorizer_steps) == (0, 30)
    own = config_lib.load_preset("ytf", "cpu", "agglomerative_infogan")
    own.categories.update(contrastive_steps=7, ignore_colours=False)
    assert category_files.discovery_settings(own)[3:] == (7, False)

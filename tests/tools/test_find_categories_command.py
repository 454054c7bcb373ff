"""The search for categories as a user runs it."""

import json
import shutil

import pytest


@pytest.mark.slow
def test_a_run_without_a_number_of_its_own_needs_one(run, refused, first_weights):
    assert refused(run("find_categories", first_weights.path)) == (
        "--num_categories is missing; a run of elastic_infogan has no number of its own")
    assert refused(run("find_categories", first_weights.path, "--candidates=")) == (
        "--candidates is empty; expected numbers such as 8,10,12")
    assert not first_weights.categories.exists()


@pytest.mark.slow
def test_candidates_print_evidence_and_leave_the_categories(run, first_weights):
    finished = run("find_categories", first_weights.path, "--candidates=3,2,3")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    table = lines[lines.index("categories  strength  agreement  eigengap") + 1:]
    assert [line.split()[0] for line in table[:2]] == ["2", "3"]
    assert table[-1].split()[0] == "suggested" and table[-1].split()[1] in ("2", "3")
    assert not first_weights.categories.exists()


@pytest.mark.slow
def test_flags_replace_the_settings_of_the_training(run, first_weights, tmp_path):
    run_dir = shutil.copytree(first_weights.path, tmp_path / "run")
    finished = run("find_categories", run_dir, "--num_categories=3", "--contrastive_steps=2",
                   "--ignore_colours")
    assert finished.returncode == 0, finished.stderr
    assert "learns features of" in finished.stdout
    settings = json.loads((run_dir / "categories/settings.json").read_text())
    assert (settings["contrastive_steps"], settings["ignore_colours"]) == (2, True)
    assert settings["categorizer_steps"] == 30  # that of the preset

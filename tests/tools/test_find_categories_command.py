"""The search for categories as a user runs it."""

import pytest


@pytest.mark.slow
def test_a_run_without_a_number_of_its_own_needs_one(run, refused, first_weights):
    assert refused(run("find_categories", first_weights.path)) == (
        "--num_categories is missing; a run of elastic_infogan has no number of its own")
    assert not first_weights.categories.exists()


@pytest.mark.slow
def test_candidates_print_evidence_and_write_nothing(run, first_weights):
    finished = run("find_categories", first_weights.path, "--candidates=3,2,3")
    assert finished.returncode == 0, finished.stderr
    lines = finished.stdout.splitlines()
    table = lines[lines.index("categories  strength  agreement  eigengap") + 1:]
    assert [line.split()[0] for line in table[:2]] == ["2", "3"]
    assert table[-1].split()[0] == "suggested" and table[-1].split()[1] in ("2", "3")
    assert not first_weights.categories.exists()

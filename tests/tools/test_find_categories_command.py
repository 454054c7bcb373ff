"""The search for categories as a user runs it."""


def test_a_run_without_a_number_of_its_own_needs_one(run, refused, first_weights):
    assert refused(run("find_categories", first_weights.path)) == (
        "--num_categories is missing; a run of elastic_infogan has no number of its own")
    assert not first_weights.categories.exists()

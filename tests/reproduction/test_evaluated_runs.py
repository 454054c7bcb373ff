"""Runs of one column: what they share, what is refused, and what is said of them."""

import pytest

from eig_tf.errors import UserError
from eig_tf.reproduction.evaluated_runs import (
    check_equal_settings,
    choose_tuned,
    describe_settings,
    name_by_difference,
    read_runs,
)


def test_what_is_the_same_data(write_evaluation):
    """The split; for cars and chairs the class set, which the seed draws if it is random."""
    runs = read_runs([
        write_evaluation("a.json", fields={"split": 1, "seed": 2}),
        write_evaluation("b.json", dataset="cars", fields={"split": 1, "seed": 2, "data.class_set": "3"}),
        write_evaluation("c.json", dataset="cars",
                         fields={"split": 1, "seed": 2, "data.class_set": "random"})])
    assert [run.data_group for run in runs] == ["split 1", "class set 3", "classes of seed 2"]


@pytest.mark.parametrize("changes, name", [
    ({"fields": {"training.epochs": 7}}, "epochs: 120 and 7"),
    ({"fields": {"loss.gradient_routing": "shared"}}, "loss.gradient_routing: head and shared"),
    ({"images_per_code": 50}, "images_per_code: 100 and 50"),
    ({"judge": "resnet50"}, "the judge: small_cnn and resnet50"),
    ({"num_images": 5, "fields": {"split": 0}}, "the number of training images: 640 and 5"),
])
@pytest.mark.parametrize("method", ["elastic_infogan", "gumbel_infogan"])
def test_unequal_settings_are_refused_by_name(write_evaluation, method, changes, name):
    # The VAE lacks most of these fields, and must not stand between those that have them.
    first, second = write_evaluation("first.json", "joint_vae"), write_evaluation("second.json")
    changes = {**changes, "fields": {"split": 1, **changes.get("fields", {})}}
    other = write_evaluation("other.json", method, **changes)
    with pytest.raises(UserError, match=rf"(first|second)\.json and .*other\.json differ in {name}; exp"):
        check_equal_settings(read_runs([first, second, other]))


def test_two_evaluations_of_one_run_are_refused(write_evaluation):
    paths = [write_evaluation("a.json"), write_evaluation("copy/a.json")]
    with pytest.raises(UserError, match="are of one run, digits elastic_infogan 0/0"):
        choose_tuned(read_runs(paths))


def test_rows_name_what_differs_from_the_setting_in_the_middle(write_evaluation):
    """That is not the preset's, whose rate one of the others has."""
    rate = {"optimizer.prior_learning_rate": 1e-3}
    changes = {"a": rate, "b": {}, "c": {**rate, "loss.gradient_routing": "shared"},
               "d": {**rate, "networks.num_codes": 20}, "e": {**rate, "networks.num_codes": 8},
               "f": {**rate, "seed": 1}}
    runs = name_by_difference(read_runs([
        write_evaluation(f"{name}.json", dataset="mnist", fields=fields)
        for name, fields in changes.items()]))
    assert [(run.row, run.path.stem) for run in runs] == [
        ("elastic_infogan", "a"), ("elastic_infogan", "f"), ("loss.gradient_routing=shared", "c"),
        ("networks.num_codes=8", "e"), ("networks.num_codes=20", "d"),
        ("optimizer.prior_learning_rate=0.0002", "b")]
    assert name_by_difference([]) == []


def test_what_is_said_of_machines_and_of_rows_with_other_runs(write_evaluation):
    """The usual machine is that of most runs; a split on two machines is named."""
    places = (("elastic_infogan", 0, "a CPU"), ("elastic_infogan", 1, "a GPU"),
              ("uniform_infogan", 0, "a CPU"), ("uniform_infogan", 1, "a CPU"), ("joint_vae", 0, "a CPU"),
              ("joint_vae", 2, "a GPU"))
    runs = read_runs(write_evaluation(f"{method}-{split}.json", method, machine=machine,
                                      fields={"split": split}) for method, split, machine in places)
    assert describe_settings(runs)[-2:] == [
        "trained on a CPU; on a GPU 1/0 (elastic_infogan), 2/0 (all rows); differences on 1/0 are in part "
        "between machines, and another machine changes a run like another seed",
        "the means of all rows are not of the same runs: joint_vae has 0/0 and 2/0, the others 0/0 and 1/0 "
        "(split/seed)"]
    assert describe_settings(runs[:1])[-1] == "trained on a CPU"
    shared = write_evaluation("shared.json", fields={"loss.gradient_routing": "shared"}, machine="a GPU")
    ablations = name_by_difference([runs[0], *read_runs([shared])])
    settings, machines = describe_settings(ablations, "elastic_infogan")
    assert "head routing" in settings and machines.startswith(
        "trained on a CPU; on a GPU 0/0 (loss.gradient_routing=shared); differences on 0/0 are in part")


def test_files_are_of_a_format_and_may_be_of_another_source(write_evaluation):
    (run,) = read_runs([write_evaluation("a.json", dataset="cars", source="3D Cars, renders")])
    assert describe_settings([run])[0].endswith(
        "; data: files in the format of 3D Cars, renders, 640 training images")

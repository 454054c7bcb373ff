"""Means, paired differences and what is refused; numbers are computed by hand."""

import math

import pytest

from eig_tf.errors import UserError
from eig_tf.reproduction.comparison import compare_with_paper, paired_difference
from eig_tf.reproduction.evaluated_runs import read_runs

ROWS = ("uniform_infogan", "elastic_infogan")


def compare(paths, rows=ROWS, metrics=("nmi",), datasets=("digits",), **options):
    runs = read_runs(paths)
    return compare_with_paper("table1", "Title", "table_1", metrics, rows, runs, datasets, **options)


def test_paired_differences_by_hand():
    """Differences 0.1, 0.3, 0.2: mean 0.2, deviation 0.1, t(2) = 4.302653 for 95 %."""
    values, reference = {1: 0.5, 2: 0.8, 3: 0.6, 4: 9.0}, {1: 0.4, 2: 0.5, 3: 0.4, 5: 0.0}
    splits = {key: f"split {key}" for key in range(1, 6)}
    mean, low, high, num = paired_difference(values, reference, splits)
    assert (mean, num) == (pytest.approx(0.2), 3)
    half = 4.302652729911275 * 0.1 / math.sqrt(3)
    assert (low, high) == (pytest.approx(0.2 - half), pytest.approx(0.2 + half))
    assert paired_difference({1: 0.5}, {1: 0.25}, splits) == (0.25, None, None, 1)
    assert paired_difference({1: 0.5}, {2: 0.25}, splits) is None and paired_difference({}, {}, {}) is None
    # Equal differences have an interval without width.
    assert paired_difference({1: 1.0, 2: 2.0}, {1: 0.5, 2: 1.5}, splits)[:3] == (0.5, 0.5, 0.5)


def test_differences_on_the_same_data_are_averaged_first():
    """Splits a: 0.1 and 0.3, b: 0.4; the means 0.2 and 0.4 have a mean of 0.3 and t(1) = 12.706205."""
    values, reference = {1: 0.1, 2: 0.3, 3: 0.4}, {1: 0.0, 2: 0.0, 3: 0.0}
    mean, low, high, num = paired_difference(values, reference, {1: "a", 2: "a", 3: "b"})
    assert (mean, num) == (pytest.approx(0.3), 2)
    assert (high - low) / 2 == pytest.approx(12.706204736432095 * 0.1)
    # On a single split, seeds are what there is.
    assert paired_difference(values, reference, dict.fromkeys(values, "a"))[3] == 3


def test_methods_with_categories_are_scored_by_them(write_evaluation):
    """The codes of the one are the categories of the other, in a folder whose name is the column."""
    fields = {"networks.num_codes": 4}
    first = write_evaluation("elastic.json", dataset="folder", fields=fields, nmi=0.5,
                             source="the folder coil")
    second = write_evaluation(
        "agglomerative.json", "agglomerative_infogan", "folder", nmi=0.4, ent=0.3, one_nn_accuracy=0.8,
        fields={"networks.num_codes": 12, "categories.num_categories": 4}, source="the folder coil",
        categories={"nmi": 0.9, "ent": 0.1})
    table = compare([first, second], metrics=("nmi", "ent"), datasets=("coil",))
    row = "agglomerative_infogan"
    assert table.rows["coil"] == (*ROWS, row)
    assert [table.cells["coil", row, metric].mean for metric in ("nmi", "ent")] == [0.9, 0.1]
    assert f"{row}: scores are of its 4 categories, which have 12 codes" in table.notes["coil"]
    assert [run.value("one_nn_accuracy") for run in read_runs([second])] == [0.8]
    # A folder of a data set's name is another column.
    cars = read_runs([write_evaluation("cars.json", dataset="folder", source="the folder cars")])
    assert cars[0].dataset == "the folder cars"
    other = write_evaluation("other.json", "agglomerative_infogan", "folder", source="the folder coil",
                             fields={"split": 1}, categories={"nmi": 0.9, "ent": 0.1})
    with pytest.raises(UserError, match=r"differ in networks\.num_codes: 4 and 10"):
        compare([first, other], datasets=("coil",))


def test_pairs_are_of_one_split_and_seed_and_missing_cells_stay_missing(write_evaluation):
    paths = [write_evaluation(f"{method}-{split}-{seed}.json", method, fields={"split": split, "seed": seed},
                              nmi=nmi)
             for method, split, seed, nmi in (
                 ("elastic_infogan", 0, 0, 0.8), ("elastic_infogan", 0, 1, 0.7),
                 ("elastic_infogan", 1, 0, 0.6), ("uniform_infogan", 0, 0, 0.5),
                 ("uniform_infogan", 2, 0, 0.1))]
    table = compare(paths, (*ROWS, "gumbel_infogan"), datasets=("digits", "mnist"))
    own = table.cells["digits", "elastic_infogan", "nmi"]
    assert own[:3] == (pytest.approx(0.7), pytest.approx(0.1), 3) and own.difference is own.published is None
    uniform = table.cells["digits", "uniform_infogan", "nmi"]
    assert uniform.mean == pytest.approx(0.3) and uniform.difference == (pytest.approx(-0.3), None, None, 1)
    assert table.cells["digits", "gumbel_infogan", "nmi"] == (None, None, 0, None, None)
    assert table.cells["mnist", "elastic_infogan", "nmi"] == (None, None, 0, (0.889, None), None)
    assert table.notes["mnist"] == ("no runs",)


def test_methods_may_differ_in_their_own_defaults_and_old_names(write_evaluation):
    """JointVAE has a learning rate and a width of its own; judges were once named otherwise."""
    paths = [write_evaluation("a.json", fields={"training.precision": "float32"}),
             write_evaluation("b.json", "joint_vae", judge="2 conv + 2 FC")]
    assert compare(paths).rows["digits"] == (*ROWS, "joint_vae")


def test_ablations_may_differ_between_rows_only(write_evaluation):
    paths = [write_evaluation("a.json"), write_evaluation("b.json", fields={"loss.contrastive_weight": 3.0}),
             write_evaluation("c.json", fields={"loss.contrastive_weight": 5.0, "seed": 1})]
    rows = ("default", "weak", "weak")
    runs = [run._replace(row=row) for run, row in zip(read_runs(paths), rows)]
    options = {"reference": "default", "across_rows": False}
    table = compare_with_paper("ablations", "", None, ("nmi",), ("default", "weak"), runs[:2], ("digits",),
                               **options)
    assert table.cells["digits", "weak", "nmi"].difference == (0.0, None, None, 1)
    with pytest.raises(UserError, match=r"b\.json and .*c\.json differ in loss\.contrastive_weight: 3"):
        compare_with_paper("ablations", "", None, ("nmi",), ("default",), runs, ("digits",), **options)


def test_methods_are_not_mixed_in_a_row(write_evaluation):
    with pytest.raises(UserError, match=r"a\.json and .*b\.json differ in method: elastic_infogan and"):
        paths = [write_evaluation("a.json"), write_evaluation("b.json", "joint_vae", fields={"split": 1})]
        runs = [run._replace(row="one label") for run in read_runs(paths)]
        compare_with_paper("ablations", "", None, ("nmi",), (), runs, ("digits",), across_rows=False)


def test_the_best_beta_of_those_with_most_runs_counts(write_evaluation):
    """Beta 30 has the best run, but one only; of 10 and 20 the mean of 20 is larger."""
    betas = ((10, 0, 0.1), (10, 1, 0.2), (20, 0, 0.2), (20, 1, 0.3), (30, 0, 0.9))
    paths = [write_evaluation(f"{beta}-{seed}.json", "joint_vae", nmi=nmi, fields={
        "vae.beta_continuous": float(beta), "vae.beta_discrete": float(beta), "seed": seed})
        for beta, seed, nmi in betas]
    table = compare(paths, ("joint_vae",))
    assert table.cells["digits", "joint_vae", "nmi"][:3] == (
        pytest.approx(0.25), pytest.approx(0.1 / math.sqrt(2)), 2)
    assert table.notes["digits"][-1] == ("joint_vae: of beta 10, 20, 30, 20 has the largest mean NMI among "
                                         "those with the most runs")


def test_untrained_weights_count_once_for_each_split_and_seed(write_evaluation):
    values = {("elastic_infogan", 0): 0.3, ("uniform_infogan", 0): 0.3, ("uniform_infogan", 1): 0.5,
              ("joint_vae", 0): 0.9}
    paths = [write_evaluation(f"{method}-{seed}.json", method, fields={"seed": seed}, one_nn_accuracy=0.7,
                              one_nn_accuracy_of_random_weights=value)
             for (method, seed), value in values.items()]
    rows = ("random_weights", *ROWS)
    table = compare_with_paper("table4", "", "table_4", ("one_nn_accuracy",), rows, read_runs(paths),
                               ("digits",))
    assert table.rows["digits"] == rows
    untrained = table.cells["digits", "random_weights", "one_nn_accuracy"]
    assert (untrained.mean, untrained.num) == (pytest.approx(0.4), 2)
    assert untrained.difference == (pytest.approx(-0.4), None, None, 1)
    with pytest.raises(UserError, match=r"joint_vae-0\.json has no generated_total_variation; expected"):
        compare(paths[3:], metrics=("generated_total_variation",))

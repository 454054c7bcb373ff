"""docs/reproduction.md says what the committed results and the protocol say."""

import re
import statistics
from pathlib import Path

import pytest

from eig_tf.reproduction.comparison import paired_difference, read_runs
from eig_tf.reproduction.protocol import load_protocol
from eig_tf.reproduction.table_files import format_difference

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8")
METHODS = "`elastic_infogan`, `gumbel_infogan` and `uniform_infogan`"
SUBSTITUTES = ("cars", "chairs", "shapenet", "ytf")


def runs_of(directory, method="elastic_infogan", split="*"):
    runs = read_runs((REPOSITORY / "results" / directory).glob(f"{method}-split{split}-seed*.json"))
    assert runs
    return runs


def means(runs, *metrics):
    return [f"{statistics.mean(run.value(metric) for run in runs):.3f}" for metric in metrics]


def values(runs):
    return {run.key: run.value("nmi") for run in runs}


def test_what_is_not_stated_is_that_of_the_protocol():
    text = " ".join(TEXT.split())
    assert [remark for remark in load_protocol()["not_stated"] if f"- {remark}" not in text] == []


def test_nmi_of_the_claims():
    deviations = []
    for directory, name in (("digits", "digits"), ("mnist_15_epochs", "MNIST")):
        runs = {method: runs_of(directory, method) for method in (
            "elastic_infogan", "gumbel_infogan", "uniform_infogan")}
        elastic, gumbel, uniform = map(values, runs.values())
        for one, other in ((elastic, uniform), (gumbel, uniform)):
            nmi = " and ".join(f"{statistics.mean(found.values()):.3f}" for found in (one, other))
            difference, number = format_difference(paired_difference(one, other)).split(" (")
            words = rf"{name} {nmi}, (difference )?{re.escape(difference)} \({number[:-1]} pairs\)"
            assert re.search(words, TEXT)
        difference, number = format_difference(paired_difference(elastic, gumbel)).split(" (")
        assert f"{difference} on {name} ({number[:-1]} pairs)" in TEXT
        deviations.append(f"{name} {{}}, {{}} and {{}}".format(
            *(f"{statistics.stdev(values(found).values()):.3f}" for found in runs.values())))
    assert f"standard deviation of NMI of {METHODS}: {'; '.join(deviations)}" in TEXT
    assert ", ".join(f"{name} {means(runs_of(f'{name}_cpu'), 'nmi')[0]} and "
                     f"{means(runs_of(f'{name}_cpu', 'uniform_infogan'), 'nmi')[0]}"
                     for name in SUBSTITUTES) in TEXT
    assert "; {:.3f} and {} on MNIST".format(
        elastic["0", "0"], *means(runs_of("mnist_15_epochs", "joint_vae"), "nmi")) in TEXT


def test_differences_on_digits():
    found = {run_method: values(runs_of("digits", run_method)) for run_method in (
        "elastic_infogan", "gumbel_infogan", "gumbel_infogan_pos", "joint_vae", "ground_truth_infogan",
        "ground_truth_infogan_ntxent")}
    nmi = " and ".join(f"{statistics.mean(found[method].values()):.3f}"
                       for method in ("elastic_infogan", "joint_vae"))
    for one, other, words in (
            ("elastic_infogan", "joint_vae", f"NMI {nmi} on digits, difference {{}} (10 pairs)"),
            ("gumbel_infogan_pos", "gumbel_infogan",
             "NMI of `gumbel_infogan_pos` less that of `gumbel_infogan`: {} (10 pairs)"),
            ("elastic_infogan", "gumbel_infogan_pos",
             "NMI of `elastic_infogan` less that of `gumbel_infogan_pos`: {} (10 pairs)"),
            ("ground_truth_infogan", "gumbel_infogan",
             "NMI of `ground_truth_infogan` less that of `gumbel_infogan`: {};"),
            ("ground_truth_infogan_ntxent", "elastic_infogan",
             "of `ground_truth_infogan_ntxent` less that of `elastic_infogan`: {} (10 pairs each)")):
        difference = format_difference(paired_difference(found[one], found[other])).removesuffix(" (10)")
        assert words.format(difference) in TEXT


@pytest.mark.parametrize("metric, after", [
    ("generated_total_variation", " after 15 and {} after 50"),
    ("prior_total_variation", " after 15 and after 50")])
def test_distributions_of_the_claims(metric, after):
    pair = (metric, f"{metric}_of_uniform")
    text = " and ".join

    def of(directory, **options):
        return text(means(runs_of(directory, **options), *pair))
    assert f"MNIST {of('mnist_15_epochs')}" in TEXT and f"digits {of('digits')}" in TEXT
    late = of("mnist_50_epochs")
    assert f"split 0 {of('mnist_15_epochs', split=0)}{after.format(late)}" in TEXT
    assert "{}" in after or late == of("mnist_15_epochs", split=0)
    assert ", ".join(f"{name} {of(f'{name}_cpu')}" for name in SUBSTITUTES) in TEXT


def test_one_nn_accuracy_of_the_claims():
    for directory, name in (("digits", "digits"), ("mnist_15_epochs", "MNIST"),
                            *((f"{name}_cpu", name) for name in SUBSTITUTES)):
        elastic = means(runs_of(directory), "one_nn_accuracy", "one_nn_accuracy_of_random_weights")
        (uniform,) = means(runs_of(directory, "uniform_infogan"), "one_nn_accuracy")
        assert f"{name} {elastic[0]}, {uniform} and {elastic[1]}" in TEXT

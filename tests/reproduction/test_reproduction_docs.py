"""docs/reproduction.md says what the committed results and the protocol say."""

import statistics
from pathlib import Path

import pytest

from eig_tf.reproduction.comparison import paired_difference, read_runs
from eig_tf.reproduction.protocol import load_protocol
from eig_tf.reproduction.table_files import format_difference

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8")
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
    mnist = {method: runs_of("mnist_15_epochs", method) for method in (
        "elastic_infogan", "gumbel_infogan", "uniform_infogan")}
    elastic, gumbel, uniform = map(values, mnist.values())
    for one, other in ((elastic, uniform), (gumbel, uniform), (elastic, gumbel)):
        difference = format_difference(paired_difference(one, other))
        assert difference.replace(" (3)", " on MNIST (3 pairs)") in TEXT or (
            difference.replace("(3)", "(3 pairs)") in TEXT)
    nmi = {name: means(runs, "nmi")[0] for name, runs in mnist.items()}
    assert f"MNIST {nmi['elastic_infogan']} and {nmi['uniform_infogan']}, difference" in TEXT
    assert "standard deviation of NMI {} for `elastic_infogan`, {} for `gumbel_infogan`, {} for".format(
        *(f"{statistics.stdev(values(runs).values()):.3f}" for runs in mnist.values())) in TEXT
    assert ", ".join(f"{name} {means(runs_of(f'{name}_cpu'), 'nmi')[0]} and "
                     f"{means(runs_of(f'{name}_cpu', 'uniform_infogan'), 'nmi')[0]}"
                     for name in SUBSTITUTES) in TEXT
    digits = values(runs_of("digits"))["0", "0"]
    assert "NMI {:.3f} and {} on MNIST, {:.3f} and {} on digits".format(
        elastic["0", "0"], *means(runs_of("mnist_15_epochs", "joint_vae"), "nmi"),
        digits, *means(runs_of("digits", "joint_vae"), "nmi")) in TEXT
    gumbel_digits = values(runs_of("digits", "gumbel_infogan"))["0", "0"]
    assert f"{digits - gumbel_digits:+.3f} on digits (1 pair)" in TEXT


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
    for directory, name in (("mnist_15_epochs", "MNIST"), *((f"{name}_cpu", name) for name in SUBSTITUTES)):
        elastic = means(runs_of(directory), "one_nn_accuracy", "one_nn_accuracy_of_random_weights")
        (uniform,) = means(runs_of(directory, "uniform_infogan"), "one_nn_accuracy")
        assert f"{name} {elastic[0]}, {uniform} and {elastic[1]}" in TEXT

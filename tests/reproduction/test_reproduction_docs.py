"""docs/reproduction.md says what the committed results and the protocol say."""

import statistics
from pathlib import Path

import pytest

from eig_tf.reproduction.comparison import paired_difference, read_runs
from eig_tf.reproduction.protocol import load_protocol
from eig_tf.reproduction.table_files import format_difference

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8")
METHODS = ("elastic_infogan", "gumbel_infogan", "uniform_infogan")
SUBSTITUTES = ("cars", "chairs", "shapenet", "ytf")


def runs_of(directory, method="elastic_infogan", split="*"):
    runs = read_runs((REPOSITORY / "results" / directory).glob(f"{method}-split{split}-seed*.json"))
    assert runs
    return runs


def ablation(label):
    return runs_of("ablations/settings", f"digits-{label}-elastic_infogan")


def means(runs, *metrics):
    return [f"{statistics.mean(run.value(metric) for run in runs):.3f}" for metric in metrics]


def mean_nmi(*of_runs):
    return " and ".join(means(runs, "nmi")[0] for runs in of_runs)


def difference(runs, others):
    values, other_values = ({run.key: run.value("nmi") for run in of_runs} for of_runs in (runs, others))
    groups = {run.key: run.data_group for run in (*runs, *others)}
    found = paired_difference(values, other_values, groups)
    return f"{format_difference(found).rpartition(' (')[0]} ({found.num} splits)"


def test_what_is_not_stated_is_that_of_the_protocol():
    text = " ".join(TEXT.split())
    assert [remark for remark in load_protocol()["not_stated"] if f"- {remark}" not in text] == []


@pytest.mark.parametrize("directory, name", [("digits", "digits"), ("mnist_15_epochs", "MNIST")])
def test_nmi_of_the_claims(directory, name):
    elastic, gumbel, uniform = (runs_of(directory, method) for method in METHODS)
    deviations = [f"{statistics.stdev(run.value('nmi') for run in runs):.3f}"
                  for runs in (elastic, gumbel, uniform)]
    for text in (f"{name} {mean_nmi(elastic, uniform)}, difference {difference(elastic, uniform)}",
                 f"{name} {mean_nmi(gumbel, uniform)}, difference {difference(gumbel, uniform)}",
                 f"{difference(elastic, gumbel)} on {name}",
                 "{} {}, {} and {}".format(name, *deviations)):
        assert text in TEXT


def test_nmi_of_substitutes_and_of_the_vae():
    assert ", ".join(f"{name} {mean_nmi(runs_of(f'{name}_cpu'), runs_of(f'{name}_cpu', 'uniform_infogan'))}"
                     for name in SUBSTITUTES) in TEXT
    for directory, name in (("digits", "digits"), ("mnist_15_epochs", "MNIST")):
        elastic, vae = runs_of(directory), runs_of(directory, "joint_vae")
        assert f"{mean_nmi(elastic, vae)} on {name}, difference {difference(elastic, vae)}" in TEXT


@pytest.mark.parametrize("one, other", [
    ("gumbel_infogan_pos", "gumbel_infogan"), ("elastic_infogan", "gumbel_infogan_pos"),
    ("ground_truth_infogan", "gumbel_infogan"), ("ground_truth_infogan_ntxent", "elastic_infogan"),
    ("agglomerative_infogan", "elastic_infogan")])
def test_differences_on_digits(one, other):
    found = difference(runs_of("digits", one), runs_of("digits", other))
    assert f"`{one}` less that of `{other}`: {found}" in TEXT


@pytest.mark.parametrize("one, other", [
    ("gumbel_infogan_pos", "gumbel_infogan"), ("elastic_infogan", "gumbel_infogan_pos")])
def test_differences_on_mnist(one, other):
    found = [difference(runs_of(name, one), runs_of(name, other)) for name in ("digits", "mnist_15_epochs")]
    assert f"`{one}` less that of `{other}`: {found[0]} on digits, {found[1]} on MNIST" in TEXT


def test_continuous_codes_of_the_claims():
    runs, without = runs_of("continuous_digits"), runs_of("digits")
    assert f"{mean_nmi(runs, without)}, difference {difference(runs, without)}" in TEXT


def test_ablations_of_the_claims():
    starts = [ablation(label) for label in ("default", "prior_start_1", "prior_start_2", "prior_start_3")]
    for metric in ("nmi", "prior_total_variation"):
        first, second, third, fourth = (means(runs, metric)[0] for runs in starts)
        assert f" {first}, {second}, {third} and {fourth}; " in TEXT
    assert f"NMI of 3 less that of the uniform start {difference(starts[3], starts[0])}" in TEXT
    assert f"NMI of `shared` less that of `head`: {difference(ablation('routing_shared'), starts[0])}" in TEXT


def test_what_becomes_of_codes_that_are_too_many_or_too_few():
    priors = [run.evaluation.record.prior for label in ("codes_15", "codes_20") for run in ablation(label)]
    assert f"smallest learned probability is {min(map(min, priors)):.3f}." in " ".join(TEXT.split())
    entropies = [means(ablation(label), "ent")[0] for label in ("default", "codes_15", "codes_20")]
    assert "ENT falls from {} to {} and {}, ".format(*entropies) in " ".join(TEXT.split())
    for run in ablation("codes_8"):
        assert len(set(run.evaluation.record.confusion.argmax(axis=1))) == 7
    fast = max(ablation("prior_rate_1e-2"), key=lambda run: max(run.evaluation.record.prior))
    assert (f"a probability of {max(fast.evaluation.record.prior):.3f} for one code and an NMI of "
            f"{fast.value('nmi'):.3f}") in " ".join(TEXT.split())
    distances = [means(ablation(label), "generated_total_variation")[0] for label in ("tau_1", "default")]
    assert "a total variation of {} in the place of {}.".format(*distances) in " ".join(TEXT.split())
    for label in ("prior_start_2", "prior_start_3", "tau_1"):
        found = difference(ablation(label), ablation("default")).removesuffix(" (4 splits)")
        assert found in " ".join(TEXT.split())


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

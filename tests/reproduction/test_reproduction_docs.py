"""docs/reproduction.md says what the committed results and the protocol say."""

import statistics
from pathlib import Path

import pytest

from eig_tf.reproduction.comparison import paired_difference
from eig_tf.reproduction.evaluated_runs import read_runs
from eig_tf.reproduction.protocol import load_protocol
from eig_tf.reproduction.table_files import format_difference

REPOSITORY = Path(__file__).parents[2]
TEXT = " ".join((REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8").split())
DIGITS, MNIST = "digits", "mnist_15_epochs"


def runs_of(directory, method="elastic_infogan", splits="*"):
    runs = read_runs((REPOSITORY / "results" / directory).glob(f"{method}-split{splits}-seed*.json"))
    assert runs
    return runs


def ablation(label):
    return runs_of("ablations/settings", f"digits-{label}-elastic_infogan")


def means(metric, *of_runs):
    return [f"{statistics.mean(run.value(metric) for run in runs):.3f}" for runs in of_runs]


def difference(runs, others):
    values, other_values = ({run.key: run.value("nmi") for run in of_runs} for of_runs in (runs, others))
    groups = {run.key: run.data_group for run in (*runs, *others)}
    found = paired_difference(values, other_values, groups)
    return f"{format_difference(found).rpartition(' (')[0]} ({found.num} splits)"


def test_what_is_not_stated_and_departures_are_those_of_the_protocol():
    protocol = load_protocol()
    remarks = [*protocol["departures"], *protocol["not_stated"]]
    assert [remark for remark in remarks if f"- {remark}" not in TEXT] == []


@pytest.mark.parametrize("directory, name", [(DIGITS, "digits"), (MNIST, "MNIST")])
def test_error_bars(directory, name):
    methods = ("elastic_infogan", "gumbel_infogan", "uniform_infogan")
    deviations = [f"{statistics.stdev(run.value('nmi') for run in runs_of(directory, method)):.3f}"
                  for method in methods]
    assert "{} {}, {} and {}".format(name, *deviations) in TEXT


def test_longer_training():
    """Split 1 after 15 and 50 epochs on one GPU, and split 0 on other machines."""
    nmi = {}
    for split, early in (("1", "ablations/machines"), ("0", MNIST)):
        for method in ("elastic_infogan", "uniform_infogan"):
            runs = [runs_of(early, method, split), runs_of("mnist_50_epochs", method, split)]
            machines = {run.evaluation.record.training.get("machine") for of_runs in runs for run in of_runs}
            assert split == "0" or machines == {"1 x NVIDIA H200"}
            nmi[method, split] = "{} and {}".format(*means("nmi", *runs))
    assert "NMI of `elastic_infogan` {}, of `uniform_infogan` {};".format(
        nmi["elastic_infogan", "1"], nmi["uniform_infogan", "1"]) in TEXT
    assert "NMI {}, {} |".format(nmi["elastic_infogan", "0"], nmi["uniform_infogan", "0"]) in TEXT
    runs = [runs_of(directory, splits="1") for directory in ("ablations/machines", "mnist_50_epochs")]
    for metric in ("generated_total_variation", "prior_total_variation"):
        assert "{} and {}".format(*means(metric, *runs)) in TEXT


def test_continuous_codes():
    """On MNIST, of all runs those on the GPU, so that no pair is between machines."""
    on_the_gpu = [[*runs_of("continuous_15_epochs", splits="[01]"),
                   *runs_of("ablations/machines", "continuous-elastic_infogan", "2")],
                  [*runs_of("ablations/settings", "mnist-default-elastic_infogan", "0"),
                   *runs_of("ablations/machines", splits="1"), *runs_of(MNIST, splits="2")]]
    assert {run.evaluation.record.training["machine"] for runs in on_the_gpu for run in runs} == {
        "1 x NVIDIA H200"}
    for name, (runs, others) in {"digits": (runs_of("continuous_digits"), runs_of(DIGITS)),
                                 "MNIST": on_the_gpu}.items():
        compared = "{} and {}, difference {}".format(*means("nmi", runs, others), difference(runs, others))
        assert f"{name} {compared}" in TEXT


def with_runs_on_a_gpu(method):
    """The runs of MNIST, with that of split 1 on a GPU where it was repeated there."""
    repeated = "ablations/machines" if method != "gumbel_infogan" else MNIST
    return [*runs_of(MNIST, method, "[02]"), *runs_of(repeated, method, "1")]


@pytest.mark.parametrize("method", ["elastic_infogan", "gumbel_infogan"])
def test_claims_on_mnist_with_another_machine(method):
    found = difference(with_runs_on_a_gpu(method), with_runs_on_a_gpu("uniform_infogan"))
    assert f" is {found}" in TEXT or f" that of `{method}` {found}" in TEXT


def test_starts_of_the_prior_and_routing():
    starts = [ablation(label) for label in ("default", "prior_start_1", "prior_start_2", "prior_start_3")]
    for metric in ("nmi", "prior_total_variation"):
        assert " {}, {}, {} and {}; ".format(*means(metric, *starts)) in TEXT
    assert f"NMI of 3 less that of the uniform start {difference(starts[3], starts[0])}" in TEXT
    assert f"NMI of `shared` less that of `head`: {difference(ablation('routing_shared'), starts[0])}" in TEXT
    mnist = [runs_of("ablations/settings", f"mnist-{label}-elastic_infogan")
             for label in ("routing_shared", "routing_contrastive", "default")]
    assert "and `head` on MNIST, split 0: {}, {} and {}".format(*means("nmi", *mnist)) in TEXT


def test_what_becomes_of_codes_that_are_too_many_or_too_few():
    priors = [run.evaluation.record.prior for label in ("codes_15", "codes_20") for run in ablation(label)]
    assert f"smallest learned probability is {min(map(min, priors)):.3f}." in TEXT
    entropies = means("ent", *map(ablation, ("default", "codes_15", "codes_20")))
    assert "ENT falls from {} to {} and {}, ".format(*entropies) in TEXT
    for label, numbers in (("codes_8", {7}), ("codes_5", {4, 5})):
        confusions = [run.evaluation.record.confusion for run in ablation(label)]
        assert {len(set(confusion.argmax(axis=1))) for confusion in confusions} == numbers
    assert "and ENT is {}.".format(*means("ent", ablation("codes_5"))) in TEXT
    fast = max(ablation("prior_rate_1e-2"), key=lambda run: max(run.evaluation.record.prior))
    assert (f"a probability of {max(fast.evaluation.record.prior):.3f} for one code and an NMI of "
            f"{fast.value('nmi'):.3f}") in TEXT
    distances = means("generated_total_variation", ablation("tau_1"), ablation("default"))
    assert "a total variation of {} instead of {}".format(*distances) in TEXT
    for label in ("prior_start_2", "prior_start_3", "tau_1"):
        assert difference(ablation(label), ablation("default")).removesuffix(" (4 splits)") in TEXT


def test_ablations_on_mnist():
    settings = sorted((REPOSITORY / "results/ablations/settings").glob("mnist-*.json"))
    nmi = {run.path.name.split("-elastic")[0]: run.value("nmi") for run in read_runs(settings)}
    (elsewhere,) = runs_of(MNIST, splits="0")
    unchanged = nmi.pop("mnist-default")
    assert f"{unchanged:.3f} on a GPU, and {elsewhere.value('nmi'):.3f} on a CPU" in TEXT
    assert f"between {min(nmi.values()):.3f} and {max(nmi.values()):.3f}" in TEXT
    generated = [run.value("generated_total_variation") for label in ("tau_1", "default")
                 for run in runs_of("ablations/settings", f"mnist-{label}-elastic_infogan")]
    assert "on MNIST {:.3f} and {:.3f}".format(*generated) in TEXT

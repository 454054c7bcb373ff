"""Verdicts on the claims of the paper; numbers are computed by hand."""

import csv
import io

import pytest

from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.reproduction.claims import compare_claims, format_csv, format_markdown, judge
from eig_tf.reproduction.comparison import METRIC_NAMES, Difference
from eig_tf.reproduction.evaluated_runs import read_runs
from eig_tf.reproduction.protocol import Claim, load_claims

PRIORS = Claim("a learned prior wins", ("elastic_infogan", "nmi"), ("uniform_infogan", "nmi"))
GENERATED = Claim("the prior is learned", ("elastic_infogan", "generated_total_variation_of_uniform"),
                  ("elastic_infogan", "generated_total_variation"))
TRAINED = Claim("training helps", ("elastic_infogan", "one_nn_accuracy"),
                ("elastic_infogan", "one_nn_accuracy_of_random_weights"))


@pytest.fixture
def runs(write_evaluation):
    """Differences of NMI of 0.25, 0.5 and 0.375 on digits, of -0.5 twice on MNIST, none on coil."""
    numbers = {"digits": ([0.5, 0.75, 0.625], [0.25, 0.25, 0.25]), "mnist": ([0.25, 0.25], [0.75, 0.75])}
    paths = [write_evaluation(f"{dataset}-{method}-{split}.json", method, dataset, fields={"split": split},
                              nmi=nmi, one_nn_accuracy=0.875, one_nn_accuracy_of_random_weights=0.5,
                              generated_total_variation=0.1, generated_total_variation_of_uniform=0.2 + split)
             for dataset, of_dataset in numbers.items()
             for method, of_method in zip(("elastic_infogan", "uniform_infogan"), of_dataset)
             for split, nmi in enumerate(of_method)]
    return read_runs(paths)


def test_a_verdict_is_that_of_the_interval():
    assert judge(Difference(0.2, 0.1, 0.3, 4)) == "holds"
    assert judge(Difference(-0.2, -0.3, -0.1, 4)) == "does not hold"
    for low, high in ((-0.1, 0.5), (0.0, 0.4), (-0.4, 0.0), (None, None)):
        assert judge(Difference(0.2, low, high, 4)) == "open"


def test_claims_of_three_data_sets(runs):
    table = compare_claims([PRIORS, GENERATED, TRAINED], runs, ["mnist", "digits", "coil"])
    priors, generated, trained = table.results
    # The deviation of the three is 0.125, t(2) = 4.302653.
    half = 4.302652729911275 * 0.125 / 3 ** 0.5
    assert priors.differences["digits"] == pytest.approx((0.375, 0.375 - half, 0.375 + half, 3))
    assert priors.differences["mnist"] == (-0.5, -0.5, -0.5, 2) and priors.differences["coil"] is None
    # The means -0.5 and 0.375 have a mean of -0.0625; t(1) = 12.706205.
    half = 12.706204736432095 * 0.875 / 2
    assert priors.differences["over data sets"] == pytest.approx((-0.0625, -0.0625 - half, -0.0625 + half, 2))
    assert priors.verdicts() == {"holds": ["digits"], "does not hold": ["mnist"], "open": ["over data sets"]}
    # 0.1, 1.1 and 2.1 for the three splits; both sides are of one run.
    assert generated.differences["digits"].mean == pytest.approx(1.1)
    assert generated.verdicts() == {"open": ["mnist", "digits", "over data sets"]}
    assert trained.differences["digits"] == (0.375, 0.375, 0.375, 3)
    # Table 1 has 0.889 and 0.777 for MNIST, table 4 0.9655 and 0.4865.
    assert priors.published == {"mnist": pytest.approx(0.112), "digits": None, "coil": None,
                                "over data sets": pytest.approx(0.112)}
    assert trained.published["mnist"] == pytest.approx(0.9655 - 0.4865)
    text = format_markdown(table)
    assert ("| a learned prior wins | NMI: `elastic_infogan` less `uniform_infogan` "
            "| -0.500 [-0.500, -0.500] (2) | +0.375 [+0.064, +0.686] (3) "
            "| missing | -0.062 [-5.621, +5.496] (2) "
            "| holds on digits; does not hold on mnist; open over data sets |\n") in text
    assert "| `elastic_infogan`: TV generated from uniform codes less TV generated |" in text
    assert ("| a learned prior wins | NMI: `elastic_infogan` less `uniform_infogan` "
            "| +0.112 |  |  | +0.112 |\n"
            "| training helps | `elastic_infogan`: 1-NN less 1-NN before training | +0.479 |  |  | +0.479 |\n"
            "\n## mnist\n\n- preset paper, epochs 200, ") in text
    assert text.endswith("\n## coil\n\n- no runs\n")
    rows = list(csv.DictReader(io.StringIO(format_csv(table.results))))
    assert len(rows) == 12 and rows[2] == {
        "claim": "a learned prior wins", "greater": "elastic_infogan", "greater_metric": "nmi",
        "less": "uniform_infogan", "less_metric": "nmi", "dataset": "coil",
        **dict.fromkeys(("difference", "low", "high", "differences", "verdict", "paper"), "")}
    assert rows[-1]["less_metric"] == "one_nn_accuracy_of_random_weights"
    assert rows[0]["verdict"] == "does not hold" and float(rows[0]["low"]) == -0.5


def test_runs_of_a_column_are_alike(write_evaluation):
    paths = [write_evaluation("a.json"), write_evaluation("b.json", "uniform_infogan", judge="other")]
    with pytest.raises(UserError, match="differ in the judge: small_cnn and other"):
        compare_claims([PRIORS], read_runs(paths), ["digits"])


def test_claims_are_of_methods_and_metrics_that_exist():
    """A wrong name would be a row of `missing`. Where NMI should be greater, ENT should be less."""
    claims = load_claims()
    for claim in claims:
        for method, metric in (claim.greater, claim.less):
            assert method in METHODS and metric in METRIC_NAMES
    assert claims[:2] == [
        Claim("Elastic-InfoGAN beats a uniform prior (4.1, table 1)", ("elastic_infogan", "nmi"),
              ("uniform_infogan", "nmi")),
        Claim("Elastic-InfoGAN beats a uniform prior (4.1, table 1)", ("uniform_infogan", "ent"),
              ("elastic_infogan", "ent"))]

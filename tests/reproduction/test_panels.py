"""The choice of the runs of a figure, and figures of small runs with their first weights."""

import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.figures.page import TITLE_SIZE
from eig_tf.reproduction.evaluated_runs import read_runs
from eig_tf.reproduction.panels import choose_runs, draw_figure

PANELS = [("digits", "uniform_infogan"), ("digits", "joint_vae"), ("digits", "elastic_infogan")]


@pytest.fixture
def runs(write_evaluation):
    """Evaluations by method and (split, NMI)."""
    def make(**methods):
        return read_runs([
            write_evaluation(f"{method}-{split}.json", method, fields={"split": split}, nmi=nmi)
            for method, found in methods.items() for split, nmi in found])
    return make


def test_the_split_of_the_median_on_which_all_have_a_run(runs):
    """Of elastic_infogan's NMI on splits 1 to 4 (0 and 5 lack others), 0.3 is the lower median."""
    elastic = [(0, 0.9), (1, 0.1), (2, 0.7), (3, 0.3), (4, 0.6), (5, 0.2)]
    found = runs(elastic_infogan=elastic, uniform_infogan=[(split, 0.5) for split in range(1, 6)],
                 joint_vae=[(split, 0.0) for split in range(5)])
    chosen = choose_runs(PANELS, {"digits": found})
    assert [run.row for run in chosen.runs] == [method for _, method in PANELS]
    assert {run.key for run in chosen.runs} == {("3", "0")}
    assert "elastic_infogan has its median NMI of 4 runs" in chosen.why and "(3/0)" in chosen.why


def test_a_method_without_runs_is_missing(runs):
    found = runs(elastic_infogan=[(0, 0.5), (1, 0.4)], uniform_infogan=[(1, 0.5)])
    chosen = choose_runs(PANELS, {"digits": found}).runs
    assert [run and run.key for run in chosen] == [("1", "0"), None, ("1", "0")]
    with pytest.raises(UserError, match=r"no split on which all of uniform_infogan of digits, .* have a run"):
        choose_runs(PANELS, {"digits": []})


def test_panels_of_another_sweep_need_not_share_the_split(runs):
    panels = [("balanced", "uniform_infogan"), *PANELS[2:]]
    found = runs(elastic_infogan=[(3, 0.5)], uniform_infogan=[(0, 0.5)])
    elastic, uniform = ([run for run in found if run.row == row] for row in (
        "elastic_infogan", "uniform_infogan"))
    chosen = choose_runs(panels, {"balanced": uniform, "digits": elastic}).runs
    assert [run.key for run in chosen] == [("0", "0"), ("3", "0")]


@pytest.fixture(scope="module")
def run_directories(tmp_path_factory, write_first_weights):
    """Run directories of two methods with two continuous codes, after an epoch with their first weights."""
    directories = {}
    for method in ("uniform_infogan", "elastic_infogan"):
        config = config_lib.load_preset("digits", method=method)
        config.networks.width, config.networks.num_continuous = 0.1, 2
        directories[method] = write_first_weights(tmp_path_factory.mktemp(method), config).path
    return directories


@pytest.mark.parametrize("kind, names, across", [
    ("codes", ["a", "b"], True), ("columns", ["a", "b"], False),
    ("traversals", ["a, continuous code 0", "a, continuous code 1", "b, continuous code 0",
                    "b, continuous code 1"], True),
    ("neighbours", ["a, ", "b, "], False)])
def test_panels_of_each_kind(run_directories, write_evaluation, kind, names, across):
    runs = read_runs([write_evaluation("a.json", "uniform_infogan"), write_evaluation("b.json")])
    runs = [run._replace(path=run_directories[run.row] / "evaluation.json") for run in runs]
    figure, notes = draw_figure(kind, [runs[0], None, runs[1]], ["a", "missing_method", "b"], columns=3)
    assert "missing_method is missing: there is no run" in notes
    headings = [text for text in figure.texts if text.get_fontsize() == TITLE_SIZE]
    assert [text.get_text().startswith(name) for text, name in zip(headings, names)] == [True] * len(names)
    places = [text.get_position() for text in headings]
    assert len({place[1 if across else 0] for place in places}) == 1
    assert places == sorted(places, key=lambda place: place[0] if across else -place[1])
    if kind == "codes":
        assert sum(text.get_text().startswith("code ") for text in figure.texts) == 20


def test_figures_need_checkpoints(write_evaluation):
    (run,) = read_runs([write_evaluation("flat/a.json")])
    with pytest.raises(UserError, match=r"a\.json is not in a run directory: there is no .*checkpoints"):
        draw_figure("codes", [run], ["a"])

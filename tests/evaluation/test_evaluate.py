import pytest

from eig_tf import config as config_lib
from eig_tf.data import registry
from eig_tf.evaluation import evaluate
from eig_tf.evaluation.record import EvaluationRecord


def _record(dataset="cars", method="elastic_infogan", prior_learned=True, **judge):
    """Three codes and two classes: code 1 matches none."""
    config = config_lib.load_preset(dataset, method=method)
    config.seed = 1
    return EvaluationRecord(
        config.to_dict(), 2, ("cat", "dog"), [[2, 8], [5, 5], [10, 0]], [1, None, 0], [0.25, 0.75],
        [0.6, 0.1, 0.3], prior_learned, metrics={"nmi": 0.5, "ent": 0.25}, images_per_code=10,
        judge={"architecture": "resnet50", "accuracy": 0.9123, "num_test": 10, **judge})


def test_table_names_the_run_and_warns_of_a_weak_judge():
    lines = evaluate.format_evaluation(_record()).splitlines()
    assert lines[0] == ("cars, elastic_infogan, split 0, seed 1, 2 epochs, head routing, 10 images for each "
                        "code")
    assert lines[1].startswith("  NMI ") and lines[1].endswith(" 0.500  [classifier 0.912]")
    assert lines[-2].endswith("0.9123 (resnet50, 10 images)")
    assert lines[-1].startswith("warning: the classifier's accuracy on held-out images is 0.9123, below the "
                                "paper's 0.99;")


@pytest.mark.parametrize("changes", [{"accuracy": 0.99}, {"dataset": "digits"}])
def test_no_warning_for_a_judge_as_good_as_the_papers_or_without_one_to_compare(changes):
    assert "warning" not in evaluate.format_evaluation(_record(**changes))


def test_categories_stand_before_the_warnings():
    record = _record()
    plain = evaluate.format_evaluation(record).splitlines()
    scores = {"nmi": 0.5, "accuracy": 0.5}
    record.categories = {"num_categories": 2, "held_out": None, "real": scores, "baselines": {
        name: scores for name in ("kmeans_pixels", "spectral_pca", "spectral_features")},
        **dict.fromkeys(("nmi", "ent", "nmi_by_prior", "ent_by_prior", "distribution_error",
                         "distribution_error_of_prior", "distribution_error_of_uniform"), 0.25)}
    lines = evaluate.format_evaluation(record).splitlines()
    assert lines[:len(plain) - 1] == plain[:-1] and lines[-1] == plain[-1]
    assert lines[len(plain) - 1] == "2 categories" and len(lines) == len(plain) + 9


@pytest.mark.parametrize("method", config_lib.METHODS)
def test_every_method_has_a_table(method):
    heading = evaluate.format_evaluation(_record(method=method)).splitlines()[0]
    routing = config_lib.flatten(config_lib.load_preset("cars", method=method)).get("loss.gradient_routing")
    assert (f", {routing} routing," in heading) == ("routing" in heading) == (routing is not None)


@pytest.mark.parametrize("prior_learned, kind", [(True, "learned"), (False, "fixed")])
def test_prior_chart_names_its_kind_and_shows_unmatched_probability(prior_learned, kind):
    figure = evaluate.prior_chart(_record(prior_learned=prior_learned))
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert any(text.startswith(kind) for text in texts), texts
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_xticklabels()]
    heights = [[round(bar.get_height(), 6) for bar in bars] for bars in axes.containers]
    assert names == ["cat", "dog", "no class"]
    assert heights == [[0.25, 0.75, 0], [0.3, 0.6, 0.1]]


@pytest.mark.parametrize(("start", "given"), [
    (".", "cars"), (".", "cars/"), ("cars", "."), (".", "{here}/cars"), (".", "{here}/cars/")])
def test_results_do_not_say_where_the_data_are(tmp_path, monkeypatch, start, given):
    (tmp_path / "cars").mkdir()
    monkeypatch.chdir(tmp_path / start)
    data_dir = given.format(here=tmp_path)
    source = f"3D Cars v1.0, {registry.find_directory('cars', data_dir)}"
    assert evaluate._without_location(source, data_dir) == "3D Cars v1.0, cars"
    assert evaluate._without_location("scikit-learn's digits", None) == "scikit-learn's digits"

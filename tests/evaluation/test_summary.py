import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.evaluation import summary
from eig_tf.evaluation.record import EvaluationRecord, save_record


def _write(path, dataset="mnist", method="elastic_infogan", fields=(), metrics=(), **changes):
    """Write an evaluation with some fields of its config changed, and read it for the table."""
    config = config_lib.load_preset(dataset, method=method)
    config.update_from_flattened_dict(dict(fields))
    values = {"nmi": 0.8, "ent": 0.3, "one_nn_accuracy": 0.9, "prior_total_variation": 0.1,
              "prior_total_variation_of_uniform": 0.2, "generated_total_variation": 0.05,
              "generated_total_variation_of_uniform": 0.15, **dict(metrics)}
    save_record(EvaluationRecord(**{
        "config": config.to_dict(), "epochs": 15, "class_names": "ab", "confusion": [[1, 0], [0, 1]],
        "code_to_class": [0, 1], "true_fractions": [0.5, 0.5], "prior": [0.5, 0.5], "prior_learned": True,
        "metrics": values, "judge": {"accuracy": 0.99}, "images_per_code": 1000,
        "training": {"num_training_images": 650}, **changes}), path)
    return summary.read_evaluation(path)


def test_runs_of_one_setting_are_averaged(tmp_path):
    table = summary.markdown_table([
        _write(tmp_path / "a.json", fields={"split": 1}, metrics={"nmi": 0.9}), _write(tmp_path / "b.json")])
    assert table.splitlines()[2] == (
        "| mnist | elastic_infogan |  | 1 | 15 (150) | head | 0/0, 1/0 | 0.850 ± 0.071 | 0.300 ± 0.000 "
        "| 0.100 (0.200) | 0.050 (0.150) | 0.900 | 0.990 | 0.889 / 0.213 |")


def test_evaluations_of_other_sizes_are_not_averaged(tmp_path):
    evaluations = [_write(tmp_path / "a.json"),
                   _write(tmp_path / "b.json", images_per_code=50, fields={"seed": 1})]
    with pytest.raises(UserError, match="differ in images_per_code; expected"):
        summary.markdown_table(evaluations)


def test_an_evaluation_counts_once(tmp_path):
    evaluations = [_write(tmp_path / "a.json"), _write(tmp_path / "b.json")]
    with pytest.raises(UserError, match=r"two evaluations are of one run of mnist, .*: 0/0; exp"):
        summary.markdown_table(evaluations)


def test_settings_are_kept_apart(tmp_path):
    changes = ({}, {"epochs": 5}, {"fields": {"loss.gradient_routing": "shared"}},
               {"method": "uniform_infogan"}, {"dataset": "digits"}, {"fields": {"networks.width": 0.5}},
               {"fields": {"loss.contrastive_weight": 5.0, "networks.num_codes": 12}},
               {"judge": {"accuracy": 0.99, "architecture": "resnet50"}},
               {"training": {"num_training_images": 650, "data_source": "renders"}})
    evaluations = [_write(tmp_path / "a.json", **change) for change in changes]
    rows = summary.markdown_table(evaluations).splitlines()[2:]
    assert len(rows) == 9
    assert sum("| loss.contrastive_weight=5, networks.num_codes=12 |" in row for row in rows) == 1
    assert "| digits | elastic_infogan |  | 0.25 | 15 (150) | head | 0/0 | 0.800 | 0.300 |" in rows[0]
    assert rows[0].endswith("|  |")  # the paper has no digits
    cars = [_write(tmp_path / "a.json", "cars", fields={"preset": preset, "networks.width": 1.0})
            for preset in ("paper", "cpu")]
    rows = summary.markdown_table(cars).splitlines()[2:]
    assert len(rows) == 2 and "| cars | elastic_infogan | preset=cpu, " in rows[0]


@pytest.mark.parametrize("method", config_lib.METHODS)
def test_methods_without_routing_leave_its_column_empty(tmp_path, method):
    categories = {"nmi": 0.9, "ent": 0.1, "distribution_error_of_prior": 0.1,
                  "distribution_error_of_uniform": 0.2}
    evaluation = _write(tmp_path / "a.json", method=method, categories=categories)
    row = summary.markdown_table([evaluation]).splitlines()[2]
    fields = config_lib.flatten(config_lib.load_preset("mnist", method=method))
    has_routing = "loss.gradient_routing" in fields
    assert row.split(" | ")[1] == f"{method}" and row.split(" | ")[5] == ("head" if has_routing else "")


def test_the_papers_class_sets_are_averaged_and_others_kept_apart(tmp_path):
    evaluations = [
        _write(tmp_path / "a.json", "cars", fields={"data.class_set": class_set}, metrics={"nmi": nmi})
        for class_set, nmi in (("1", 0.8), ("0", 0.6), ("random", 0.9), ("003,017", 0.5))]
    rows = summary.markdown_table(evaluations).splitlines()[2:]
    assert [row.split(" | ")[6:8] for row in rows] == [
        ["0/0/0, 1/0/0", "0.700 ± 0.141"], ["0/0 (003,017)", "0.500"], ["0/0 (random)", "0.900"]]


def test_an_evaluation_without_a_metric_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"an evaluation of mnist, .* has no one_nn_accuracy"):
        summary.markdown_table([_write(tmp_path / "a.json", metrics={"one_nn_accuracy": None})])


def test_categories_are_averaged_beside_the_baselines(tmp_path):
    def categories(nmi, held_out):
        pair = {"nmi": nmi, "accuracy": 0.5}
        return {"num_categories": 2, "nmi": nmi, "ent": 0.1, "distribution_error": 0.1,
                "distribution_error_of_prior": 0.2, "distribution_error_of_uniform": 0.3, "real": pair,
                "held_out": held_out and pair, "baselines": {name: pair for name in (
                    "kmeans_pixels", "spectral_pca", "spectral_features")}}
    evaluations = [
        _write(tmp_path / f"{seed}.json", fields={"seed": seed}, categories=categories(nmi, seed == 0))
        for seed, nmi in ((0, 0.6), (1, 0.8))]
    row = summary.category_table(evaluations).splitlines()[2]
    assert "| 0.700 / 0.100 | 0.100 (0.200; 0.300) | 0.700 / 0.500 |  | 0.700 / 0.500 |" in row
    row = summary.category_table(evaluations[:1]).splitlines()[2]
    assert "| 0.600 / 0.500 | 0.600 / 0.500 | 0.600 / 0.500 |" in row


def test_damaged_files_are_named(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(UserError, match=r"a\.json is not an evaluation"):
        summary.read_evaluation(tmp_path / "a.json")
    config = config_lib.load_preset("digits", method="agglomerative_infogan").to_dict()
    with pytest.raises(UserError, match=r"a\.json has no categories, and agglomerative_infogan is scored by"):
        _write(tmp_path / "a.json", config=config)
    for group, name in (("judge", "accuracy"), ("training", "num_training_images")):
        with pytest.raises(UserError, match=rf"a\.json has the {name} None; expected a number"):
            _write(tmp_path / "a.json", **{group: {}})

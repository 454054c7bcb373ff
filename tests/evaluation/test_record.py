"""Reading, upgrading and writing the record of an evaluation."""

import json

import numpy as np
import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.evaluation.record import EvaluationRecord, load_record, save_record

# Three codes, two classes, as version 1 wrote them; "note" is an entry that no version knows.
VERSION_1 = {
    "nmi": 0.5, "nmi_averaging": "arithmetic", "ent": 0.25, "ent_of_codes": 0.2, "ent_of_classes": 0.3,
    "images_per_code": 10, "confusion": [[2, 8], [5, 5], [10, 0]], "code_to_class": [1, None, 0],
    "class_names": ["cat", "dog"],
    "prior": {"learned": [0.6, 0.1, 0.3], "learned_by_class": [0.3, 0.6], "mass_of_unmatched_codes": 0.1,
              "true": [0.25, 0.75], "kl": None, "generated_by_class": [0.47, 0.53], "total_variation": 0.15,
              "generated_total_variation": 0.22, "total_variation_of_uniform": 0.4,
              "generated_total_variation_of_uniform": 0.3},
    "one_nn": {"accuracy": 0.9, "num_train": 8, "num_test": 2, "accuracy_of_random_weights": 0.6},
    "recognition": {"accuracy": 0.7, "nmi": 0.4, "ari": 0.3, "num_images": 10},
    "classifier": {"architecture": "small_cnn", "accuracy": 0.99, "num_test": 2}, "evaluation_seed": 7,
    "dataset": "cars", "data_source": "3D Cars", "num_training_images": 10, "method": "elastic_infogan",
    "split": 0, "seed": 0, "epochs": 3, "gradient_routing": "head", "precision": "float32",
    "machine": "2 x CPU", "git_revision": "abc", "note": [1, {"a": None}],
    "config": {"dataset": "cars", "preset": "cpu", "method": "elastic_infogan", "split": 0, "seed": 0,
               "optimizer": {"generator_average_decay": 0.75}},
}


def _record(**changes):
    config = config_lib.load_preset("digits").to_dict()
    return EvaluationRecord(**{
        "config": config, "epochs": 3, "class_names": ["cat", "dog"], "confusion": [[2, 8], [5, 5], [10, 0]],
        "code_to_class": [1, None, 0], "true_fractions": [0.25, 0.75], "prior": [0.6, 0.1, 0.3],
        "prior_learned": True, "metrics": {"nmi": 1 / 3, "prior_kl": None}, "details": {"images": [1, 2]},
        "judge": {"accuracy": 0.99}, "images_per_code": 10, "evaluation_seed": 7,
        "training": {"machine": "x"}, "extra": {"note": {"a": 1.5}}, **changes})


def test_a_record_survives_the_file_and_unknown_entries_are_kept(tmp_path):
    save_record(_record(), tmp_path / "a.json")
    loaded = load_record(tmp_path / "a.json", num_codes=3)
    assert loaded.confusion.dtype == np.int64 and loaded.prior.dtype == np.float64
    assert loaded.metrics == {"nmi": 0.333333, "prior_kl": None}
    assert loaded.extra == {"note": {"a": 1.5}}
    text = (tmp_path / "a.json").read_text()
    save_record(loaded, tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == text
    assert json.loads(text)["note"] == {"a": 1.5}


def test_metrics_of_categories_are_kept_and_absent_without_them(tmp_path):
    save_record(_record(), tmp_path / "a.json")
    assert "categories" not in json.loads((tmp_path / "a.json").read_text())
    assert load_record(tmp_path / "a.json").categories is None
    values = {"num_categories": 2, "nmi": 2 / 3, "real": {"nmi": np.float64(1 / 3)}, "held_out": None}
    save_record(_record(categories=values), tmp_path / "a.json")
    loaded = load_record(tmp_path / "a.json", num_codes=3)
    assert loaded.categories == {"num_categories": 2, "nmi": 0.666667, "real": {"nmi": 0.333333},
                                 "held_out": None}
    assert "categories" not in loaded.extra


def test_classes_of_codes_and_prior_of_classes():
    record = _record()
    assert record.code_class_names() == ["dog", None, "cat"]
    by_class, unmatched = record.prior_by_class()
    assert by_class.tolist() == [0.3, 0.6] and unmatched == 0.1


def test_a_run_without_an_evaluation(tmp_path):
    assert load_record(tmp_path / "evaluation.json", 3) is None


def test_version_1_is_upgraded(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(VERSION_1))
    record = load_record(tmp_path / "a.json", 3)
    assert record.version == 2 and record.prior_learned
    assert record.epochs == 3 and record.images_per_code == 10 and record.evaluation_seed == 7
    assert record.metrics == {
        "nmi": 0.5, "ent": 0.25, "ent_of_codes": 0.2, "ent_of_classes": 0.3, "prior_total_variation": 0.15,
        "prior_total_variation_of_uniform": 0.4, "prior_kl": None, "prior_unmatched": 0.1,
        "generated_total_variation": 0.22, "generated_total_variation_of_uniform": 0.3,
        "one_nn_accuracy": 0.9, "one_nn_accuracy_of_random_weights": 0.6, "real_accuracy": 0.7,
        "real_nmi": 0.4, "real_ari": 0.3, "expected_false_negatives": 0.625}
    assert record.details == {
        "nmi_averaging": "arithmetic", "prior_by_class": [0.3, 0.6], "generated_by_class": [0.47, 0.53],
        "one_nn_num_train": 8, "one_nn_num_test": 2}
    assert record.judge == VERSION_1["classifier"]
    assert record.training == {"data_source": "3D Cars", "num_training_images": 10, "precision": "float32",
                               "machine": "2 x CPU", "git_revision": "abc"}
    assert record.extra == {"note": [1, {"a": None}]}
    config = record.flat_config()
    assert config["optimizer.ema_decay"] == 0.75 and "optimizer.generator_average_decay" not in config
    assert config["networks.width"] == 0.25  # a field that the file lacks: that of the preset
    fixed = {**VERSION_1, "config": {**VERSION_1["config"], "method": "uniform_infogan"}}
    (tmp_path / "a.json").write_text(json.dumps(fixed))
    assert not load_record(tmp_path / "a.json").prior_learned  # which the method says


def test_every_published_result_is_read_and_none_loses_a_number(repository):
    def numbers(value):
        if isinstance(value, dict):
            return [number for inner in value.values() for number in numbers(inner)]
        return [value] if isinstance(value, float) else []

    versions = set()
    for path in [*repository.glob("results/*/*.json"), *repository.glob("results/grids/*/*.json")]:
        record, content = load_record(path), json.loads(path.read_text(encoding="utf-8"))
        versions.add(content.get("version", 1))
        assert not record.extra
        assert set(numbers({name: content[name] for name in content if name != "config"})) <= {
            *numbers(record.metrics), *numbers(record.judge), *numbers(record.categories)}
        assert len(record.metrics) == 16
        assert record.flat_config()["seed"] == content.get("seed", content["config"]["seed"])
    assert versions == {1, 2}


@pytest.mark.parametrize("changes, message", [
    ({"confusion": [[2, 8], [5, 5], [10, 0], [1, 1]], "code_to_class": [1, None, 0, None],
      "prior": [0.25] * 4}, r"confusion is \[4, 2\], not \[3, 2\] for 3 codes and 2 classes"),
    ({"code_to_class": [0, 1]}, r"code_to_class is \[2\], not \[3\] for 3 codes and 2 classes"),
    ({"code_to_class": [0, 1, 2]}, "not numbers below 2"),
    ({"code_to_class": ["0", 1, None]}, "not numbers below 2"),
    ({"confusion": [[1, 2], [3, 4]]}, r"confusion is \[2, 2\], not \[3, 2\]"),
    ({"confusion": [[1], [3, 4], [5, 6]]}, "inhomogeneous"),
    ({"prior": [0.5, 0.5]}, r"prior is \[2\], not \[3\]"),
    ({"true_fractions": [1]}, r"true_fractions is \[1\], not \[2\]"),
    ({"class_names": None}, "NoneType"),
    ({"metrics": []}, "not all JSON objects"),
    ({"categories": [1]}, r"categories is \[1\], not a JSON object"),
    ({"metrics": {"nmi": "high"}}, "metrics.nmi is 'high', not a number"),
    ({"metrics": {"nmi": float("nan")}}, "metrics.nmi is nan, not a number"),
    ({"epochs": "15"}, "epochs is '15', not a number"),
    ({"config": {"dataset": "none", "method": "x", "split": 0, "seed": 0}}, "--dataset is 'none'"),
    ({"config": {}}, "it lacks dataset"), ({"version": 3}, "version is 3, not 2 or earlier"),
    ({"version": "two"}, "version is 'two'"),
])
def test_damaged_records_are_refused(tmp_path, changes, message):
    save_record(_record(), tmp_path / "a.json")
    content = {**json.loads((tmp_path / "a.json").read_text()), **changes}
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=rf"a\.json is not an evaluation of this run: .*{message}"):
        load_record(tmp_path / "a.json", 3)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", "{}", '{"nmi": 1}', '{"version": 2}'])
def test_other_files_are_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"a\.json is not an evaluation of this run"):
        load_record(tmp_path / "a.json")


def test_scores_are_those_of_categories_where_a_method_has_several_codes_for_each():
    values = {"nmi": 0.5, "prior_total_variation": 0.4, "one_nn_accuracy": 0.7, "real_accuracy": 0.3}
    of_categories = {"nmi": 0.9, "ent": 0.1, "distribution_error_of_prior": 0.2, "real": {"accuracy": 0.8}}
    for method, categories, expected in (
            ("elastic_infogan", of_categories, [0.5, None, 0.4, 0.7, 0.3]),
            ("agglomerative_infogan", of_categories, [0.9, 0.1, 0.2, 0.7, 0.8]),
            ("agglomerative_infogan", {"nmi": 0.9}, [0.9, None, None, 0.7, None]),
            ("agglomerative_infogan", None, [0.5, None, 0.4, 0.7, 0.3])):
        config = config_lib.load_preset("digits", method=method).to_dict()
        record = _record(config=config, metrics=values, categories=categories)
        assert record.lacks_categories is (method == "agglomerative_infogan" and not categories)
        assert [record.score(name) for name in (
            "nmi", "ent", "prior_total_variation", "one_nn_accuracy", "real_accuracy")] == expected

import json

import pytest

from eig_tf import config as config_lib
from eig_tf.errors import UserError
from eig_tf.evaluation import summary


def _config(dataset="mnist", split=0, contrastive_weight=10.0, width=1.0, **data):
    """A config as an early version wrote it: most fields were not there yet."""
    return {"dataset": dataset, "method": "elastic_infogan", "split": split, "seed": 0,
            "loss": {"contrastive_weight": contrastive_weight},
            "networks": {"width": width}, "training": {"batch_size": 64}, **({"data": data} if data else {})}


def _write(path, **changes):
    evaluation = {
        "dataset": "mnist", "method": "elastic_infogan", "epochs": 15, "gradient_routing": "head",
        "split": 0, "seed": 0, "nmi": 0.8, "ent": 0.3, "one_nn": {"accuracy": 0.9},
        "images_per_code": 1000, "num_training_images": 650, "classifier": {"accuracy": 0.99},
        "config": _config(changes.get("dataset", "mnist"), changes.get("split", 0)),
        "prior": {"total_variation": 0.1, "total_variation_of_uniform": 0.2,
                  "generated_total_variation": 0.05, "generated_total_variation_of_uniform": 0.15}, **changes}
    path.write_text(json.dumps(evaluation))
    return summary.read(path)


def test_runs_of_one_setting_are_averaged(tmp_path):
    table = summary.markdown([_write(tmp_path / "a.json", split=1, nmi=0.9),
                              _write(tmp_path / "b.json")])
    assert table.splitlines()[2] == (
        "| mnist | elastic_infogan | 1 | 15 (150) | head | 0/0, 1/0 | 0.850 ± 0.071 | 0.300 ± 0.000 "
        "| 0.100 (0.200) | 0.050 (0.150) | 0.900 | 0.990 | 0.889 / 0.213 |")


@pytest.mark.parametrize(("changes", "field"), [
    ({"images_per_code": 50}, "images_per_code"),
    ({"config": _config(contrastive_weight=5.0)}, "loss.contrastive_weight")])
def test_runs_of_other_settings_are_not_averaged(tmp_path, changes, field):
    evaluations = [_write(tmp_path / "a.json"), _write(tmp_path / "b.json", **changes)]
    with pytest.raises(UserError, match=f"differ in {field}; expected"):
        summary.markdown(evaluations)


def test_settings_are_kept_apart(tmp_path):
    changes = ({}, {"epochs": 5}, {"gradient_routing": "shared"}, {"method": "uniform_infogan"},
               {"dataset": "digits"}, {"config": _config(width=0.5)})
    evaluations = [_write(tmp_path / "a.json", **change) for change in changes]
    rows = summary.markdown(evaluations).splitlines()[2:]
    assert len(rows) == 6
    assert "| digits | elastic_infogan | 1 | 15 (150) | head | 0/0 | 0.800 | 0.300 |" in rows[0]
    assert rows[0].endswith("|  |")  # the paper has no digits


def test_settings_that_came_later_have_the_presets_values(tmp_path):
    later = config_lib.load_preset("mnist").to_dict()
    later["split"] = 1
    evaluations = [_write(tmp_path / "a.json"), _write(tmp_path / "b.json", config=later, split=1)]
    assert "| 0/0, 1/0 |" in summary.markdown(evaluations)


def test_the_papers_class_sets_are_averaged_and_others_kept_apart(tmp_path):
    evaluations = [
        _write(tmp_path / f"{class_set}.json", dataset="cars", config=_config("cars", class_set=class_set),
               nmi=nmi) for class_set, nmi in (("1", 0.8), ("0", 0.6), ("random", 0.9), ("003,017", 0.5))]
    rows = summary.markdown(evaluations).splitlines()[2:]
    assert [row.split(" | ")[5:7] for row in rows] == [
        ["0/0/0, 1/0/0", "0.700 ± 0.141"], ["0/0 (003,017)", "0.500"], ["0/0 (random)", "0.900"]]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nmi": 1}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "evaluation.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"evaluation\.json is no evaluation\.json of this version"):
        summary.read(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.json cannot be read"):
        summary.read(tmp_path / "absent.json")

"""Specifications of sweeps: the runs that they list, and what is refused."""

import json

import pytest

from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.sweeps.spec import check_data_directories, load_spec, parse_spec

DIGITS = {"dataset": "digits", "method": "elastic_infogan"}


def groups(**changes):
    return {"runs": [{**DIGITS, **changes}]}


def names(content):
    return [run.name for run in parse_spec(content, "a.yaml").runs]


def test_a_group_is_the_product_of_its_lists(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("""
runs:
  - dataset: cars
    data_dir: cars
    preset: cpu
    method: [uniform_infogan, joint_vae]
    class_set: [0, "003,017"]
    split: [0, 2-3]
    config: {training.epochs: 7}
    method_config:
      joint_vae: {vae.beta_discrete: 1e1}
  - {dataset: mnist, method: uniform_infogan, label: short, seed: 5}
evaluate: {images_per_code: 50}
export: true
""")
    spec = load_spec(path)
    assert len(spec.runs) == 2 * 2 * 3 + 1
    assert (spec.evaluate_arguments, spec.export) == (("--images_per_code=50",), True)
    first, vae, last = spec.runs[0], spec.runs[11], spec.runs[12]
    assert (first.name, first.label) == ("cars-cpu-uniform_infogan-set0-split0-seed0", "cars-cpu")
    assert vae.name == "cars-cpu-joint_vae-set003_017-split3-seed0"
    assert (vae.class_set, vae.split, vae.data_dir) == ("003,017", 3, "cars")
    assert vae.train_arguments == (
        "--dataset=cars", "--preset=cpu", "--method=joint_vae", "--class_set=003,017", "--split=3",
        "--config.training.epochs=7", "--config.vae.beta_discrete=10.0")
    assert (last.name, last.label, last.data_dir) == ("short-uniform_infogan-split0-seed5", "short", None)


def test_values_of_other_keys_are_in_the_name_when_they_vary():
    assert names(groups(num_codes=[10, 20], config={"loss.contrastive_weight": [1, 2.5]})) == [
        f"digits-elastic_infogan-split0-seed0-num_codes{codes}-contrastive_weight{weight}"
        for codes in (10, 20) for weight in (1, 2.5)]
    assert names(groups(num_codes=[10])) == ["digits-elastic_infogan-split0-seed0"]
    assert names(groups(dataset=["digits", "mnist"], label="a")) == [
        f"a-elastic_infogan-split0-seed0-dataset{dataset}" for dataset in ("digits", "mnist")]


@pytest.mark.parametrize(("line", "sentence"), [
    ("seed: 1, seed: 2", "a.yaml is not YAML: the key seed comes twice "),
    ("label: 2021-02-30", "a.yaml is not YAML: day is out of range for month; expected"),
    ("class_set: 010", "--class_set is '010'; expected one of 0, "),
    ("split: 010", "split is '010'; expected a number, a range such as 0-9, or a list of them")])
def test_yaml_that_means_something_else_than_it_says(tmp_path, line, sentence):
    """Later keys would replace earlier ones, and numbers that begin with 0 are octal."""
    (tmp_path / "a.yaml").write_text("runs: [{dataset: cars, method: joint_vae, " + line + "}]")
    with pytest.raises(UserError) as error:
        load_spec(tmp_path / "a.yaml")
    assert sentence in str(error.value)


def test_the_config_of_a_run_is_that_of_its_command_line(command):
    """With a method whose number of codes follows from that of the categories."""
    (run,) = parse_spec(groups(method="agglomerative_infogan", num_categories=5, seed=3, imbalance="none",
                               config={"augment.flip": True, "optimizer.learning_rate": "1e-3"}), "a").runs
    program = ("import json, sys; from absl import flags; from eig_tf.cli import run_flags\n"
               "run_flags.define_config_flags(sys.argv); flags.FLAGS(sys.argv)\n"
               "print(json.dumps(run_flags.config_from_flags().to_dict()))")
    result = command("-c", program, *run.train_arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == run.config
    assert run.config["networks"]["num_codes"] == 15 and "tensorflow" not in result.stderr


def test_a_method_may_differ_from_its_group():
    """It has lists of its own, and goes without what is null."""
    spec = parse_spec(groups(
        method=["elastic_infogan", "joint_vae", "agglomerative_infogan"], num_codes=[12, 14],
        config={"training.epochs": 5, "loss.gumbel_temperature": 0.5}, method_config={
            "agglomerative_infogan": {"num_codes": None, "num_categories": [3, 4], "training.epochs": 2},
            "joint_vae": {"loss.gumbel_temperature": None}}), "a")
    assert {run.name: run.train_arguments[2:] for run in spec.runs} == {
        **{f"digits-elastic_infogan-split0-seed0-num_codes{number}": (
            f"--num_codes={number}", "--config.training.epochs=5", "--config.loss.gumbel_temperature=0.5")
           for number in (12, 14)},
        **{f"digits-joint_vae-split0-seed0-num_codes{number}": (
            f"--num_codes={number}", "--config.training.epochs=5") for number in (12, 14)},
        **{f"digits-agglomerative_infogan-split0-seed0-num_categories{number}": (
            f"--num_categories={number}", "--config.training.epochs=2",
            "--config.loss.gumbel_temperature=0.5") for number in (3, 4)}}
    assert [run.config["networks"]["num_codes"] for run in spec.runs] == [12, 14, 12, 14, 9, 12]


@pytest.mark.parametrize(("content", "sentence"), [
    (None, "a.yaml is None; expected keys among runs, evaluate, export"),
    ({}, "a.yaml: runs is None; expected a list of one group of runs or more"),
    ({"runs": [DIGITS], "run": 1},
     "a.yaml has the key 'run'; expected keys among runs, evaluate, export"),
    ({"runs": [DIGITS], "export": "yes"}, "a.yaml: export is 'yes'; expected true or false"),
    ({"runs": [DIGITS], "evaluate": {"images_per_code": 0}},
     "a.yaml: evaluate.images_per_code is 0; expected 1 to 1000000"),
    ({"runs": [DIGITS], "evaluate": {"classifier": "vgg"}},
     "a.yaml: evaluate.classifier is 'vgg'; expected small_cnn or resnet50"),
    ({"runs": [DIGITS], "evaluate": {"classifier": "resnet50", "pretrained_weights": "no.h5"}},
     "a.yaml: evaluate.pretrained_weights is 'no.h5' and classifier 'resnet50'; expected a file of weights "
     "for resnet50"),
    ({"runs": [DIGITS], "evaluate": {"pretrained_weights": __file__}},
     f"a.yaml: evaluate.pretrained_weights is {__file__!r} and classifier None; expected a file of "
     "weights for resnet50"),
    (groups(method=3), f"a.yaml: runs[0]: --method is '3'; expected one of {', '.join(METHODS)}"),
    ({"runs": [{"dataset": "digits"}]}, "a.yaml: runs[0] lacks method; expected a name or a list of names"),
    (groups(method=[]), "a.yaml: runs[0].method is []; expected one value or more, each of them once"),
    (groups(seed=[1, "0-2"]),
     "a.yaml: runs[0].seed is [1, '0-2']; expected one value or more, each of them once"),
    (groups(split="3-1"),
     "a.yaml: runs[0].split is '3-1'; expected a number, a range such as 0-9, or a list of them"),
    (groups(split=50), "a.yaml: runs[0]: --split is 50; expected 0 to 49"),
    (groups(split=True),
     "a.yaml: runs[0].split is True; expected a number, a range such as 0-9, or a list of them"),
    (groups(num_codes="ten"), "a.yaml: runs[0]: --num_codes is 'ten'; expected a value such as 10"),
    (groups(num_codes={"a": 1}),
     "a.yaml: runs[0].num_codes is {'a': 1}; expected a value or a list of values"),
    (groups(class_set=0), "a.yaml: runs[0]: --class_set is given, which --dataset=digits with "
     "--method=elastic_infogan does not take"),
    (groups(config={"augment.flip": 1}),
     "a.yaml: runs[0]: --config.augment.flip is 1; expected a value such as False"),
    (groups(config={"training.epochs": 1.5}),
     "a.yaml: runs[0]: --config.training.epochs is 1.5; expected a value such as 120"),
    (groups(config={"training.epochs": -1}),
     "a.yaml: runs[0]: --config.training.epochs is -1; expected 1 or more"),
    (groups(config={"seed": 1}), "a.yaml: runs[0].config has the field seed; expected seed beside config, "
     "since it has a flag of its own"),
    (groups(config={"epochs": 1}), "a.yaml: runs[0].config has the field 'epochs'; expected fields that "
     "python -m eig_tf.train --dataset=NAME --help lists"),
    (groups(method_config={"joint_vae": {}}),
     "a.yaml: runs[0].method_config has the key 'joint_vae'; expected keys among elastic_infogan"),
    (groups(method_config={"elastic_infogan": {"training.epochs": None}}), "a.yaml: runs[0].method_config."
     "elastic_infogan.training.epochs is null, and the group does not set it; expected a value"),
    (groups(method_config={"elastic_infogan": {"seed": 1}}),
     "a.yaml: runs[0].method_config.elastic_infogan has the field seed; expected seed beside config, since "
     "it has a flag of its own"),
    (groups(label="../up"), "a.yaml: runs[0] has a run of the name '.._up-elastic_infogan-split0-seed0'; "
     "expected up to 150 characters, a letter or a digit first; another label helps"),
    ({"runs": [DIGITS, DIGITS]}, "a.yaml: runs[1] has a run digits-elastic_infogan-split0-seed0, and so has "
     "runs[0]; expected runs that differ, or another label"),
])
def test_a_bad_specification_is_one_sentence_with_file_and_key(content, sentence):
    with pytest.raises(UserError) as error:
        parse_spec(content, "a.yaml")
    assert str(error.value) == sentence


def test_weights_of_the_classifier_are_found_from_any_directory(tmp_path, monkeypatch):
    (tmp_path / "a.h5").touch()
    monkeypatch.chdir(tmp_path)
    content = {"runs": [DIGITS], "evaluate": {"classifier": "resnet50", "pretrained_weights": "a.h5"}}
    assert parse_spec(content, "a").evaluate_arguments == (
        "--classifier=resnet50", f"--pretrained_weights={tmp_path}/a.h5")


def test_a_file_that_is_not_yaml_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("runs: [")
    with pytest.raises(UserError, match=r"a\.yaml is not YAML: .*; expected the specification of a sweep"):
        load_spec(tmp_path / "a.yaml")


def test_missing_data_directories_are_named(tmp_path):
    cars = {"dataset": "cars", "method": "joint_vae"}
    spec = parse_spec({"runs": [DIGITS, {**cars, "data_dir": "cars"}]}, "a")
    with pytest.raises(UserError, match=r"^a: data_dir of cars-joint_vae-set0-split0-seed0 is 'cars', which "
                       r"does not exist in '.*'; expected the files of the data set there, or another"):
        check_data_directories(spec, tmp_path)
    (tmp_path / "cars").mkdir()
    check_data_directories(spec, tmp_path)
    with pytest.raises(UserError, match=r"data_dir of .* is missing; expected the directory of the files of "
                       "cars"):
        check_data_directories(parse_spec({"runs": [cars]}, "a"), tmp_path)

"""The sweeps behind the columns, what of them is missing, and given evaluations."""

import functools
from pathlib import Path

import pytest

from eig_tf.config import METHODS, flatten
from eig_tf.errors import UserError
from eig_tf.evaluation.paper import paper_results
from eig_tf.reproduction.protocol import TABLES, load_protocol, target_names
from eig_tf.reproduction.sources import GivenRuns, SweepRuns, check_data, find_evaluations
from eig_tf.sweeps.spec import load_spec
from eig_tf.sweeps.sweep_directory import SweepDirectory

REPOSITORY = Path(__file__).parents[2]
PROTOCOL = load_protocol()
PAPER_METHODS = set(paper_results()["table_1"]["mnist"])


@functools.cache
def read_spec(name):
    return load_spec(REPOSITORY / "configs" / "sweeps" / f"{name}.yaml")


def spec_of(preset, name):
    return read_spec(PROTOCOL["sweeps"][preset][name])


def test_the_protocol_of_the_paper():
    """Section 4, supplement 1, 4.4 and 5.5; five betas for each run of the VAE."""
    numbers = {"mnist": (50, 200, 64), "ytf": (5, 200, 50), "cars": (25, 600, 50), "chairs": (25, 600, 50),
               "shapenet": (5, 600, 50)}
    for dataset, (num_runs, epochs, batch_size) in numbers.items():
        spec = spec_of("paper", dataset)
        assert {run.method for run in spec.runs} == PAPER_METHODS
        assert len(spec.runs) == num_runs * (6 + 5), dataset
        assert {(run.config["training"]["epochs"], run.config["training"]["batch_size"],
                 run.config["preset"]) for run in spec.runs} == {(epochs, batch_size, "paper")}
        assert spec.evaluate_arguments == ("--images_per_code=1000",)
        betas = [run.config["vae"] for run in spec.runs if "vae" in run.config]
        assert all(vae["beta_continuous"] == vae["beta_discrete"] for vae in betas)
        assert sorted({vae["beta_discrete"] for vae in betas}) == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("preset", ["paper", "cpu"])
def test_every_panel_has_its_runs(preset):
    specs = {name: spec_of(preset, name) for name in PROTOCOL["sweeps"][preset]}
    for figure in PROTOCOL["figures"].values():
        for sweep, method in figure["panels"]:
            assert method in METHODS and method in {run.method for run in specs[sweep].runs}
    assert {"fig3", "fig9", "table4", "false_negatives", "ablations", "all"} <= set(target_names())
    assert set(TABLES) <= set(target_names())


def test_all_specifications_are_valid():
    specs = {path.stem: read_spec(path.stem) for path in (REPOSITORY / "configs" / "sweeps").glob("*.yaml")}
    assert len(specs["digits"].runs) == len(METHODS) * 10 * 2
    assert len(specs["mnist_15_epochs"].runs) == len(METHODS) * 3
    assert {name: len(specs[f"{name}_cpu"].runs) // len(METHODS)
            for name in ("cars", "chairs", "shapenet", "umist", "coil")} == {
                "cars": 4, "chairs": 4, "shapenet": 2, "umist": 2, "coil": 2}


def test_ablations_change_one_setting_each():
    runs = [run for run in spec_of("cpu", "ablations").runs if (run.split, run.seed) == (0, 0)]
    digits, mnist = ([run for run in runs if run.dataset == name] for name in ("digits", "mnist"))
    labels, mnist_labels = ([run.label for run in each] for each in (digits, mnist))
    assert labels[0] == "default" and len(set(labels)) == len(labels) == 23
    assert all(len(run.train_arguments) == 3 + (run.label != "default") for run in digits)
    assert mnist_labels[0] == "mnist-default" and len(set(mnist_labels)) == len(mnist_labels) == 11
    default = flatten(mnist[0].config)
    for run in mnist[1:]:
        assert run.label.removeprefix("mnist-") in labels
        changed = [name for name, value in flatten(run.config).items() if value != default[name]]
        assert len(changed) == 1, run.label


def test_missing_data_are_named_for_each_data_set(tmp_path):
    (tmp_path / "cars").mkdir()
    (tmp_path / "cars" / "car_001_mesh.mat").touch()
    runs = [run for name in ("cars", "chairs", "mnist") for run in spec_of("paper", name).runs]
    with pytest.raises(UserError) as caught:
        check_data(runs, tmp_path)
    cars, chairs, mnist = str(caught.value).splitlines()
    assert cars.startswith("data of cars: --class_set=0 has ids that were not found: 009, 002")
    assert chairs == (f"data of chairs: {tmp_path}/rendered_chairs is no directory; expected the files of "
                      "the data set, see docs/datasets.md, or another --data_root")
    assert mnist.startswith(f"data of mnist: {tmp_path}/mnist is no directory")
    check_data(spec_of("cpu", "digits").runs, tmp_path / "no")


@pytest.fixture
def finished_sweep(tmp_path, write_evaluation):
    """A specification of two runs, of which both are evaluated, and where its directory is."""
    spec = tmp_path / "tiny.yaml"
    spec.write_text("runs:\n  - {dataset: digits, method: [uniform_infogan, elastic_infogan], label: tiny}\n")
    for run in load_spec(spec).runs:
        write_evaluation(f"tiny/runs/{run.name}/evaluation.json", run.method)
    return tmp_path / "tiny"


def test_nothing_is_trained_that_is_there(finished_sweep, monkeypatch):
    source = SweepRuns({"digits": str(finished_sweep), "ablations": str(finished_sweep)}, "sweeps",
                       data_root="no")
    assert source.columns == ["digits"]
    monkeypatch.setattr("eig_tf.sweeps.execution.ray_slots", None)
    assert source.prepare({"digits": {"elastic_infogan"}, "ablations": None}) == []
    assert [run.row for run in source.runs("digits")] == ["elastic_infogan"]
    assert [run.row for run in source.runs("ablations")] == ["uniform_infogan", "elastic_infogan"]


def test_only_what_is_asked_for_is_trained_of_a_wider_sweep(tmp_path, monkeypatch):
    """The runs that an earlier call asked for stay in the directory, which may not shrink."""
    (tmp_path / "tiny.yaml").write_text(
        "runs:\n  - {dataset: digits, method: [uniform_infogan, elastic_infogan, joint_vae]}\n")
    asked = []
    monkeypatch.setattr("eig_tf.reproduction.sources.run_sweep", lambda spec, path, only, **options: (
        asked.append(([run.method for run in spec.runs], only)), SweepDirectory(path).prepare(spec), [])[-1])
    source = SweepRuns({"digits": str(tmp_path / "tiny")}, tmp_path / "sweeps", data_root=".")
    for methods in ({"uniform_infogan", "elastic_infogan"}, {"joint_vae"}):
        source.prepare({"digits": methods})
    assert asked[1] == (["uniform_infogan", "elastic_infogan", "joint_vae"],
                        {"digits-joint_vae-split0-seed0"})


def test_given_evaluations_by_pattern_and_directory(finished_sweep, write_evaluation, tmp_path):
    balanced = write_evaluation("flat/b.json", "uniform_infogan", "mnist", {"data.imbalance": "none"})
    continuous = write_evaluation("flat/c.json", fields={"networks.num_continuous": 2})
    write_evaluation("flat/joint.json", "joint_vae")
    source = GivenRuns([str(tmp_path / "flat"), str(tmp_path / "tin?"), str(balanced)])
    assert source.columns == ["digits"]
    assert [run.path for run in source.runs("balanced")] == [balanced]
    assert [run.path for run in source.runs("continuous")] == [continuous]
    assert sorted(run.row for run in source.runs("digits")) == [
        "elastic_infogan", "joint_vae", "uniform_infogan"]
    assert len(source.runs("ablations")) == 5
    (run, *_) = sorted((tmp_path / "tiny" / "runs").iterdir())
    assert find_evaluations(str(run)) == [run / "evaluation.json"]
    unfinished = tmp_path / "run_without_evaluation"
    unfinished.mkdir()
    (unfinished / "config.json").write_text("{}")
    with pytest.raises(UserError, match="where no evaluation is"):
        find_evaluations(str(unfinished))
    # The paper's figure with continuous codes is of MNIST.
    mnist = write_evaluation("flat/m.json", dataset="mnist", fields={"networks.num_continuous": 2})
    assert [run.path for run in GivenRuns([str(tmp_path / "flat")]).runs("continuous")] == [mnist]
    with pytest.raises(UserError, match="--evaluations has 'no', where no evaluation is; expected"):
        find_evaluations("no")

"""Tables of given evaluations, and a sweep from nothing to its table and figure."""

import pytest

from eig_tf.errors import UserError
from eig_tf.reproduction import targets
from eig_tf.reproduction.targets import reproduce

SWEEP = """
runs:
  - dataset: digits
    method: elastic_infogan
    split: 21
    config: {training.epochs: 2, training.batch_size: 200, networks.width: 0.0625}
evaluate: {images_per_code: 10}
"""
TOTAL_VARIATIONS = {f"{name}_total_variation{of}": 0.1
                    for name in ("prior", "generated") for of in ("", "_of_uniform")}


def names(paths):
    return sorted({path.name for path in paths})


def test_tables_of_given_evaluations(write_evaluation, tmp_path):
    for method, nmi in (("elastic_infogan", 0.8), ("uniform_infogan", 0.6)):
        for dataset in ("digits", "mnist", "shapenet"):
            write_evaluation(f"given/{dataset}-{method}.json", method, dataset, nmi=nmi, one_nn_accuracy=0.9,
                             one_nn_accuracy_of_random_weights=0.3, **TOTAL_VARIATIONS)
    given = [str(tmp_path / "given")]
    paths, problems = reproduce("all", tmp_path / "out", evaluations=given)
    assert problems == [] and names(paths) == sorted(["claims.csv", "claims.md", "claims.png", *(
        f"{name}.{suffix}" for name in ("table1", "table2", "table3", "table4", "false_negatives")
        for suffix in ("md", "csv", "tex", "png"))])
    text = (tmp_path / "out" / "table1.md").read_text()
    # The paper's columns come first; a column without any run is left out.
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## NMI on all data sets", "## ENT on all data sets", "## mnist", "## shapenet", "## digits"]
    assert "| uniform_infogan | 0.600 (1) | 0.600 (1) | 0.600 (1) |" in text
    assert "| uniform_infogan | 0.600 (1) | 0.777 | -0.200 (1) |" in text and "not stated" not in text
    # Table 4 has no ShapeNet.
    table4 = (tmp_path / "out" / "table4.md").read_text()
    assert "## shapenet" not in table4 and "| random_weights | 0.300 (1) | 0.486 ± 0.009 |" in table4
    text = (tmp_path / "out" / "claims.md").read_text()
    assert "| missing | missing | missing | missing |" in text
    assert ("| +0.200 (1) | +0.200 (1) | +0.200 (1) | +0.200 [+0.200, +0.200] (3) "
            "| holds over data sets; open on mnist, shapenet, digits |") in text
    reproduce("claims", tmp_path / "one", evaluations=given, datasets=["digits"])
    assert "| +0.200 (1) | open on digits |" in (tmp_path / "one" / "claims.md").read_text()
    reproduce("table2", tmp_path / "one", evaluations=given, datasets=["mnist"], reference="uniform_infogan")
    text = (tmp_path / "one" / "table2.md").read_text()
    assert text.count("\n## ") == 1 and "| elastic_infogan | 0.800 (1) | 0.889 ± 0.044 | +0.200 (1) |" in text


def test_all_leaves_out_claims_on_metrics_that_are_not_there(write_evaluation, tmp_path):
    path = write_evaluation("old.json", one_nn_accuracy=0.9, one_nn_accuracy_of_random_weights=0.3)
    paths, problems = reproduce("all", tmp_path / "out", evaluations=[str(path)])
    assert problems == [f"claims is left out: {path} has no generated_total_variation_of_uniform; expected "
                        "an evaluation that tools/evaluate.py wrote"]
    assert "table1.md" in names(paths) and "false_negatives.md" in names(paths)


def test_the_papers_protocol_says_what_the_paper_does_not(write_evaluation, tmp_path, monkeypatch):
    """All runs are there; the ablations are rows of what differs from the preset."""
    (tmp_path / "tiny.yaml").write_text(
        "runs:\n  - {dataset: digits, method: elastic_infogan, label: default}\n"
        "  - {dataset: digits, method: elastic_infogan, label: digits-strong,\n"
        "     config: {loss.contrastive_weight: 30}}\n")
    for label, weight, nmi in (("default", 10.0, 0.5), ("digits-strong", 30.0, 0.75)):
        write_evaluation(f"tiny/runs/{label}-elastic_infogan-split0-seed0/evaluation.json", nmi=nmi, ent=0.5,
                         fields={"loss.contrastive_weight": weight}, one_nn_accuracy=0.9,
                         prior_total_variation=0.1, generated_total_variation=0.1)
    tiny = str(tmp_path / "tiny")
    protocol = {"sweeps": {"paper": {"digits": tiny, "ablations": tiny}}, "departures": ["the sea: calm"],
                "not_stated": ["the weather: fine"],
                "figures": {}}
    monkeypatch.setattr(targets, "load_protocol", lambda: protocol)
    with pytest.raises(UserError, match=r"differ in loss\.contrastive_weight: 10\.0 and 30\.0"):
        reproduce("table2", tmp_path / "out", data_root="no")
    reproduce("ablations", tmp_path / "out")
    text = (tmp_path / "out" / "ablations.md").read_text()
    assert "| setting | NMI | difference of NMI [95 %] | ENT |" in text
    assert "| loss.contrastive_weight=30 | 0.750 (1) | +0.250 (1) | 0.500 (1) |" in text
    (tmp_path / "tiny" / "runs" / "digits-strong-elastic_infogan-split0-seed0" / "evaluation.json").unlink()
    monkeypatch.setattr("eig_tf.reproduction.sources.run_sweep", lambda *_, **options: [])
    reproduce("table2", tmp_path / "out", data_root="no")
    assert ("- departs from the paper: the sea: calm\n- not stated by the paper: the weather: fine\n"
            in (tmp_path / "out" / "table2.md").read_text())


@pytest.mark.parametrize("target, options, sentence", [
    ("table5", {}, "the target is 'table5'; expected one of table1, "),
    ("table1", {"datasets": ["digits", "cars"]}, "--datasets has 'cars'; expected some of digits"),
    ("all", {"datasets": []}, "--datasets is empty; expected some of digits"),
    ("table4", {"dataset": "shapenet"}, "table4 has no column: there are runs of shapenet; expected"),
    ("fig3", {"datasets": ["digits"]}, "--datasets is given for fig3, which has no columns to choose from"),
    ("claims", {"reference": "uniform_infogan"}, "--reference is given for claims, where it has no effect"),
    ("claims", {"fields": {"networks.num_continuous": 2}}, "only runs on balanced data or with contin"),
    ("claims", {}, r"a\.json has no one_nn_accuracy; expected an evaluation that tools/evaluate\.py wrote"),
    ("table4", {"reference": "joint_vae"}, "--reference is joint_vae, which is no row of table4"),
    ("fig3", {}, "there is no split on which all of uniform_infogan of mnist"),
])
def test_what_cannot_be_made(write_evaluation, tmp_path, target, options, sentence):
    dataset, fields = options.pop("dataset", "digits"), options.pop("fields", None)
    path = write_evaluation("a.json", dataset=dataset, fields=fields)
    with pytest.raises(UserError, match=sentence):
        reproduce(target, tmp_path / "out", evaluations=[str(path)], **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_sweep_from_nothing_to_a_table_and_a_figure(tmp_path, monkeypatch, cache_with_judge):
    """The second target finds the run of the first."""
    (tmp_path / "tiny.yaml").write_text(SWEEP)
    protocol = {
        "sweeps": {"cpu": {"digits": str(tmp_path / "tiny")}}, "departures": [], "not_stated": ["all"],
        "figures": {"fig3": {"shows": "Images of digits.", "kind": "codes", "panels": [
            ["digits", "uniform_infogan"], ["digits", "joint_vae"], ["digits", "elastic_infogan"]]}}}
    monkeypatch.setattr(targets, "load_protocol", lambda: protocol)
    options = {"preset": "cpu", "data_root": ".", "cache_dir": cache_with_judge}
    paths, problems = reproduce("table1", tmp_path / "out", **options)
    assert problems == [] and len(paths) == 4
    text = (tmp_path / "out" / "table1.md").read_text()
    for found in ("| gumbel_infogan | missing |", "| elastic_infogan | 0.", "epochs 2, width 0.0625"):
        assert found in text
    monkeypatch.setattr("eig_tf.reproduction.sources.run_sweep", None)
    paths, problems = reproduce("fig3", tmp_path / "out", **options)
    assert problems == [] and names(paths) == ["fig3.md", "fig3.png"]
    caption = (tmp_path / "out" / "fig3.md").read_text()
    assert "joint_vae (digits) is missing: there is no run" in caption
    assert "elastic_infogan has its median NMI of 1 run," in caption
    assert "digits-elastic_infogan-split21-seed0, NMI 0." in caption

"""The export of a run directory: what is written, what is not, and what is refused."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow import keras
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.config import model_server_config_pb2

from eig_tf import config as config_lib
from eig_tf.categories.categorizer import save_categorizer
from eig_tf.categories.grouping import save_grouping
from eig_tf.errors import UserError
from eig_tf.evaluation.record import EvaluationRecord, load_record, save_record
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.serving import warmup
from eig_tf.serving.export import (
    category_class_names,
    describe_model,
    ensure_exported,
    export_notes,
    export_run,
    load_run,
)
from eig_tf.serving.signatures import describe_signatures


def _read_description(version):
    return json.loads((version / "assets.extra" / "model.json").read_text())


def _types(version):
    """Types of all attributes of the graph's nodes."""
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((version / "saved_model.pb").read_bytes())
    return {attribute.type for function in saved_model.meta_graphs[0].graph_def.library.function
            for node in function.node_def for attribute in node.attr.values()}


@pytest.fixture
def run_copy(finished_run, tmp_path):
    """A copy of `finished_run` to damage."""
    return RunDirectory(shutil.copytree(finished_run.path, tmp_path / "run"))


@pytest.mark.slow
def test_versions_count_up_in_the_run_directory(run_copy):
    base = run_copy.export / "mnist"
    assert export_run(run_copy.path) == base / "1"
    run_copy.environment.unlink()  # of a run that was copied in part
    second = export_run(str(run_copy.path), keep=1)
    assert second == base / "2"
    assert sorted(os.listdir(base)) == [".lock", "2"]
    assert _read_description(second)["git_revision"] is None
    assert "no class names" in export_notes(second)[0]
    with pytest.raises(UserError, match=r"--version is 2, but .*mnist has it already; expected a new number"):
        export_run(run_copy.path, version=2)


def _evaluate(run, epochs):
    """Writes an evaluation: codes 0 to 9 show the classes nine to zero, code 4 none."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    save_record(EvaluationRecord(
        config=run.load_config().to_dict(), epochs=epochs, class_names=names, confusion=np.ones([10, 10]),
        code_to_class=[9, 8, 7, 6, None, 4, 3, 2, 1, 0], true_fractions=[0.1] * 10, prior=[0.1] * 10,
        prior_learned=True, metrics={"nmi": 0.9, "prior_total_variation": 0.05}), run.evaluation)


@pytest.mark.slow
def test_classes_and_metrics_of_an_evaluation_are_exported_while_they_hold(run_copy, tmp_path):
    _evaluate(run_copy, epochs=3)
    version = export_run(run_copy.path, tmp_path, name="digits.v2", version=5)
    assert version == tmp_path / "digits.v2" / "5"
    description = _read_description(version)
    assert description["name"] == "digits.v2"
    assert description["class_names"][:5] == ["nine", "eight", "seven", "six", None]
    assert description["metrics"]["nmi"] == 0.9
    assert description["metrics"]["prior_total_variation"] == 0.05
    assert export_notes(version) == []
    prior = tf.saved_model.load(str(version)).signatures["prior"]()
    assert prior["class_name"].numpy().tolist() == [
        b"nine", b"eight", b"seven", b"six", b"", b"four", b"three", b"two", b"one", b"zero"]


def test_an_evaluation_of_other_epochs_says_nothing(run_copy):
    _evaluate(run_copy, epochs=2)
    config, model, epochs_done = run_copy.restore_model()
    description = describe_model(run_copy, "mnist", config, model, epochs_done)
    assert description["class_names"] is None and description["metrics"] is None


@pytest.mark.slow
def test_bfloat16_products_change_images_by_little(finished_run, tmp_path, served):
    version = export_run(finished_run.path, tmp_path, precision="bfloat16")
    assert types_pb2.DT_BFLOAT16 in _types(version)
    inputs = {"code": tf.constant([1, 2, 3]), "seed": tf.constant([4, 5, 6], tf.int64)}
    images = tf.saved_model.load(str(version)).signatures["generate"](**inputs)["images"].numpy()
    assert images.dtype == np.float32
    difference = np.abs(images - served("generate", **inputs)["images"])
    assert 0 < difference.max() < 0.1


@pytest.mark.slow
def test_a_finished_training_is_exported_once(run_copy, grouping, categorizer):
    config = run_copy.load_config()
    config.training.epochs = 3
    config_lib.save_config(config, run_copy.config)
    first = ensure_exported(run_copy.path)
    assert first == run_copy.export / "mnist" / "1"
    assert ensure_exported(run_copy.path) == first
    (first / "assets.extra" / "model.json").write_text("damaged")
    assert ensure_exported(run_copy.path) == run_copy.export / "mnist" / "2"
    # Categories that were found since are exported too, but not those of other weights.
    run_copy.categories.mkdir()
    save_categorizer(categorizer, run_copy.categories / "categorizer.keras")
    for epochs, version in ((2, "2"), (3, "3"), (3, "3")):
        save_grouping(grouping._replace(epochs=epochs), run_copy.categories / "categories.json")
        assert ensure_exported(run_copy.path) == run_copy.export / "mnist" / version


def test_only_the_variables_that_serve_are_saved(exported, live):
    saved = [(name, shape) for name, shape in
             tf.train.list_variables(str(exported / "variables" / "variables"))
             if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    (discriminator,) = live.discriminators
    parts = (live.generator, discriminator.trunk, discriminator.encoder_head, live.prior)
    expected = [variable for part in parts for variable in part.variables]
    assert len(saved) == len(expected)
    assert sorted(tuple(shape) for _, shape in saved) == sorted(tuple(v.shape) for v in expected)


def test_the_export_lies_where_deploy_looks_for_it(exported, repository):
    text = (repository / "deploy" / "models.config").read_text()
    (model,) = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    mounted = exported.parent.parent  # as /models
    assert model.name == exported.parent.name
    assert f"{model.base_path}/1" == f"/models/{exported.relative_to(mounted)}"
    assert (exported / "saved_model.pb").is_file()
    assert (exported / warmup.REQUESTS).is_file()


def test_model_json_tells_where_the_model_comes_from(exported, live):
    """The export itself is float32 after a bfloat16 training."""
    assert types_pb2.DT_FLOAT in _types(exported) and types_pb2.DT_BFLOAT16 not in _types(exported)
    description = _read_description(exported)
    assert description["config"]["networks"]["num_codes"] == 10
    assert description["epochs_done"] == 3
    assert description["git_revision"] == "abc123"
    assert description["packages"] == {"tensorflow": "2.15.1"}
    np.testing.assert_allclose(description["prior"], live.prior.probabilities, atol=1e-6)
    assert "/some/where" not in json.dumps(description)


def test_the_policy_is_put_back(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        with pytest.raises(UserError):
            export_run(tmp_path)
        assert keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_signatures_are_described_a_line_each(exported):
    assert describe_signatures(exported) == [
        "categorize          images float32 [N, 28, 28, 1] -> "
        "code int32 [N], confidence float32 [N], probabilities float32 [N, 10]",
        "categorize_bytes    image_bytes string [N] -> "
        "code int32 [N], confidence float32 [N], probabilities float32 [N, 10]",
        "embed               images float32 [N, 28, 28, 1] -> feature float32 [N, 128]",
        "generate            code int32 [N], seed int64 [N] -> images float32 [N, 28, 28, 1]",
        "generate_from_code  code float32 [N, 10], noise float32 [N, 62] -> images float32 [N, 28, 28, 1]",
        "generate_png        code int32 [N], seed int64 [N] -> image_bytes string [N]",
        "prior               no input -> class_name string [10], probabilities float32 [10]",
        "sample              count int32 [], seed int64 [] -> code int32 [N], images float32 [N, 28, 28, 1]",
        "sample_each         seed int64 [N] -> code int32 [N], images float32 [N, 28, 28, 1]",
        "serving_default     code int32 [N], seed int64 [N] -> images float32 [N, 28, 28, 1]",
    ]


def test_categories_match_classes_by_the_images_of_their_codes(run_copy, grouping):
    """Category 0 has codes 0 and 3, category 1 mostly code 7, category 2 code 9, which another class has."""
    _evaluate(run_copy, epochs=3)
    record = load_record(run_copy.evaluation)
    record.class_names, record.confusion = ("a", "b"), np.zeros([10, 2], np.int64)
    record.confusion[[0, 3], [0, 1]] = 10, 1000  # shares: 0.7 of a, 0.3 of b
    record.confusion[[1, 4, 7], [0, 0, 1]] = 50  # 0.25 of a, 0.75 of b
    record.confusion[9] = 30, 20  # 0.6 of a
    assert category_class_names(record, grouping) == ["a", "b", None]
    config, model, epochs_done = run_copy.restore_model()
    found = describe_model(run_copy, "mnist", config, model, epochs_done, grouping)["categories"]
    assert len(set(found["class_names"])) == 3 and None not in found["class_names"]


def test_categories_of_other_weights_are_left_out_and_damaged_ones_refused(run_copy, grouping, categorizer):
    run_copy.categories.mkdir()
    table, network = run_copy.categories / "categories.json", run_copy.categories / "categorizer.keras"
    save_categorizer(categorizer, network)
    save_grouping(grouping._replace(epochs=2), table)
    run = load_run(run_copy.path, None, None)
    assert run.categories is None and "categories" not in run.description
    save_grouping(grouping, table)
    network.write_text("damaged")
    with pytest.raises(UserError, match=r"categorizer\.keras cannot be read"):
        export_run(run_copy.path)
    assert not run_copy.export.exists()


@pytest.mark.parametrize(("damaged", "sentence"), [
    ("evaluation.json", r"evaluation\.json is not an evaluation of this run"),
    ("checkpoints/*.data-*", "cannot be restored")])
def test_a_damaged_run_is_refused_and_nothing_written(run_copy, damaged, sentence):
    _evaluate(run_copy, epochs=3)
    path, = run_copy.path.glob(damaged)
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])
    with pytest.raises(UserError, match=sentence):
        export_run(run_copy.path)
    assert not run_copy.export.exists()


def test_an_output_that_is_a_file_is_refused(finished_run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="file' cannot be written: Not a directory"):
        export_run(finished_run.path, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_no_version(finished_run, tmp_path):
    with pytest.raises(UserError, match=r"cannot be written: File too large$"):
        export_run(finished_run.path, tmp_path)
    assert os.listdir(tmp_path / "mnist") == [".lock"]

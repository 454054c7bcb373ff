"""The export of a run directory: what is written, what is not, and what is refused."""

import json
import os
import resource
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from eig_tf.errors import UserError
from eig_tf.run_directory import RunDirectory
from eig_tf.serving.export import describe_signatures, export


def _read_description(version):
    return json.loads((version / "assets.extra" / "model.json").read_text())


@pytest.fixture
def run_copy(finished_run, tmp_path):
    """A copy of `finished_run` to damage."""
    return RunDirectory(shutil.copytree(finished_run.path, tmp_path / "run"))


def test_versions_count_up_in_the_run_directory(run_copy):
    assert export(run_copy.path) == run_copy.export / "1"
    run_copy.environment.unlink()  # of a run that was copied in part
    second = export(str(run_copy.path))
    assert second == run_copy.export / "2"
    assert sorted(os.listdir(run_copy.export)) == ["1", "2"]
    assert _read_description(second)["git_revision"] is None


def test_only_the_variables_that_serve_are_saved(exported, live):
    saved = [(name, shape) for name, shape in
             tf.train.list_variables(str(exported / "variables" / "variables"))
             if name != "_CHECKPOINTABLE_OBJECT_GRAPH"]
    (discriminator,) = live.discriminators
    parts = (live.generator, discriminator.trunk, discriminator.recognition_head, live.prior)
    expected = [variable for part in parts for variable in part.variables]
    assert len(saved) == len(expected)
    assert sorted(tuple(shape) for _, shape in saved) == sorted(tuple(v.shape) for v in expected)


def test_model_json_tells_where_the_model_comes_from(exported, live):
    description = _read_description(exported)
    assert description["config"]["networks"]["num_codes"] == 10
    assert description["epochs_done"] == 3
    assert description["git_revision"] == "abc123"
    assert description["packages"] == {"tensorflow": "2.15.1"}
    np.testing.assert_allclose(description["prior"], live.prior.probabilities, atol=1e-6)
    assert "/some/where" not in json.dumps(description)


def test_the_export_is_float32_after_a_bfloat16_training(exported):
    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((exported / "saved_model.pb").read_bytes())
    types = {attribute.type for function in saved_model.meta_graphs[0].graph_def.library.function
             for node in function.node_def for attribute in node.attr.values()}
    assert types_pb2.DT_FLOAT in types
    assert types_pb2.DT_BFLOAT16 not in types


def test_the_policy_is_put_back(tmp_path):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        with pytest.raises(UserError):
            export(tmp_path)
        assert keras.mixed_precision.global_policy().name == "mixed_bfloat16"
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_signatures_are_described_a_line_each(exported):
    assert describe_signatures(exported) == [
        "categorize          images float32 [N, 28, 28, 1] -> "
        "code int32 [N], feature float32 [N, 128], probabilities float32 [N, 10]",
        "generate            code int32 [N], seed int64 [N] -> images float32 [N, 28, 28, 1]",
        "generate_from_code  code float32 [N, 10], seed int64 [N] -> images float32 [N, 28, 28, 1]",
        "prior               no input -> probabilities float32 [10]",
        "sample              count int32 [], seed int64 [] -> code int32 [N], images float32 [N, 28, 28, 1]",
        "serving_default     code int32 [N], seed int64 [N] -> images float32 [N, 28, 28, 1]",
    ]


def test_a_missing_run_directory_is_refused(tmp_path):
    with pytest.raises(UserError, match="absent is no run directory"):
        export(tmp_path / "absent")
    assert os.listdir(tmp_path) == []


def test_a_run_without_checkpoint_is_refused(run_copy):
    shutil.rmtree(run_copy.checkpoints)
    with pytest.raises(UserError, match="no checkpoint yet; expected at least one finished epoch"):
        export(run_copy.path)
    assert not run_copy.export.exists()


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove"])
def test_a_damaged_checkpoint_is_refused(run_copy, damage):
    data, = run_copy.checkpoints.glob("*.data-*")
    content = bytearray(data.read_bytes())
    if damage == "truncate":
        data.write_bytes(content[:len(content) // 2])
    elif damage == "flip":
        content[len(content) // 2] ^= 255
        data.write_bytes(content)
    else:
        data.unlink()
    with pytest.raises(UserError, match="cannot be restored"):
        export(run_copy.path)
    assert not run_copy.export.exists()


def test_an_output_that_is_a_file_is_refused(finished_run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="file' cannot be written: File exists"):
        export(finished_run.path, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_leaves_no_version(finished_run, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(UserError, match="cannot be written: "):
            export(finished_run.path, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == []

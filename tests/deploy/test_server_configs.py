"""The files that servers read: models, batching, monitoring; compared with what an export writes."""

import re
from types import SimpleNamespace

import pytest
import yaml
from google.protobuf import text_format

from eig_tf import config as config_lib
from eig_tf.run_directory import RunDirectory
from eig_tf.serving import checks, versions, warmup
from eig_tf.serving.served_model import ServedModel

METRICS_PATH = "/monitoring/prometheus/metrics"


def test_the_model_is_where_an_export_lies_under_the_mount(model, tmp_path):
    assert model.name == config_lib.load_preset("mnist").dataset
    models = RunDirectory(tmp_path).export  # what MODELS names
    version = versions.write_version(models / model.name, lambda content: None)
    assert f"/models/{version.relative_to(models)}" == f"{model.base_path}/1"
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 2


def test_labels_of_the_comment_are_valid(model):
    text = 'version_labels { key: "stable" value: 3 } model_version_policy { specific { versions: 3 } }'
    parsed = text_format.Parse(text, type(model)())
    assert dict(parsed.version_labels) == {"stable": 3}
    assert parsed.model_version_policy.WhichOneof("policy_choice") == "specific"


def test_batches_have_the_sizes_of_the_warm_up(batching):
    assert tuple(batching.allowed_batch_sizes) == warmup.BATCH_SIZES
    assert list(batching.allowed_batch_sizes) == sorted(set(batching.allowed_batch_sizes))
    # With splitting, the largest run is the last of the allowed sizes, and no larger than a request may be.
    assert batching.enable_large_batch_splitting.value
    assert batching.max_execution_batch_size.value == batching.allowed_batch_sizes[-1]
    assert batching.max_batch_size.value == checks.MAX_ROWS >= batching.max_execution_batch_size.value


def test_batching_bounds_latency_and_queue(batching, compose):
    assert 0 < batching.batch_timeout_micros.value <= 10_000
    cpus = compose["services"]["batching"]["deploy"]["resources"]["limits"]["cpus"]
    assert batching.num_batch_threads.value == int(cpus)
    rows = batching.max_enqueued_batches.value * batching.max_execution_batch_size.value
    assert rows >= batching.max_batch_size.value


def test_a_field_that_does_not_exist_is_refused(messages):
    with pytest.raises(text_format.ParseError, match=r'no field named "max_batchsize"'):
        text_format.Parse("max_batchsize { value: 1 }", messages["BatchingParameters"]())


def test_metrics_are_where_they_are_collected(deploy, messages, manifests):
    monitoring = text_format.Parse((deploy / "monitoring.config").read_text(), messages["MonitoringConfig"]())
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == METRICS_PATH
    (job,) = yaml.safe_load((deploy / "prometheus.yml").read_text())["scrape_configs"]
    assert job["metrics_path"] == METRICS_PATH
    assert job["dns_sd_configs"] == [{"names": ["serving", "batching"], "type": "A", "port": 8501}]
    annotations = manifests["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": "8501",
                           "prometheus.io/path": METRICS_PATH}


def test_signatures_that_the_files_name_are_exported(deploy):
    stand_in = SimpleNamespace(num_continuous=0, noise_dim=62, prior=SimpleNamespace(num_codes=10))
    signatures = ServedModel(stand_in, (28, 28, 1), "crop", [""] * 10).signatures()
    readme, batching = ((deploy / name).read_text() for name in ("README.md", "batching.config"))
    (request,) = re.findall(r"-d '(.*)'", readme)
    (named,) = re.findall(r'"signature_name": "(\w+)"', request)
    specs = signatures[named].input_signature
    assert {spec.name for spec in specs} == set(yaml.safe_load(request)["inputs"])
    refused, instead = re.search(r"so (.+) are refused; `(\w+)` does", batching).groups()
    refused = re.findall(r"`(\w+)`", refused)
    assert {*refused, instead} <= set(signatures)
    unbatchable = {name for name, function in signatures.items()
                   if min((spec.shape.rank for spec in function.input_signature), default=0) == 0}
    assert set(refused) == unbatchable == set(warmup.PART_OF_OUTPUTS)

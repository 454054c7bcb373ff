"""The files that servers read: models, batching, monitoring; compared with what an export writes."""

import re
from types import SimpleNamespace

import pytest
import yaml
from google.protobuf import text_format

from eig_tf.serving import warmup
from eig_tf.serving.served_model import ServedModel


def test_exports_keep_the_versions_that_are_served(deploy, model):
    (kept,) = re.findall(r"--keep=(\d+)", (deploy / "README.md").read_text())
    assert int(kept) >= model.model_version_policy.latest.num_versions > 1


def test_labels_of_the_comment_are_valid(model):
    text = 'version_labels { key: "stable" value: 3 } model_version_policy { specific { versions: 3 } }'
    parsed = text_format.Parse(text, type(model)())
    assert dict(parsed.version_labels) == {"stable": 3}
    assert parsed.model_version_policy.WhichOneof("policy_choice") == "specific"


def test_batches_have_the_sizes_of_the_warm_up(batching):
    assert tuple(batching.allowed_batch_sizes) == warmup.BATCH_SIZES
    assert list(batching.allowed_batch_sizes) == sorted(set(batching.allowed_batch_sizes))
    # The server loads no model otherwise, with splitting neither.
    assert batching.max_batch_size.value == batching.allowed_batch_sizes[-1] == warmup.BATCH_SIZES[-1]
    assert not batching.HasField("enable_large_batch_splitting")


def test_batching_bounds_latency_and_queue(batching, compose):
    assert 0 < batching.batch_timeout_micros.value <= 10_000
    cpus = compose["services"]["batching"]["deploy"]["resources"]["limits"]["cpus"]
    assert batching.num_batch_threads.value == int(cpus)


def test_comments_give_the_numbers_of_the_fields(deploy, batching):
    largest = batching.max_batch_size.value
    (rows,) = re.findall(r"For each signature: (\d+) rows", (deploy / "batching.config").read_text())
    assert int(rows) == batching.max_enqueued_batches.value * largest
    (refused,) = re.findall(r"requests of more than (\d+) rows", (deploy / "docker-compose.yml").read_text())
    assert int(refused) == largest


def test_a_field_that_does_not_exist_is_refused(messages):
    with pytest.raises(text_format.ParseError, match=r'no field named "max_batchsize"'):
        text_format.Parse("max_batchsize { value: 1 }", messages["BatchingParameters"]())


def test_metrics_are_where_they_are_collected(deploy, messages, manifests, compose, container):
    monitoring = text_format.Parse((deploy / "monitoring.config").read_text(), messages["MonitoringConfig"]())
    assert monitoring.prometheus_config.enable
    path = monitoring.prometheus_config.path
    (job,) = yaml.safe_load((deploy / "prometheus.yml").read_text())["scrape_configs"]
    assert job["metrics_path"] == path
    (found,) = job["dns_sd_configs"]
    assert {*found["names"], "prometheus"} == set(compose["services"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert found["port"] == ports["rest"]
    annotations = manifests["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"prometheus.io/scrape": "true", "prometheus.io/port": str(ports["rest"]),
                           "prometheus.io/path": path}


def test_signatures_that_the_files_name_are_exported(deploy):
    stand_in = SimpleNamespace(num_codes=10, noise_dim=62, num_continuous=0, image_shape=(28, 28, 1))
    signatures = ServedModel(stand_in, "crop", [""] * 10).signatures()
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
    assert set(refused) == unbatchable

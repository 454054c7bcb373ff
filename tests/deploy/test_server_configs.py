"""The files that servers read: models, batching, monitoring; compared with what an export writes."""

import re
from types import SimpleNamespace

import yaml
from google.protobuf import text_format

from eig_tf.serving import warmup
from eig_tf.serving.served_model import ServedModel


def test_exports_keep_the_versions_that_are_served_and_comments_are_valid(deploy, model):
    (kept,) = re.findall(r"--keep=(\d+)", (deploy / "README.md").read_text())
    assert int(kept) >= model.model_version_policy.latest.num_versions > 1
    comments = (deploy / "models.config").read_text()
    (labels,) = re.findall(r"`(version_labels .*)`", comments)
    (policy,) = re.findall(r"by `(specific .*)`", comments)
    parsed = text_format.Parse(f"{labels} model_version_policy {{ {policy} }}", type(model)())
    assert dict(parsed.version_labels) == {"stable": 3}
    assert list(parsed.model_version_policy.specific.versions) == [3]


def test_batches_have_the_sizes_of_the_warm_up_and_bounds_on_latency_and_queue(deploy, batching, compose):
    assert tuple(batching.allowed_batch_sizes) == warmup.BATCH_SIZES
    assert list(batching.allowed_batch_sizes) == sorted(set(batching.allowed_batch_sizes))
    # The server loads no model otherwise, with splitting neither.
    largest = batching.max_batch_size.value
    assert largest == batching.allowed_batch_sizes[-1] == warmup.BATCH_SIZES[-1]
    assert not batching.HasField("enable_large_batch_splitting")
    assert 0 < batching.batch_timeout_micros.value <= 10_000
    cpus = compose["services"]["batching"]["deploy"]["resources"]["limits"]["cpus"]
    assert batching.num_batch_threads.value == int(cpus)
    # The numbers in comments are those of the fields.
    (rows,) = re.findall(r"For each signature: (\d+) rows", (deploy / "batching.config").read_text())
    assert int(rows) == batching.max_enqueued_batches.value * largest
    (refused,) = re.findall(r"requests of more than (\d+) rows", (deploy / "docker-compose.yml").read_text())
    assert int(refused) == largest


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

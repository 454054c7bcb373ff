"""The files under deploy/, parsed."""

from pathlib import Path

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from tensorflow_serving.config import model_server_config_pb2

FIELD = descriptor_pb2.FieldDescriptorProto
# Messages of TF Serving that no package has: their fields, numbers and types.
INT64, STRING, BOOL = (f".google.protobuf.{name}Value" for name in ("Int64", "String", "Bool"))
MESSAGES = {
    "BatchingParameters": [
        ("max_batch_size", 1, INT64), ("batch_timeout_micros", 2, INT64), ("max_enqueued_batches", 3, INT64),
        ("num_batch_threads", 4, INT64), ("thread_pool_name", 5, STRING),
        ("allowed_batch_sizes", 6, [FIELD.TYPE_INT64]), ("pad_variable_length_inputs", 7, FIELD.TYPE_BOOL),
        ("enable_large_batch_splitting", 8, BOOL), ("max_execution_batch_size", 9, INT64)],
    "PrometheusConfig": [("enable", 1, FIELD.TYPE_BOOL), ("path", 2, FIELD.TYPE_STRING)],
    "MonitoringConfig": [("prometheus_config", 1, ".tensorflow.serving.PrometheusConfig")],
}


@pytest.fixture(scope="session")
def deploy():
    """The directory deploy/."""
    return Path(__file__).parent.parent.parent / "deploy"


@pytest.fixture(scope="session")
def compose(deploy):
    """The content of docker-compose.yml."""
    return yaml.safe_load((deploy / "docker-compose.yml").read_text())


@pytest.fixture(scope="session")
def manifests(deploy):
    """The objects of kubernetes.yaml by kind."""
    objects = list(yaml.safe_load_all((deploy / "kubernetes.yaml").read_text()))
    by_kind = {item["kind"]: item for item in objects}
    assert len(by_kind) == len(objects)
    return by_kind


@pytest.fixture(scope="session")
def pod(manifests):
    """The pod of the Deployment."""
    return manifests["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="session")
def container(pod):
    """The one container of the pod."""
    (only,) = pod["containers"]
    return only


@pytest.fixture(scope="session")
def messages():
    """The classes of `MESSAGES` by name."""
    file = descriptor_pb2.FileDescriptorProto(
        name="deploy_test.proto", package="tensorflow.serving", syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name])
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=FIELD.LABEL_OPTIONAL)
            if isinstance(kind, str):
                added.type, added.type_name = FIELD.TYPE_MESSAGE, kind
            elif isinstance(kind, list):
                added.label, (added.type,) = FIELD.LABEL_REPEATED, kind
            else:
                added.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.serving.{name}"))
            for name in MESSAGES}


@pytest.fixture(scope="session")
def model(deploy):
    """The one model of models.config."""
    text = (deploy / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (only,) = config.model_config_list.config
    return only


@pytest.fixture(scope="session")
def batching(deploy, messages):
    """The message of batching.config."""
    return text_format.Parse((deploy / "batching.config").read_text(), messages["BatchingParameters"]())

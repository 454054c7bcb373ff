"""What docker-compose.yml and kubernetes.yaml run: flags, mounts, ports, probes, and that they agree."""

import http.server
import re
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

CONFIGS = ["models.config", "batching.config", "monitoring.config"]
NAME = "mnist"
GRPC_PORT, REST_PORT = 8500, 8501
# The flags of tensorflow_model_server 2.15 that the files use.
FLAGS = {
    "port": str(GRPC_PORT),
    "rest_api_port": str(REST_PORT),
    "model_config_file": "/config/models.config",
    "model_config_file_poll_wait_seconds": "30",
    "allow_version_labels_for_unavailable_models": "true",
    "file_system_poll_wait_seconds": "10",
    "monitoring_config_file": "/config/monitoring.config",
}
BATCHING_FLAGS = {"enable_batching": "true", "batching_parameters_file": "/config/batching.config"}


def _flags(arguments):
    pairs = [re.fullmatch(r"--(\w+)=(.+)", argument).groups() for argument in arguments]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def _name(item):
    return item["metadata"]["name"]


def test_the_image_is_of_the_version_of_the_pinned_stack(repository, compose, container):
    pins = re.findall(r"tensorflow(?:-serving-api)?==([\d.]+)", (repository / "setup.py").read_text())
    (version,) = set(pins)
    assert container["image"] == f"tensorflow/serving:{version}"
    for service in ("serving", "batching"):
        assert compose["services"][service]["image"] == f"tensorflow/serving:{version}"


def test_servers_have_the_same_flags_but_for_batching(compose, container):
    services = compose["services"]
    assert set(services) == {"serving", "batching", "prometheus"}
    assert _flags(services["serving"]["command"]) == FLAGS
    assert _flags(services["batching"]["command"]) == {**FLAGS, **BATCHING_FLAGS}
    assert _flags(container["args"]) == FLAGS
    assert services["serving"]["entrypoint"] == container["command"] == ["tensorflow_model_server"]
    # A server that batches refuses some signatures, so it must be asked for.
    assert services["batching"]["profiles"] == ["batching"]
    assert "profiles" not in services["serving"]


def test_files_that_flags_name_are_mounted_read_only(deploy, compose, manifests, pod, container):
    named = [Path(path) for path in {**FLAGS, **BATCHING_FLAGS}.values() if path.startswith("/config/")]
    assert sorted(path.name for path in named) == sorted(CONFIGS)
    for service in ("serving", "batching"):
        mounts = {mount["target"]: mount for mount in compose["services"][service]["volumes"]}
        assert set(mounts) == {"/models", "/config"}
        assert all(mount["read_only"] for mount in mounts.values())
        assert mounts["/models"]["source"].startswith("${MODELS:?")
        assert all((deploy / mounts["/config"]["source"] / path.name).is_file() for path in named)
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/models"] == {"name": "models", "mountPath": "/models", "readOnly": True}
    assert mounts["/config"] == {"name": "config", "mountPath": "/config", "readOnly": True}
    volumes = {volume.pop("name"): volume for volume in map(dict, pod["volumes"])}
    assert volumes == {
        "models": {"persistentVolumeClaim": {"claimName": _name(manifests["PersistentVolumeClaim"])}},
        "config": {"configMap": {"name": _name(manifests["ConfigMap"])}},
        "tmp": {"emptyDir": {}}}
    prometheus, _ = compose["services"]["prometheus"]["volumes"]
    assert (deploy / prometheus["source"]).is_file()


def test_the_config_map_holds_the_files(deploy, manifests):
    assert manifests["ConfigMap"]["data"] == {name: (deploy / name).read_text() for name in CONFIGS}


def test_ports_are_published_on_this_host_alone_and_do_not_collide(compose):
    published = [port for service in compose["services"].values() for port in service["ports"]]
    hosts, ports, targets = zip(*(port.split(":") for port in published))
    assert set(hosts) == {"127.0.0.1"}
    assert len(set(ports)) == len(ports)
    assert targets == (str(GRPC_PORT), str(REST_PORT)) * 2 + ("9090",)


def test_containers_may_do_little(compose, pod, container):
    for service in ("serving", "batching"):
        server = compose["services"][service]
        assert server["user"] == "65534:65534"
        assert server["read_only"]
        assert server["cap_drop"] == ["ALL"]
        assert set(server["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 65534
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}
    assert set(container["resources"]) == {"requests", "limits"}


def test_keys_of_the_pod_are_those_of_kubernetes(pod, container):
    """A cluster ignores or refuses a key that is misspelt."""
    assert set(pod) == {"automountServiceAccountToken", "terminationGracePeriodSeconds", "securityContext",
                        "containers", "volumes"}
    assert set(container) == {"name", "image", "command", "args", "ports", "startupProbe", "readinessProbe",
                              "livenessProbe", "lifecycle", "resources", "securityContext", "volumeMounts"}


def test_probes_ask_for_the_model_at_the_rest_port(model, container):
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": GRPC_PORT, "rest": REST_PORT}
    status = f"/v1/models/{model.name}"
    paths = {"startupProbe": f"{status}/metadata", "readinessProbe": f"{status}/metadata",
             "livenessProbe": status}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "rest"}


def test_the_service_reaches_two_pods_that_end_after_their_requests(manifests, pod, container):
    spec, service = manifests["Deployment"]["spec"], manifests["Service"]["spec"]
    assert spec["replicas"] == 2
    labels = spec["template"]["metadata"]["labels"]
    assert service["selector"] == spec["selector"]["matchLabels"] == labels
    assert {port["port"]: port["targetPort"] for port in service["ports"]} == {
        GRPC_PORT: "grpc", REST_PORT: "rest"}
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert int(seconds) < pod["terminationGracePeriodSeconds"]


def test_exports_are_copied_to_the_volume_that_is_served(deploy, manifests):
    upload = yaml.safe_load((deploy / "upload.yaml").read_text())
    (volume,) = upload["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == _name(manifests["PersistentVolumeClaim"])
    readme = (deploy / "README.md").read_text()
    assert f"kubectl cp runs/mnist-elastic_infogan-split0-seed0/export/{NAME}/1 " in readme
    assert set(re.findall(r"kubectl .*?(eig-tf-upload)", readme)) == {_name(upload)}


class _Status(http.server.BaseHTTPRequestHandler):
    """The status path of a model server whose one version is in a state."""

    def do_GET(self):
        found = self.path == f"/v1/models/{NAME}"
        state = self.server.state if found else "NOT_FOUND"
        body = f'{{"model_version_status": [{{"version": "1", "state": "{state}"}}]}}'.encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Says nothing."""


@pytest.mark.parametrize(("state", "status"), [
    ("AVAILABLE", 0), ("LOADING", 1), ("UNLOADING", 1), ("END", 1), (None, 1)])
def test_the_health_check_goes_by_the_state_of_the_model(compose, state, status):
    check, program, option, script = compose["services"]["serving"]["healthcheck"]["test"]
    assert (check, program, option) == ("CMD", "bash", "-c")
    assert "$" not in script  # Compose would read it as a variable
    assert script.count(f"127.0.0.1/{REST_PORT} ") == 1
    with http.server.HTTPServer(("127.0.0.1", 0), _Status) as server:
        script = script.replace(f"/{REST_PORT} ", f"/{server.server_port} ")
        server.state = state
        if state:
            threading.Thread(target=server.handle_request, daemon=True).start()
        else:
            server.server_close()
        result = subprocess.run([program, option, script], timeout=10, capture_output=True, check=False)
    assert result.returncode == status, result.stderr

"""What docker-compose.yml and kubernetes.yaml run: flags, mounts, ports, probes, and that they agree."""

import http.server
import re
import subprocess
import threading
from pathlib import Path

import pytest
import yaml

CONFIGS = ["models.config", "batching.config", "monitoring.config"]
SERVERS = ["serving", "batching"]


def _flags(arguments):
    pairs = [re.fullmatch(r"--(\w+)=(.+)", argument).groups() for argument in arguments]
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def _name(item):
    return item["metadata"]["name"]


@pytest.fixture(scope="module")
def flags(container):
    """The flags of a server without batching, by name."""
    return _flags(container["args"])


@pytest.fixture(scope="module")
def ports(flags):
    """The gRPC port and the REST port, both as text."""
    return flags["port"], flags["rest_api_port"]


def test_servers_are_of_the_pinned_version_with_the_same_flags_but_for_batching(
        repository, compose, container, flags):
    services = compose["services"]
    (version,) = set(re.findall(r"tensorflow(?:-serving-api)?==([\d.]+)",
                                (repository / "setup.py").read_text()))
    for server in (container, *map(services.get, SERVERS)):
        assert server["image"] == f"tensorflow/serving:{version}"
    batching = {"enable_batching": "true", "batching_parameters_file": "/config/batching.config"}
    assert not flags.keys() & batching.keys()
    assert _flags(services["serving"]["command"]) == flags
    assert _flags(services["batching"]["command"]) == {**flags, **batching}
    assert services["serving"]["entrypoint"] == container["command"] == ["tensorflow_model_server"]
    # A server that batches refuses some signatures, so it must be asked for.
    assert services["batching"]["profiles"] == ["batching"]
    assert "profiles" not in services["serving"]


def test_files_that_flags_name_are_mounted_read_only(deploy, compose, manifests, pod, container):
    named = [Path(value) for name, value in _flags(compose["services"]["batching"]["command"]).items()
             if name.endswith("_file")]
    assert {path.parent for path in named} == {Path("/config")}
    assert sorted(path.name for path in named) == sorted(CONFIGS)
    for service in SERVERS:
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
    assert manifests["ConfigMap"]["data"] == {name: (deploy / name).read_text() for name in CONFIGS}
    prometheus, _ = compose["services"]["prometheus"]["volumes"]
    assert (deploy / prometheus["source"]).is_file()


def test_ports_are_published_on_this_host_alone_and_do_not_collide(compose, ports):
    published = {name: [port.split(":") for port in service["ports"]]
                 for name, service in compose["services"].items()}
    hosts, on_host, _ = zip(*(port for service in published.values() for port in service))
    assert set(hosts) == {"127.0.0.1"}
    assert len(set(on_host)) == len(on_host)
    for service in SERVERS:
        assert tuple(target for _, _, target in published[service]) == ports


def test_servers_may_do_and_take_the_same_in_both(deploy, compose, pod, container):
    context, resources, user = container["securityContext"], container["resources"], pod["securityContext"]
    (size,) = re.findall(r"the limit of (\d+) GiB", (deploy / "README.md").read_text())
    assert resources["limits"]["memory"] == f"{size}Gi"
    for service in SERVERS:
        server = compose["services"][service]
        assert server["user"] == f"{user['runAsUser']}:{user['runAsGroup']}"
        assert server["read_only"] and context["readOnlyRootFilesystem"]
        assert server["cap_drop"] == context["capabilities"]["drop"] == ["ALL"]
        limits = server["deploy"]["resources"]["limits"]
        assert {"cpu": limits["cpus"], "memory": f"{limits['memory']}i"} == resources["limits"]
        # The first process of a container would ignore SIGTERM.
        assert server["init"] is True and pod["shareProcessNamespace"] is True


def test_probes_ask_for_the_model_at_the_rest_port_as_long_as_the_comment_says(
        deploy, model, container, ports):
    named = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert named == dict(zip(["grpc", "rest"], ports))
    status = f"/v1/models/{model.name}"
    paths = {"startupProbe": f"{status}/metadata", "readinessProbe": f"{status}/metadata",
             "livenessProbe": status}
    for probe, path in paths.items():
        assert container[probe]["httpGet"] == {"path": path, "port": "rest"}
    (minutes,) = re.findall(r"(\d+)\s+#\s+minutes is restarted", (deploy / "kubernetes.yaml").read_text())
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 60 * int(minutes)


def test_the_service_reaches_pods_that_end_after_their_requests(manifests, pod, container):
    spec, service = manifests["Deployment"]["spec"], manifests["Service"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert service["selector"] == spec["selector"]["matchLabels"] == labels
    assert {port["targetPort"]: port["port"] for port in service["ports"]} == {
        port["name"]: port["containerPort"] for port in container["ports"]}
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert int(seconds) < pod["terminationGracePeriodSeconds"]


def test_exports_are_copied_to_the_volume_that_is_served(deploy, manifests, model):
    upload = yaml.safe_load((deploy / "upload.yaml").read_text())
    (volume,) = upload["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == _name(manifests["PersistentVolumeClaim"])
    readme = (deploy / "README.md").read_text()
    assert f"kubectl cp runs/mnist-elastic_infogan-split0-seed0/export/{model.name}/1 " in readme
    assert set(re.findall(r"kubectl .*?(eig-tf-upload)", readme)) == {_name(upload)}


class _Status(http.server.BaseHTTPRequestHandler):
    """The status path of a model server whose one version is in a state."""

    def do_GET(self):
        found = self.path == f"/v1/models/{self.server.model}"
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
def test_the_health_check_goes_by_the_state_of_the_model(compose, model, ports, state, status):
    check, program, option, script = compose["services"]["serving"]["healthcheck"]["test"]
    assert (check, program, option) == ("CMD", "bash", "-c")
    assert "$" not in script  # Compose would read it as a variable
    assert script.count(f"127.0.0.1/{ports[1]} ") == 1
    with http.server.HTTPServer(("127.0.0.1", 0), _Status) as server:
        script = script.replace(f"/{ports[1]} ", f"/{server.server_port} ")
        server.state, server.model = state, model.name
        if state:
            threading.Thread(target=server.handle_request, daemon=True).start()
        else:
            server.server_close()
        result = subprocess.run([program, option, script], timeout=10, capture_output=True, check=False)
    assert result.returncode == status, result.stderr

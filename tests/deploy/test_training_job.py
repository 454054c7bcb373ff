"""What training.yaml runs: hosts that its shell commands describe, flags, volume, image and restarts."""

import os
import re
import signal
import subprocess

import pytest
import yaml

import eig_tf
from eig_tf.errors import TrainingStopped
from eig_tf.runs.hosts import cluster_from_environment


def _by_kind(path):
    return {item["kind"]: item for item in yaml.safe_load_all(path.read_text())}


@pytest.fixture(scope="module")
def objects(deploy):
    """The objects of training.yaml by kind."""
    return _by_kind(deploy / "training.yaml")


@pytest.fixture(scope="module")
def job(objects):
    """The specification of the Job."""
    return objects["Job"]["spec"]


@pytest.fixture(scope="module")
def training_pod(job):
    """The specification of the pods."""
    return job["template"]["spec"]


@pytest.fixture(scope="module")
def training(training_pod):
    """The one container of the pods."""
    (only,) = training_pod["containers"]
    return only


@pytest.fixture
def run_shell(training, tmp_path):
    """Runs the container's shell commands for an index; returns `TF_CONFIG` and python's arguments."""
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$TF_CONFIG\" \"$@\"\n")
    python.chmod(0o755)
    variables = {variable["name"]: variable["value"] for variable in training["env"]}

    def run(index, **others):
        environment = {**variables, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
                       "JOB_COMPLETION_INDEX": str(index), **others}
        # Kubernetes would replace these before the shell sees them.
        assert not set(re.findall(r"\$\(([\w.-]+)\)", training["args"][0])) & set(environment)
        result = subprocess.run([*training["command"], *training["args"]], env=environment, text=True,
                                capture_output=True, check=True, timeout=10)
        tf_config, *arguments = result.stdout.splitlines()
        return tf_config, arguments
    return run


def test_every_pod_describes_the_same_hosts_and_itself(objects, job, training, run_shell, monkeypatch):
    name, service = (objects[kind]["metadata"]["name"] for kind in ("Job", "Service"))
    (port,) = training["ports"]
    assert job["completionMode"] == "Indexed" and job["parallelism"] == job["completions"] > 1
    # The Job gives its pods the host names NAME-INDEX.
    expected = tuple(f"{name}-{index}.{service}:{port['containerPort']}"
                     for index in range(job["completions"]))
    for index in range(job["completions"]):
        monkeypatch.setenv("TF_CONFIG", run_shell(index)[0])
        addresses, number = cluster_from_environment()
        assert (addresses, number) == (expected, index)


def test_the_variable_sets_the_number_of_hosts(run_shell, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", run_shell(11, HOSTS="12")[0])
    addresses, number = cluster_from_environment()
    assert len(set(addresses)) == 12 and number == 11 and "-11." in addresses[number]


def test_the_service_gives_pods_their_names_before_they_are_ready(objects, job, training_pod, training):
    service = objects["Service"]
    assert training_pod["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"] is True
    assert service["spec"]["selector"] == job["template"]["metadata"]["labels"]
    assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        (port["containerPort"], port["name"]) for port in training["ports"]]


def test_training_takes_the_flags_and_writes_to_the_volume(run_shell, training, command):
    _, (option, module, *flags) = run_shell(0)
    assert option == "-m"
    result = command(option, module, *flags, "--help")
    assert result.returncode == 0, result.stderr
    named = dict(flag.lstrip("-").split("=") for flag in flags if "=" in flag)
    mounts = {mount["name"]: mount["mountPath"] for mount in training["volumeMounts"]}
    assert all(named[flag].startswith(f"{mounts['shared']}/") for flag in ("workdir", "data_dir"))
    # The root file system is read-only, and caches go to the home directory.
    assert training["securityContext"]["readOnlyRootFilesystem"] is True
    assert {"name": "HOME", "value": mounts["tmp"]} in training["env"]


def test_the_volume_is_shared_and_belongs_to_the_user_of_both_pods(deploy, training_pod, training):
    volume = _by_kind(deploy / "training-volume.yaml")
    claim, files = volume["PersistentVolumeClaim"], volume["Pod"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    mounted = {"name": "shared", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
    assert mounted in training_pod["volumes"] and [mounted] == files["spec"]["volumes"]
    assert files["spec"]["containers"][0]["volumeMounts"][0] in training["volumeMounts"]
    assert files["spec"]["securityContext"] == training_pod["securityContext"]
    # Deleting the training must not delete its run.
    assert set(_by_kind(deploy / "training.yaml")) == {"Service", "Job"}
    readme = (deploy / "README.md").read_text()
    assert files["metadata"]["name"] in set(re.findall(r"kubectl .*?(eig-tf-files)", readme))


def test_pods_that_were_told_to_stop_are_replaced_without_limit(deploy, job, training_pod, training):
    # What Kubernetes requires of a Job with a failure policy.
    assert training_pod["restartPolicy"] == "Never" and job["podReplacementPolicy"] == "Failed"
    disrupted, told = job["podFailurePolicy"]["rules"]
    assert disrupted == {"action": "Ignore",
                         "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    stopped = TrainingStopped(signal.SIGTERM, "")
    assert told == {"action": "Ignore", "onExitCodes": {
        "containerName": training["name"], "operator": "In", "values": [stopped.status]}}
    # The first process of a container would ignore SIGTERM until it handles it.
    assert training_pod["shareProcessNamespace"] is True and "exec python" in training["args"][0]
    assert training_pod["terminationGracePeriodSeconds"] >= 60
    (limit,) = re.findall(r"the limit of (\d+) is enough for ten", (deploy / "README.md").read_text())
    assert int(limit) == job["backoffLimit"] == 10 * job["completions"]


def test_the_image_holds_this_version_and_its_tensorflow(deploy, repository, training):
    dockerfile, readme = ((deploy / name).read_text() for name in ("training.Dockerfile", "README.md"))
    assert training["image"].endswith(f":{eig_tf.__version__}")
    assert set(re.findall(r"registry\.example\.com/[\w:.-]*\w", readme)) == {training["image"]}
    setup = (repository / "setup.py").read_text()
    (version,) = re.findall(r'"tensorflow==([\d.]+)"', setup)
    assert f"'tensorflow[and-cuda]=={version}'" in dockerfile
    (minor,) = re.findall(r"FROM python:3\.(\d+)-slim", dockerfile)
    lowest, below = re.search(r'python_requires=">=3\.(\d+),<3\.(\d+)"', setup).groups()
    assert int(lowest) <= int(minor) < int(below)

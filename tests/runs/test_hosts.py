"""The choice of devices and the hosts of the environment; training on several hosts over loopback."""

import csv
import json
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from eig_tf.errors import UserError
from eig_tf.runs.hosts import Cluster, Hosts, cluster_from_environment, make_hosts
from eig_tf.runs.training import check_divisible


def tf_config(addresses, index, kind="worker", **jobs):
    return json.dumps(
        {"cluster": {"worker": list(addresses), **jobs}, "task": {"type": kind, "index": index}})


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, in the place of all that describe hosts."""
    def set_variables(**variables):
        for name in ("TF_CONFIG", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    set_variables()
    return set_variables


def test_hosts_of_tf_config_and_of_slurm(environment):
    assert cluster_from_environment() is None
    environment(TF_CONFIG=tf_config(["a:1", "b:2"], 1))
    assert cluster_from_environment() == Cluster(("a:1", "b:2"), 1)
    environment(TF_CONFIG=tf_config(["a:1", "b:2"], 1, chief=["c:3"]))
    assert cluster_from_environment() == Cluster(("c:3", "a:1", "b:2"), 2)
    environment(TF_CONFIG=tf_config(["a:1"], 0))
    assert cluster_from_environment() is None
    environment(SLURM_STEP_NUM_TASKS="3", SLURM_PROCID="2", SLURM_STEP_NODELIST="node[07-08]",
                SLURM_STEP_TASKS_PER_NODE="2,1")
    assert cluster_from_environment() == Cluster(("node07:8888", "node07:8889", "node08:8888"), 2)
    environment(SLURM_STEP_NUM_TASKS="1")
    assert cluster_from_environment() is None


@pytest.mark.parametrize(("text", "words"), [
    ("{", "Expecting"), ("[]", "TF_CONFIG"), ("3", "TF_CONFIG"),
    ("{}", "lacks 'cluster'"),
    ('{"cluster": {"worker": ["a:1", "b:2"]}}', "lacks 'task'"),
    (tf_config(["a", "b:2"], 0), "expected name:port"),
    (tf_config(["a:1", "b:2"], 2), "its task is worker 2"),
    (tf_config(["a:1", "b:2"], 0, kind="ps"), "its task is ps 0"),
    (tf_config(["a:1", "b:2"], 0, ps=["c:3"]), "expected one of the workers"),
    (tf_config(["a:1", "b:2"], "x"), "TF_CONFIG"), (tf_config([1, 2], 0), "TF_CONFIG"),
])
def test_bad_tf_config_is_refused_in_one_sentence(environment, text, words):
    environment(TF_CONFIG=text)
    with pytest.raises(UserError, match="TF_CONFIG cannot be read") as error:
        cluster_from_environment()
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="there is a GPU")
@pytest.mark.parametrize("devices", ["gpu", "gpu:0", "tpu", "cpu:0", "cpu:x", "cpu:100", ":2"])
def test_devices_that_are_not_there_are_refused(environment, devices):
    with pytest.raises(UserError, match=f"--devices is '{devices}'; expected no GPU .none is visible., but"):
        make_hosts(devices)


@pytest.mark.parametrize(("batch_size", "replicas", "words"), [
    (64, 3, "63 or 66"), (50, 4, "48 or 52"), (2, 2, "such as 4,"), (4, 4, "such as 8,")])
def test_batch_that_cannot_be_shared_out_is_refused_with_sizes_that_can(batch_size, replicas, words):
    with pytest.raises(UserError, match=words):
        check_divisible(batch_size, replicas)
    check_divisible(2 * replicas, replicas)


def test_a_single_host_agrees_with_itself():
    hosts = Hosts(tf.distribute.get_strategy())
    hosts.check_same({"a": 1})
    assert hosts.is_chief and hosts.num_hosts == 1 and hosts.mean(1, 0.5, True) == [1.0, 0.5, 1.0]
    with pytest.raises(tf.errors.UnavailableError), hosts.lost_host_is_an_error():
        raise tf.errors.UnavailableError(None, None, "mine")


def test_lost_host_is_named():
    hosts = Hosts(tf.distribute.get_strategy(), Cluster(("a:1", "b:2"), 0))
    for message, name in (("/job:worker/replica:0/task:1 heartbeat timeout", "host 1 .b:2. has ended or"),
                          ("target /job:worker/replica:0/task:1 while", "host 1 .b:2. has ended or"),
                          ("Connection reset by peer", "another host has ended, or .*reset by peer")):
        with pytest.raises(UserError, match=name), hosts.lost_host_is_an_error():
            raise tf.errors.UnavailableError(None, None, message)


FOLDER = ("--dataset=folder", "--image_size=28", "--config.networks.width=0.0625",
          "--config.training.batch_size=200", "--noexport")


def make_images(directory, number):
    directory.mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, [number, 28, 28], np.uint8)):
        Image.fromarray(pixels).save(directory / f"{index:03}.png")


def free_addresses(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


# The training command, with a categorizer that takes seconds.
QUICK = """
import runpy
from eig_tf.categories import categorizer, discovery, partitions
categorizer.ROUNDS = 1
partitions.NEIGHBOURS, discovery.IMAGES_PER_CODE = (8,), 10
runpy.run_module("eig_tf.train", run_name="__main__")
"""


@pytest.fixture
def start_hosts(repository, tiny, monkeypatch, tmp_path):
    """Starts the training command as several hosts; a list of further flags for each."""
    started = []

    def start(*flags_of_hosts, common=(), flags=tiny):
        addresses = free_addresses(len(flags_of_hosts))
        for index, own in enumerate(flags_of_hosts):
            monkeypatch.setenv("TF_CONFIG", tf_config(addresses, index))
            monkeypatch.setenv("PYTHONPATH", str(repository))
            started.append(subprocess.Popen(
                [sys.executable, "-c", QUICK, *flags, "--config.training.precision=float32",
                 "--workdir=run", *common, *own], cwd=tmp_path, text=True, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE))
        monkeypatch.delenv("TF_CONFIG")
        return started[-len(flags_of_hosts):]
    yield start
    for process in started:
        process.kill()


def finish(processes, timeout=200):
    """Return the status, stdout and stderr of each process."""
    texts = [process.communicate(timeout=timeout) for process in processes]
    return [(process.returncode, *text) for process, text in zip(processes, texts)]


def losses(run):
    with (run / "history.csv").open(newline="") as file:
        return np.array([[float(value) for value in row.values()] for row in csv.DictReader(file)])


@pytest.mark.slow
def test_two_hosts_train_what_two_devices_train(start_hosts, command, tiny, tmp_path):
    common = ["--method=agglomerative_infogan", "--num_codes=6", "--num_categories=3",
              "--config.categories.categorizer_steps=2", "--config.categories.guidance_share=0.5",
              "--config.optimizer.learning_rate=2e-4"]
    for status, stdout, stderr in finish(start_hosts([], [], common=common)):
        assert status == 0, stdout + stderr
    result = command("-c", QUICK, *tiny, "--config.training.precision=float32", *common, "--devices=cpu:2",
                     "--workdir=one")
    assert result.returncode == 0, result.stderr
    found, expected = losses(tmp_path / "run"), losses(tmp_path / "one")
    assert found.shape == expected.shape and found[-1, -1] > 0
    # The categories, which need not be the same to the last image, have a loss in the second epoch.
    np.testing.assert_allclose(found[:, :-1], expected[:, :-1], atol=2e-3)
    segment, = json.loads((tmp_path / "run" / "environment.json").read_text())["segments"]
    assert (segment["devices"], segment["hosts"]) == (2, 2)
    assert json.loads((tmp_path / "run" / "categories" / "categories.json").read_text())["epochs"] == 2


@pytest.mark.slow
def test_a_killed_host_ends_the_others_and_the_same_command_goes_on(start_hosts, tmp_path):
    common = ["--config.training.epochs=200", "--method=gumbel_infogan", "--config.training.batch_size=30"]
    processes = start_hosts([], [], [], common=common)
    deadline = time.monotonic() + 200
    while not list((tmp_path / "run" / "checkpoints").glob("*.index")):
        assert time.monotonic() < deadline and all(process.poll() is None for process in processes)
        time.sleep(0.1)
    processes[2].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    for status, _, stderr in finish(processes[:2], timeout=60):
        assert status == 2 and stderr.startswith("error: ") and stderr.count("\n") == 1, stderr
        assert "has ended" in stderr and "the same command on all hosts continues" in stderr
    assert time.monotonic() - killed < 60
    # SIGTERM on one host ends all of them, after a save.
    processes = start_hosts([], [], [], common=common)
    while processes[0].poll() is None and "Epoch" not in processes[0].stdout.readline():
        pass
    time.sleep(2)
    processes[1].send_signal(signal.SIGTERM)
    for status, _, stderr in finish(processes):
        assert status == 143 and "is saved" in stderr, stderr
    assert len(losses(tmp_path / "run")) > 0


@pytest.mark.slow
@pytest.mark.parametrize(("flags", "words"), [
    (["--seed=5"], "has seed 5, and host 0 0"),
    (["--workdir=elsewhere"], "has workdir 'elsewhere'")])
def test_a_host_with_another_config_is_refused_by_name(start_hosts, tmp_path, flags, words):
    for status, _, stderr in finish(start_hosts([], flags)):
        assert status == 2 and "host 1 (127.0.0.1:" in stderr and words in stderr, stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_host_that_fails_alone_ends_the_others(start_hosts, tmp_path):
    for name, number in (("here", 200), ("there", 100)):
        make_images(tmp_path / name, number)
    (fine, _, said), (failed, _, reason) = finish(start_hosts(
        ["--data_dir=here"], ["--data_dir=there"], flags=FOLDER))
    assert fine == failed == 2 and "the training set holds 100 images" in reason
    assert "has ended" in said and said.count("\n") == 1, said


@pytest.mark.slow
def test_a_host_that_never_answers_and_a_port_in_use(tiny, tmp_path, monkeypatch, refused, train):
    here, there = free_addresses(2)
    for index, name in ((0, there), (1, here)):
        monkeypatch.setenv("TF_CONFIG", tf_config([here, there], index))
        sentence = refused(train(tmp_path, *tiny, "--host_timeout=8"))
        assert f"{name} did not answer within 8 seconds" in sentence
    monkeypatch.setenv("TF_CONFIG", tf_config([here, there], 0))
    with socket.create_server(("", int(here.rpartition(":")[2]))):
        assert "cannot be used: Address already in use" in refused(train(tmp_path, *tiny))
    assert list(tmp_path.iterdir()) == []

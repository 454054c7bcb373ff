"""Calls by gRPC and REST while the server is slow, ends, starts again or goes over to a new version.

The same tests run against the small server of these tests and, where it is, tensorflow_model_server.
"""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import arithmetic_model
import numpy as np
import pytest
from running_servers import KINDS, PROGRAMS, TRANSPORTS, start, start_process

from eig_tf.serving.client.model_client import Client
from eig_tf.serving.client.protocol import Retry, ServingError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def arithmetic(tmp_path_factory):
    """Two versions of a model that is worked out by hand, beside the directory of those that are served."""
    directory = tmp_path_factory.mktemp("arithmetic")
    for number in (1, 2):
        arithmetic_model.save(directory / "made" / str(number), offset=100.0 * number)
    (directory / "served").mkdir()
    os.rename(directory / "made" / "1", directory / "served" / "1")
    return directory


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_is_killed_in_mid_call_and_started_again(arithmetic, kind):
    program = PROGRAMS[kind]
    server = start_process(program, "m", arithmetic / "served")
    tries = []

    class CountingRetry(Retry):
        def __call__(self, attempt):
            return super().__call__(lambda timeout: tries.append(1) or attempt(timeout))

    def call(transport):
        client = Client(server.client(transport)._transport, "m", None, CountingRetry(120, 100))
        return client.predict("burn", {"steps": [1000]})

    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(call, transport) for transport in TRANSPORTS]
        burning = (line for line in server.output if b"burning" in line)
        for _ in TRANSPORTS:
            next(burning)
        server.stop()
        before = len(tries)
        server = start_process(program, "m", arithmetic / "served", ports=server.ports)
        try:
            assert [answer.result()["number"].tolist() for answer in answers] == [[1000], [1000]]
        finally:
            server.stop()
    assert len(tries) >= before + 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_version_under_load_fails_no_request(arithmetic, tmp_path, kind):
    """The answers are the old version's, then the new one's, and never an error."""
    (tmp_path / "1").symlink_to(arithmetic / "served" / "1")
    server = start(kind, "m", tmp_path, "--file_system_poll_wait_seconds=1")
    image = np.zeros([1, 2, 2, 1], np.float32)
    begun, ended = threading.Barrier(5, timeout=60), threading.Event()

    def load(transport):
        client = server.client(transport, retries=0)
        found = [float(client.embed(image)[0, 0])]
        begun.wait()
        while not ended.is_set():
            found.append(float(client.embed(image)[0, 0]))
        return [*found, float(client.embed(image)[0, 0])]

    def states():
        return {status.version: status.state for status in server.client("grpc").status()}

    try:
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(load, transport) for transport in TRANSPORTS * 2]
            try:
                begun.wait()
                os.rename(arithmetic / "made" / "2", tmp_path / "2")
                while states() != {1: "END", 2: "AVAILABLE"}:
                    assert not any(answer.done() for answer in answers)
            finally:
                ended.set()
            for answer in answers:
                found = answer.result()
                assert set(found) == {100.0, 200.0}
                assert found == sorted(found)
        with pytest.raises(ServingError, match=r"^the version 1 of the model 'm' is not served at .*; "
                                               r"expected one of 1 \(END\), 2 \(AVAILABLE\)$"):
            server.client("http", version=1).embed(image)
    finally:
        server.stop()

"""Servers for tests with the same flags: the small one, in this process or another, or the real one."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_server import ModelServer, parse

from eig_tf.serving.client.grpc_transport import GrpcTransport
from eig_tf.serving.client.model_client import Client, connect
from eig_tf.serving.client.protocol import Retry

_REAL = os.environ.get("TENSORFLOW_MODEL_SERVER") or shutil.which("tensorflow_model_server")
KINDS = ["small", pytest.param("real", marks=pytest.mark.skipif(
    not _REAL, reason="no tensorflow_model_server is on the PATH or named by TENSORFLOW_MODEL_SERVER"))]
PROGRAMS = {"small": [sys.executable, str(Path(__file__).with_name("model_server.py"))], "real": [_REAL]}
TRANSPORTS = ["grpc", "http"]


class Running:
    """A running server.

    Attributes:
        model: the name of the served model.
        ports: by transport.
        batch_sizes: of the small server in this process, the requests' sizes in each batch.
    """

    def __init__(self, model, ports, stop, batch_sizes=None):
        self.model, self.ports, self.stop, self.batch_sizes = model, ports, stop, batch_sizes

    def client(self, transport, **options):
        """Return a `Client` over `grpc` or `http`."""
        address = f"{transport}://127.0.0.1:{self.ports[transport]}"
        return connect(address, **{"model": self.model, "timeout": 60.0, **options})


def start(kind, model, base, *flags):
    """Start a server: `small` in this process, `real` as another process."""
    if kind == "real":
        return start_process(PROGRAMS[kind], model, base, *flags)
    server = ModelServer(parse([f"--model_name={model}", f"--model_base_path={base}", "--port=0",
                                "--rest_api_port=0", *flags]))
    return Running(model, {"grpc": server.grpc_port, "http": server.rest_port}, server.stop,
                   server.batch_sizes)


def start_process(program, model, base, *flags, ports=None):
    """Start a server as a process and wait until it has the model; its `stop` kills it.

    The lines that it prints can be read from `output` of the result.
    """
    ports = ports or dict(zip(TRANSPORTS, _free_ports(2)))
    process = subprocess.Popen(
        [*program, f"--model_name={model}", f"--model_base_path={base}", f"--port={ports['grpc']}",
         f"--rest_api_port={ports['http']}", *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def stop():
        process.kill()
        process.wait()
        process.stdout.close()

    server = Running(model, ports, stop)
    server.output = process.stdout
    transport = GrpcTransport(f"127.0.0.1:{ports['grpc']}", model, None)
    Client(transport, model, None, Retry(60, 10**9, sleep=lambda _: time.sleep(0.05))).status()
    return server


def _free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for free in sockets:
        free.bind(("127.0.0.1", 0))
    ports = [free.getsockname()[1] for free in sockets]
    for free in sockets:
        free.close()
    return ports

"""The bootstrap script, without its installation: that is what CI itself runs."""

import importlib.util

import pytest


@pytest.fixture
def start(repository):
    spec = importlib.util.spec_from_file_location("start", repository / "tools" / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_unknown_task(run):
    result = run("start", "tests")
    assert result.returncode == 2
    assert "start.py demo" in result.stdout


def test_supported_python_is_this_one_or_looked_for(start, monkeypatch):
    monkeypatch.setattr(start.sys, "version_info", (3, 10, 1))
    assert start.supported_python() == start.sys.executable
    monkeypatch.setattr(start.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(start.shutil, "which", lambda name: f"/bin/{name}" if name == "python3.10" else None)
    assert start.supported_python() == "/bin/python3.10"


def test_no_supported_python_is_one_sentence(start, monkeypatch):
    monkeypatch.setattr(start.sys, "version_info", (3, 13, 0))
    monkeypatch.setattr(start.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"this is Python 3\.13 .* expected Python 3\.9, 3\.10 or 3\.11"):
        start.supported_python()


def test_demo_stops_at_the_first_failure(start, monkeypatch):
    calls = []
    monkeypatch.setattr(start.subprocess, "call", lambda call: calls.append(call) or len(calls) == 2)
    assert start.demo("python", "somewhere") == 1
    assert [call[-1] for call in calls] == ["--workdir=somewhere", "somewhere"]

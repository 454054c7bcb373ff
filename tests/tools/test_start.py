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


@pytest.fixture
def subprocesses(start, monkeypatch):
    """The commands that would be started: those that are waited for, and those in the background."""
    waited_for, background = [], []

    class Background:
        def __init__(self, command, **streams):
            background.append(command)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            background.append("ended")

        def terminate(self):
            background.append("terminated")

    monkeypatch.setattr(
        start.subprocess, "call", lambda call: waited_for.append(call) or len(waited_for) == 2)
    monkeypatch.setattr(start.subprocess, "check_call", waited_for.append)
    monkeypatch.setattr(start.subprocess, "Popen", Background)
    return waited_for, background


def test_demo_stops_at_the_first_failure(start, subprocesses):
    waited_for, background = subprocesses
    assert start.demo("python", "somewhere") == 1
    assert [call[-1] for call in waited_for] == ["--workdir=somewhere", "somewhere"]
    assert background[0][-1] == "--dataset=digits" and background[1:] == ["terminated", "ended"]


def test_tests_add_their_packages_to_the_environment_of_the_demo(
        start, subprocesses, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(start, "ENVIRONMENT", tmp_path)
    waited_for, _ = subprocesses
    for extra in ("", "", "test", "test", ""):
        start.set_up(extra)
    assert [call[1:4] + call[-1:] for call in waited_for] == [
        ["-m", "venv", "--clear", str(tmp_path)],
        ["-m", "pip", "install", str(start.REPOSITORY)],
        ["-m", "pip", "install", f"{start.REPOSITORY}[test]"]]
    assert capsys.readouterr().out.count("sets up") == 2
    (tmp_path / "installed").write_text("test\nof an earlier version")
    start.set_up("test")
    assert waited_for[3][-2:] == ["--clear", str(tmp_path)] and len(waited_for) == 5


def test_a_directory_of_something_else_is_not_cleared(start, subprocesses, monkeypatch, tmp_path):
    monkeypatch.setattr(start, "ENVIRONMENT", tmp_path)
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="holds something else than an environment of this command; "):
        start.set_up("")
    assert subprocesses[0] == []

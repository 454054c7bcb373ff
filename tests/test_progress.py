"""Progress as it is seen: a bar on a pseudo-terminal; elsewhere one line, if the work takes long enough."""

import contextlib
import os
import threading

import pytest

from eig_tf import progress


@pytest.fixture
def silence(monkeypatch):
    """Sets how long work off a terminal may take before its title is printed."""
    return lambda seconds: monkeypatch.setattr(progress, "_SILENCE", seconds)


def timers():
    return [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_a_terminal_shows_the_title_then_a_bar_of_the_steps(terminal):
    with terminal() as shown:
        with progress.stage("draws 30 pictures", 30, "picture") as advance:
            assert shown() == "draws 30 pictures\n"
            advance(values=[("loss", 2.0)])
            first = shown()
            for _ in range(29):
                advance(values=[("loss", 1.0)])
        rest = shown()
    assert " 1/30 [>....." in first and first.endswith("loss: 2.0000") and "\n" not in first
    last = rest.split("\r")[-1]
    assert last.startswith("30/30 [==============================]") and "/picture" in last
    # The mean of thirty steps.
    assert last.rstrip(" \n").endswith("loss: 1.0333") and rest.count("\n") == 1


def test_several_steps_at_once_and_an_end_before_the_last_step(terminal):
    with terminal() as shown:
        with pytest.raises(ZeroDivisionError), progress.stage(None, 500) as advance:
            advance(200)
            assert "200/500" in shown()
            _ = 1 / 0
        # What is printed next begins a line of its own.
        assert shown() == "\n"


@pytest.mark.parametrize("total", [None, 0])
def test_a_terminal_shows_the_title_alone_without_steps(terminal, total):
    with terminal() as shown:
        with progress.stage("traces", total) as advance:
            assert shown() == "traces\n"
            advance()
        assert shown() == ""


def test_a_stage_without_steps_may_contain_one_with_steps(terminal, silence):
    silence(0)
    with terminal() as shown, progress.stage("draws"), progress.stage(None, 1) as advance:
        advance()
        assert shown().split("\n")[0] == "draws"
        assert not timers()


@pytest.mark.parametrize("total", [None, 3])
def test_elsewhere_long_work_is_announced_in_one_line_while_it_goes_on(capsys, silence, total):
    silence(0.01)
    with progress.stage("counts to three", total) as advance:
        for timer in timers():
            timer.join(20)
        assert capsys.readouterr().out == "counts to three\n"
        for _ in range(3):
            advance(values=[("loss", 1.0)])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("interval", "shown"), [
    (0, "  step 10 of 1,200\n  step 1,010 of 1,200\n"), (60, "")])
def test_elsewhere_the_steps_are_a_line_a_minute(capsys, silence, monkeypatch, interval, shown):
    """The last step is the end, which is seen by what follows."""
    silence(100)
    monkeypatch.setattr(progress, "_INTERVAL", interval)
    with progress.stage("learns", 1200) as advance:
        advance(10)
        advance(1000)
        advance(190)
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("fails", [False, True])
def test_elsewhere_short_work_is_silent(capsys, silence, fails):
    silence(0.3)
    try:
        with progress.stage("short", 2) as advance:
            advance(2)
            _ = 1 / (not fails)
    except ZeroDivisionError:
        assert fails
    for timer in timers():
        timer.join()
    assert capsys.readouterr().out == ""


def test_work_that_was_announced_before_stays_silent(capsys, silence):
    silence(0)
    with progress.stage(None, 2):
        for timer in timers():
            timer.join()
    assert capsys.readouterr().out == ""


def test_a_reader_that_has_gone_leaves_no_traceback(silence, monkeypatch):
    """As with `| head`: the command itself meets the error when it prints next."""
    failures = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    reader, writer = os.pipe()
    os.close(reader)
    silence(0)
    with pytest.raises(BrokenPipeError), open(writer, "w") as stdout, contextlib.redirect_stdout(stdout):
        with progress.stage("speaks to nobody"):
            for timer in timers():
                timer.join()
        print("ends")
    assert not failures


def test_no_tensorflow_is_imported_without_a_bar(command, without_tensorflow):
    script = "from eig_tf import progress\nwith progress.stage('works', 3) as advance:\n    advance(3)\n"
    result = command("-c", script, PYTHONPATH=without_tensorflow)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0412, "0.041 s"), (4.12, "4.1 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119.4, "119 s"), (120, "2 min"),
    (780, "13 min"), (7199, "120 min"), (7200, "2.0 h"), (48 * 3600 - 1, "48.0 h"), (50 * 3600, "2.1 days")])
def test_durations_in_a_unit_that_suits_them(seconds, text):
    assert progress.format_seconds(seconds) == text

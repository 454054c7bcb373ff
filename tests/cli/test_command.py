"""What commands share, as seen on one that does nothing."""

import pytest

SCRIPT = """
import sys
from eig_tf.cli import command
from eig_tf.errors import UserError

def main(arguments):
    {body}

command.run_command(main, "Does nothing.", interrupted="stopped early")
"""


@pytest.mark.parametrize(("body", "status", "stdout", "stderr"), [
    ("print('done')", 0, "done\n", ""),
    ("return 3", 3, "", ""),
    ("raise UserError('a.txt is empty; expected text')", 2, "", "error: a.txt is empty; expected text\n"),
    ("raise KeyboardInterrupt", 130, "", "\nstopped early\n"),
    ("print(command.single_argument(arguments, 'RUN_DIR'))", 2, "",
     "error: the arguments are none; expected exactly one, RUN_DIR\n"),
    ("raise BrokenPipeError", 1, "", ""),
    ("print('caf\\udce9')", 0, "caf\\udce9\n", ""),
    ("open('absent/file', 'w')", 2, "", "error: absent/file: No such file or directory; expected a path "
     "that can be read or written\n"),
])
def test_exit_status_and_texts(command, body, status, stdout, stderr):
    result = command("-c", SCRIPT.format(body=body), PYTHONIOENCODING="utf-8:strict")
    assert (result.returncode, result.stdout, result.stderr) == (status, stdout, stderr)


def test_a_bug_is_not_hidden_and_an_unknown_flag_is_one_sentence(command):
    result = command("-c", SCRIPT.format(body="1 / 0"))
    assert result.returncode == 1
    assert "ZeroDivisionError" in result.stderr
    result = command("-c", SCRIPT.format(body="pass"), "--nope")
    assert result.returncode == 2
    assert result.stderr == "error: Unknown command line flag 'nope'; --help lists the flags\n"

def test_no_file_is_an_error(command, repository):
    result = command(repository / "tools" / "summarize.py")
    assert result.returncode == 2
    assert result.stderr == "error: no file is named; expected one or more evaluation.json\n"


def test_missing_file_is_an_error(command, repository):
    result = command(repository / "tools" / "summarize.py", "absent.json")
    assert result.returncode == 2
    assert result.stderr.startswith("error: absent.json: no such file")

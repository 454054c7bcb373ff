"""The examples run as written, but for the number of epochs."""

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("name", "last_line"), [
    ("library", "learned distribution: ["), ("custom_data", "images of each code: ["),
    ("schedule", "temperature at the end: ")])
def test_example_runs(command, repository, name, last_line):
    code = (repository / "examples" / f"{name}.py").read_text(encoding="utf-8")
    for epochs in ("epochs=20", "epochs = 20", "EPOCHS = 20"):
        code = code.replace(epochs, epochs.replace("20", "1"))
    result = command("-c", code)
    assert result.returncode == 0, result.stderr
    assert last_line in result.stdout

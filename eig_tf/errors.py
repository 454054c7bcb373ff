"""The error of bad input, and the exception that ends a training after a signal."""

import re
import signal


class UserError(ValueError):
    """Bad input: one sentence that names the file, field or flag, what was found and what is expected.

    Commands print the sentence and exit with status 2.
    """


class TrainingStopped(BaseException):
    """A signal has ended a training.

    Not an `Exception`, like `KeyboardInterrupt`. Commands print the sentence and exit with the status that
    shells give to the signal: 130 after Ctrl-C, 143 after SIGTERM.

    Args:
        number: of the signal.
        outlook: what is saved, and how to go on.
    """

    def __init__(self, number: int, outlook: str) -> None:
        name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        super().__init__(f"stopped by {name}; {outlook}")
        self.status = 128 + number


def write_failure(error: Exception) -> str:
    """Return why a file could not be written, from an `OSError` or an error of TensorFlow's file systems."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # "{{function_node NAME}} PATH; No space left on device [Op:SaveV2]"
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", " ".join(str(error).split()))
    return text.rpartition("; ")[2].strip()[-200:]

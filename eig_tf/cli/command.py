"""What every command shares: flag errors, user errors, a quiet start, exit statuses."""

from __future__ import annotations

import errno
import io
import logging
import os
import sys
from pathlib import Path
from typing import Any, Callable

from absl import flags

from eig_tf.errors import TrainingStopped, UserError


def run_command(main: Callable[[list[str]], Any], description: str | None,
                prepare: Callable[[list[str]], str] | None = None, interrupted: str = "interrupted") -> None:
    """Run a command and exit: 0 done, 2 bad input in one sentence on stderr, 130 or 143 stopped by a signal.

    Args:
        main: called with the positional arguments.
        description: the help text, shown above the flags.
        prepare: called with the command line before it is parsed; may define further flags and returns
            what the help text says of them.
        interrupted: the sentence after Ctrl-C.
    """
    silence_startup()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As Python does for stderr: file names need not be UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        arguments = _parse(sys.argv, description, prepare)
        status = main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has gone; Python must not try to write to it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except OSError as error:
        if error.filename is None and error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        where = error.filename or "the file being written"
        print(f"error: {where}: {error.strerror}; expected a path that can be read or written",
              file=sys.stderr)
        status = 2
    except TrainingStopped as stop:
        print(f"\n{stop}", file=sys.stderr)
        status = stop.status
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        status = 130
    sys.exit(status)


def silence_startup() -> None:
    """Silence the start-up messages of TensorFlow and oneDNN; variables that are set are respected."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def _parse(argv, description, prepare):
    flags.DEFINE_bool("help", False, "show this text", short_name="h")
    try:
        more_help = prepare(argv) if prepare else ""
        arguments = flags.FLAGS(argv)[1:]
    except UserError:
        raise
    except (flags.Error, AttributeError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{' '.join(str(error).split())}; --help lists the flags") from None
    if flags.FLAGS.help:
        print(f"{description}\nflags:\n{flags.FLAGS.main_module_help()}\n{more_help}", flush=True)
        sys.exit(0)
    for name in flags.FLAGS:
        # A shell variable that is not set would otherwise mean the default or this directory.
        flag = flags.FLAGS[name]
        is_path = name.endswith(("dir", "_root")) or name in ("images", "output")
        if is_path and flag.present and flag.value == "":
            raise UserError(f"--{name} is empty; expected a path, or no such flag")
    return arguments


def run_directory_argument(arguments: list[str]) -> Path:
    """Return the path of the run directory that is a command's one positional argument.

    Raises:
        UserError: there is none, more than one, or no such directory.
    """
    run_dir = Path(single_argument(arguments, "RUN_DIR"))
    if not run_dir.is_dir():
        raise UserError(f"{run_dir} is not a directory; expected a run directory that eig_tf.train wrote")
    return run_dir


def check_output_place(output: str | os.PathLike, place: Path, what: str = "file") -> None:
    """Raise a `UserError` unless the `what` that --output names can be made in a directory.

    Args:
        output: the flag's value.
        place: the directory.
        what: `file` or `directory`.
    """
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"--output is {str(output)!r}, but {str(place)!r} is not a directory that can be "
                        f"written; expected a {what} in one")


def single_argument(arguments: list[str], name: str) -> str:
    """Return the one positional argument of a command.

    Raises:
        UserError: there is none, or more than one.
    """
    if len(arguments) != 1:
        found = " ".join(arguments) or "none"
        raise UserError(f"the arguments are {found}; expected exactly one, {name}")
    return arguments[0]

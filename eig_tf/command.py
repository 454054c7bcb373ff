"""What every command shares: flag errors, user errors, a quiet start, exit statuses."""

import logging
import os
import sys
import warnings

from absl import flags

from eig_tf.errors import UserError


def run(main, description, argv=None, prepare=None, interrupted="interrupted"):
    """Runs a command and exits: 0 done, 2 bad input in one sentence on stderr, 130 interrupted.

    Args:
        main: called with the positional arguments.
        description: the help text, shown above the flags.
        argv: the command line, `sys.argv` when None.
        prepare: called with the command line before it is parsed; may define further flags and
            returns what the help text says of them.
        interrupted: what is said after Ctrl-C.
    """
    argv = sys.argv if argv is None else argv
    quiet_start()
    try:
        arguments = _parse(argv, description, prepare)
        status = main(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print(f"\n{interrupted}", file=sys.stderr)
        status = 130
    sys.exit(status)


def quiet_start():
    """Silences the start-up noise of TensorFlow, oneDNN and addons; set variables are respected."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=UserWarning, module="tensorflow_addons")


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
        print(f"{description}\nflags:\n{flags.FLAGS.main_module_help()}\n{more_help}")
        sys.exit(0)
    return arguments


def single_argument(arguments, name):
    """The one positional argument that a command takes.

    Raises:
        UserError: there is none, or more than one.
    """
    if len(arguments) != 1:
        found = " ".join(arguments) or "none"
        raise UserError(f"the arguments are {found}; expected exactly one, {name}")
    return arguments[0]


def default_cache_dir():
    """`$XDG_CACHE_HOME/eig_tf`, or `~/.cache/eig_tf`."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache"), "eig_tf")

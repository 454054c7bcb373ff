"""Become a command that the system kills when its parent dies.

    python -m eig_tf.sweeps.bound_process PARENT COMMAND...

PARENT is the parent's process id. A training that outlives the Ray worker that started it would hold the lock
of its run directory, and the next attempt would be refused. On systems other than Linux, COMMAND just runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Ask for SIGKILL at the parent's death, then replace this process by the command."""
    parent, *command = arguments
    # A system without prctl has no such symbol.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died before.
    if os.getppid() != int(parent):
        sys.exit(128 + signal.SIGKILL)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])

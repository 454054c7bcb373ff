"""The progress of work that takes long: a bar on a terminal, a line a minute elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

# Seconds that work may take in silence where no terminal shows a bar.
_SILENCE = 2.0
# Seconds between two lines there.
_INTERVAL = 60.0


def format_seconds(seconds: float) -> str:
    """Return a duration in a unit that suits it: `0.41 s`, `95 s`, `13 min`, `5.2 h`, `3.1 days`."""
    if seconds < 120:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    if seconds < 120 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


def on_terminal() -> bool:
    """Return whether stdout is a terminal, which can show a bar."""
    return sys.stdout.isatty()


@contextlib.contextmanager
def stage(title: str | None, total: int | None = None, unit: str = "step") -> Iterator[Callable[..., None]]:
    """Show the progress of the work in a `with` block.

    A terminal shows the title, and a bar below it if there are steps. Elsewhere the title is printed when the
    work has lasted two seconds, and the number of steps every minute; shorter work prints nothing. A stage
    with steps must not contain another stage or print anything, which would break its bar.

    Args:
        title: what is done, such as `encodes 1,000 images`; None when that was printed before.
        total: number of steps; None, or 0, for work without any.
        unit: what a step is.

    Yields:
        (steps=1, values=None) -> None, to be called when so many more steps are done. `values` are pairs of
        a name and a number; the bar shows their means.
    """
    if on_terminal():
        _announce(title)
        with _bar(total, unit) if total else contextlib.nullcontext(_ignore) as advance:
            yield advance
        return
    timer = threading.Timer(_SILENCE, _announce, [title])
    # A command that fails does not wait for it.
    timer.daemon = True
    timer.start()
    try:
        yield _lines(total, unit) if total else _ignore
    finally:
        timer.cancel()


@contextlib.contextmanager
def _bar(total, unit):
    # TensorFlow takes seconds to import, which commands without a bar need not wait for.
    from tensorflow import keras
    bar = keras.utils.Progbar(total, unit_name=unit)
    done = 0

    def advance(steps=1, values=None):
        nonlocal done
        done += steps
        bar.update(done, values)

    try:
        yield advance
    finally:
        # Keras ends the line of a full bar only.
        if 0 < done < total:
            print(flush=True)


def _lines(total, unit):
    done, printed = 0, time.monotonic()

    def advance(steps=1, values=None):
        nonlocal done, printed
        done += steps
        if time.monotonic() - printed >= _INTERVAL and done < total:
            printed = time.monotonic()
            _announce(f"  {unit} {done:,} of {total:,}")

    return advance


def _ignore(steps=1, values=None):
    pass


def _announce(title):
    # On the timer's thread an error would be a traceback; the command meets it again when it prints next.
    with contextlib.suppress(OSError):
        if title is not None:
            print(title, flush=True)

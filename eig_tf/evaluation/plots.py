"""Drawing and writing the figures of a run directory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from eig_tf import files, progress
from eig_tf.errors import UserError
from eig_tf.evaluation.run_figures import FIGURES, FigureOptions, PlottedRun
from eig_tf.figures.page import figure_style, save_figure

_SMALL_COLOURS = 128


def plot_run(run_dir: str | os.PathLike, output: str | os.PathLike, options: FigureOptions,
             names: Sequence[str] | None = None, data_dir: str | None = None, cache_dir: str | None = None,
             formats: Sequence[str] = ("png",)) -> tuple[list[Path], list[str]]:
    """Draw figures of a run's last checkpoint, and write all or none of them.

    Args:
        run_dir: the run directory.
        output: directory of the figures; its parent must exist.
        options: how the figures look.
        names: names of figures; None for all.
        data_dir: directory of the run's data set; that of the training if None.
        cache_dir: directory of decoded data sets; the user's cache directory if None.
        formats: suffixes of the files, `png` and `pdf`.

    Returns:
        The paths that were written, and sentences on what is missing or old.

    Raises:
        UserError: a figure or code does not exist, or the run or its data cannot be loaded.
        OSError: a file cannot be written.
    """
    names = list(FIGURES) if names is None else names
    if not names:
        raise UserError(f"--figures is empty; expected some of {', '.join(FIGURES)}")
    for name in names:
        if name not in FIGURES:
            raise UserError(f"--figures has {name!r}; expected some of {', '.join(FIGURES)}")
    run = PlottedRun(run_dir, options, data_dir, cache_dir)
    figures = {}
    with figure_style():
        for name in names:
            with progress.stage(f"draws {name}"):
                drawn = FIGURES[name](run)
            figures.update({name: drawn} if isinstance(drawn, Figure) else drawn or {})
        return save_figures(figures, output, formats, _SMALL_COLOURS if options.small else None), run.notes


def save_figures(figures: dict[str, Figure], output: str | os.PathLike, formats: Sequence[str],
                 colours: int | None = None) -> list[Path]:
    """Write figures, all or none of them, and return their paths.

    Args:
        figures: figures by the stems of their files.
        output: the directory, which is made if it is missing.
        formats: suffixes of the files.
        colours: see `save_figure`.

    Raises:
        UserError: a directory is in the place of a file.
    """
    output = Path(output)
    paths = {output / f"{name}.{suffix}": figure for name, figure in figures.items() for suffix in formats}
    for path in paths:
        if path.is_dir():
            raise UserError(f"{path} is a directory; expected a file or nothing")
    made = not output.is_dir()
    output.mkdir(exist_ok=True)
    try:
        with progress.stage(f"writes {len(paths)} files"), contextlib.ExitStack() as stack:
            for path, figure in paths.items():
                save_figure(figure, stack.enter_context(files.replacing(path)), colours)
    except BaseException:
        if made:
            output.rmdir()
        raise
    return list(paths)

"""Render OBJ meshes into the tree that --dataset=shapenet reads: DIR/<category>/<instance>/NNN.png.

    python tools/render_shapenet.py ShapeNetCore.v2 --output=DIR --categories=car,airplane,bowl,can,rifle
    python tools/render_shapenet.py my_meshes --output=DIR --views=30 --image_size=64

The meshes are ShapeNetCore v1 or v2, or any tree whose top folders are categories. No display is needed.
Existing renders are kept: the same command resumes after an interruption. Meshes that cannot be rendered are
named and left out.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError

if TYPE_CHECKING:
    from eig_tf.rendering import render

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "directory of the renders")
flags.DEFINE_string("categories", "", "names or synset ids of the folders to render, such as car,02691156; "
                    "all when empty")
flags.DEFINE_integer("instances", None, "largest number of meshes for each category, the first by name; all "
                     "when absent", lower_bound=1)
flags.DEFINE_integer("views", 30, "renders of each mesh", lower_bound=1, upper_bound=1000)
flags.DEFINE_integer("image_size", 64, "side of the renders in pixels", lower_bound=8, upper_bound=1024)
flags.DEFINE_list("elevation", ["0", "45"], "lowest and highest elevation of the camera above the horizontal "
                  "plane, in degrees")
flags.DEFINE_enum("up", "y", ["y", "z"], "axis of the meshes that points up; y in ShapeNetCore")
flags.DEFINE_integer("seed", 0, "seed of the camera's directions", lower_bound=0)
flags.DEFINE_integer("processes", len(os.sched_getaffinity(0)), "number of processes, one mesh in each",
                     lower_bound=1)
flags.DEFINE_float("time_limit", 300, "seconds for one mesh, after which it is left out", lower_bound=1)


def parse_elevation(values: list[str]) -> tuple[float, float]:
    """Return the two angles of --elevation; raise a `UserError` when they are invalid."""
    try:
        lowest, highest = map(float, values)
        if not -90 <= lowest <= highest <= 90:  # The comparison is written so that NaN fails too.
            raise ValueError
    except ValueError:
        raise UserError(f"--elevation is {','.join(values)}; expected two angles from -90 to 90, the lower "
                        "one first, such as 0,45") from None
    return lowest, highest


class Progress:
    """Prints the progress: in one line on a terminal, every half minute elsewhere."""

    def __init__(self, num_meshes: int) -> None:
        self._num, self._done, self._renders, self._bad = num_meshes, 0, 0, 0
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stdout.isatty()

    def add(self, outcome: render.Outcome) -> None:
        """Count one mesh, and print its problem or its warning at once."""
        self._done, self._renders = self._done + 1, self._renders + outcome.num_renders
        if outcome.problem:
            self._bad += 1
            self._say(f"left out: {outcome.mesh.path}: {outcome.problem}")
        elif outcome.warnings:
            more = f" (and {len(outcome.warnings) - 1} more)" if len(outcome.warnings) > 1 else ""
            self._say(f"warning: {outcome.mesh.path}: {outcome.warnings[0]}{more}")
        now = time.monotonic()
        if now - self._shown > (0.2 if self._terminal else 30):
            self._shown = now
            print(self.line(), end="\r" if self._terminal else "\n", flush=True)

    def line(self) -> str:
        """Return the counts so far."""
        rate = self._renders / max(time.monotonic() - self._start, 1e-9)
        return (f"{self._done} of {self._num} meshes, {self._renders} renders ({rate:.0f} per second), "
                f"{self._bad} left out")

    def _say(self, text):
        print(f"{' ' * 79}\r{text}" if self._terminal else text, flush=True)


def main(arguments: list[str]) -> None:
    """Render the meshes that the flags describe."""
    mesh_dir = Path(command.single_argument(arguments, "MESH_DIR"))
    elevation = parse_elevation(FLAGS.elevation)
    if FLAGS.output is None:
        raise UserError("--output is missing; expected the directory of the renders")
    if not mesh_dir.is_dir():
        raise UserError(f"MESH_DIR is {str(mesh_dir)!r}, which is no directory; expected a "
                        "directory of OBJ files")
    # --help and errors in flags need not wait for these imports.
    from eig_tf.rendering import meshes as meshes_lib
    from eig_tf.rendering import render
    meshes = meshes_lib.find_meshes(mesh_dir, FLAGS.categories, FLAGS.instances)
    output = Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    settings = render.RenderSettings(FLAGS.image_size, FLAGS.seed, elevation, FLAGS.up)
    tasks = render.unfinished_tasks(meshes, output, FLAGS.views)
    print(f"{len(meshes)} meshes below {mesh_dir}, {len(meshes) - len(tasks)} of them already finished")
    progress, problems = Progress(len(tasks)), []
    for outcome in render.render_all(tasks, output, settings, FLAGS.processes, FLAGS.time_limit):
        progress.add(outcome)
        problems += [outcome.problem] if outcome.problem else []
    print(progress.line())
    if len(problems) == len(meshes):
        raise UserError(f"none of the {len(meshes)} meshes below {mesh_dir} could be rendered; the "
                        f"problem of the last one: {problems[-1]}")
    print(f"renders        {output}")


if __name__ == "__main__":
    command.run_command(main, __doc__, interrupted="interrupted; the same command resumes")

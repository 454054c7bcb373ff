"""Renders OBJ meshes into the tree that --dataset=shapenet reads: DIR/<category>/<instance>/NNN.png.

    python tools/render_shapenet.py ShapeNetCore.v2 --output=DIR --categories=car,airplane,bowl,can,rifle
    python tools/render_shapenet.py my_meshes --output=DIR --views=30 --image_size=64

Takes ShapeNetCore of version 1 or 2, or any tree whose top folders are categories. Needs no display. Views
that exist already are kept: the same command goes on where it was stopped. Meshes that cannot be drawn are
named and left out.
"""

import os
import sys
import time
from pathlib import Path

from absl import flags

from eig_tf.cli import command
from eig_tf.errors import UserError

FLAGS = flags.FLAGS

flags.DEFINE_string("output", None, "directory of the pictures")
flags.DEFINE_string("categories", "", "names or synset ids of the folders to render, such as car,02691156; "
                    "all when empty")
flags.DEFINE_integer("instances", None, "meshes of each category, at most; the first by name", lower_bound=1)
flags.DEFINE_integer("views", 30, "pictures of each mesh", lower_bound=1, upper_bound=1000)
flags.DEFINE_integer("image_size", 64, "side of the pictures, pixels", lower_bound=8, upper_bound=1024)
flags.DEFINE_list("elevation", ["0", "45"], "lowest and highest angle of view above the horizontal plane, "
                  "degrees")
flags.DEFINE_enum("up", "y", ["y", "z"], "axis of the meshes that points up; y in ShapeNetCore")
flags.DEFINE_integer("seed", 0, "of the directions of view", lower_bound=0)
flags.DEFINE_integer("processes", len(os.sched_getaffinity(0)), "meshes drawn at once", lower_bound=1)
flags.DEFINE_float("time_limit", 300, "seconds for one mesh, after which it is left out", lower_bound=1)


def parse_elevation(values):
    """The two angles of --elevation; a `UserError` when they are none."""
    try:
        lowest, highest = map(float, values)
        if not -90 <= lowest <= highest <= 90:  # Written so that NaN fails too.
            raise ValueError
    except ValueError:
        raise UserError(f"--elevation is {','.join(values)}; expected two angles from -90 to 90, the lower "
                        "one first, such as 0,45") from None
    return lowest, highest


class Progress:
    """Tells how far it is: in one line on a terminal, every half minute elsewhere."""

    def __init__(self, num_meshes):
        self._num, self._done, self._views, self._bad = num_meshes, 0, 0, 0
        self._start = self._shown = time.monotonic()
        self._terminal = sys.stdout.isatty()

    def add(self, outcome):
        """Counts one mesh, and says at once what is wrong with it."""
        self._done, self._views = self._done + 1, self._views + outcome.num_views
        if outcome.problem:
            self._bad += 1
            self._say(f"left out: {outcome.mesh.path}: {outcome.problem}")
        elif outcome.warnings:
            more = f" (and {len(outcome.warnings) - 1} more)" if len(outcome.warnings) > 1 else ""
            self._say(f"drawn, but: {outcome.mesh.path}: {outcome.warnings[0]}{more}")
        now = time.monotonic()
        if now - self._shown > (0.2 if self._terminal else 30):
            self._shown = now
            print(self.line(), end="\r" if self._terminal else "\n", flush=True)

    def line(self):
        """The counts so far."""
        rate = self._views / max(time.monotonic() - self._start, 1e-9)
        return (f"{self._done} of {self._num} meshes, {self._views} views ({rate:.0f} a second), "
                f"{self._bad} left out")

    def _say(self, text):
        print(f"{' ' * 79}\r{text}" if self._terminal else text, flush=True)


def main(arguments):
    """Renders what the flags describe; 0 when there are renders at the end."""
    mesh_dir = Path(command.single_argument(arguments, "MESH_DIR"))
    elevation = parse_elevation(FLAGS.elevation)
    if FLAGS.output is None:
        raise UserError("--output is missing; expected the directory of the pictures")
    if not mesh_dir.is_dir():
        raise UserError(f"MESH_DIR is {str(mesh_dir)!r}, which is no directory; expected one of OBJ files")
    # numpy and Pillow, which --help and flag errors need not wait for.
    from eig_tf.rendering import meshes as meshes_lib
    from eig_tf.rendering import render
    meshes = meshes_lib.find_meshes(mesh_dir, FLAGS.categories, FLAGS.instances)
    output = Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    settings = render.Settings(FLAGS.image_size, FLAGS.seed, elevation, FLAGS.up)
    tasks = render.unfinished(meshes, output, FLAGS.views)
    print(f"{len(meshes)} meshes below {mesh_dir}, {len(meshes) - len(tasks)} of them finished already")
    progress, problems = Progress(len(tasks)), []
    for outcome in render.render_all(tasks, output, settings, FLAGS.processes, FLAGS.time_limit):
        progress.add(outcome)
        problems += [outcome.problem] if outcome.problem else []
    print(progress.line())
    if len(problems) == len(meshes):
        raise UserError(f"none of the {len(meshes)} meshes below {mesh_dir} could be drawn, the last one "
                        f"because: {problems[-1]}")
    print(f"renders        {output}")
    return 0


if __name__ == "__main__":
    command.run(main, __doc__, interrupted="interrupted; the same command goes on from here")

"""Rendering of many meshes into folders of images: finished renders are kept, bad meshes are left out."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.rendering.camera import draw_directions
from eig_tf.rendering.meshes import Mesh

SETTINGS_FILE = "render.json"


class RenderSettings(NamedTuple):
    """Settings that decide what a render looks like.

    Attributes:
        image_size: S, side of the images in pixels.
        seed: seed of the directions.
        elevation: (lowest, highest) in degrees above the horizontal plane.
        up: `y` or `z`, the axis of the meshes that points up.
    """

    image_size: int
    seed: int
    elevation: tuple[float, float]
    up: str


class Outcome(NamedTuple):
    """The result of rendering one mesh.

    Attributes:
        mesh: the mesh.
        num_renders: number of images that were written.
        problem: the reason why there are none; empty when there are.
        warnings: problems of a mesh that was rendered all the same.
    """

    mesh: Mesh
    num_renders: int
    problem: str = ""
    warnings: tuple[str, ...] = ()


def unfinished_tasks(meshes: Sequence[Mesh], output: Path, num_renders: int) -> list[tuple[Mesh, list[int]]]:
    """Return each mesh that lacks renders with the numbers of the missing ones."""
    tasks = []
    for mesh in meshes:
        folder = output / mesh.name
        existing = set(os.listdir(folder)) if folder.is_dir() else set()
        missing = [number for number in range(num_renders) if _file_name(number) not in existing]
        tasks += [(mesh, missing)] if missing else []
    return tasks


def render_all(tasks: Sequence[tuple[Mesh, list[int]]], output: Path, settings: RenderSettings,
               processes: int, time_limit: float) -> Iterator[Outcome]:
    """Render meshes into `<output>/<category>/<instance>/NNN.png`, RGBA with a transparent background.

    Args:
        tasks: see `unfinished_tasks`.
        output: an existing directory.
        settings: the same for all runs into a directory.
        processes: the largest number of processes.
        time_limit: seconds that a mesh may take.

    Yields:
        `Outcome`s, in order of completion.

    Raises:
        UserError: the `render` extra is missing, VTK cannot render on this machine, or the directory holds
            renders of other settings.
        OSError: an image cannot be written.
    """
    if any(importlib.util.find_spec(name) is None for name in ("vtkmodules", "pebble")):
        raise UserError("rendering needs VTK and pebble, which are not installed; expected pip install "
                        "'eig_tf[render]'")
    from eig_tf.rendering import workers
    _check_settings(settings, output / SETTINGS_FILE)
    make_handler = functools.partial(_make_handler, output, settings)
    try:
        for (mesh, _), result in workers.run_tasks(tasks, make_handler, processes, time_limit):
            if not isinstance(result, workers.Failure):
                yield result
            elif isinstance(result.error, OSError):
                raise result.error
            else:
                yield Outcome(mesh, 0, result.reason)
    except workers.StartError as error:
        raise UserError(f"VTK cannot render on this machine ({error}); expected VTK 9.4 or later, with "
                        "libEGL or libOSMesa where there is no display (Debian: libegl1 and libgl1-mesa-dri)"
                        ) from None


def _file_name(number):
    return f"{number:03d}.png"


def _check_settings(settings, path):
    """Save the settings, or check that they are the saved ones: a directory has one kind of renders."""
    current = json.loads(json.dumps(settings._asdict()))
    if not path.exists():
        files.write_json(current, path)
        return
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        changed = [f"{name} {saved[name]}, now {value}" for name, value in current.items()
                   if saved[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}); expected the settings of earlier "
                        "renders, or another --output") from None
    if changed:
        raise UserError(f"{path.parent} holds renders of other settings: {'; '.join(changed)}; expected the "
                        "same settings or another --output")


def _make_handler(output, settings):
    """Return the function that renders the missing images of one mesh; called in a worker process."""
    # A process uses one core: several Mesa threads in each process would compete for the cores.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    from eig_tf.rendering.renderer import MeshError, Renderer
    renderer = Renderer(settings.image_size, settings.up)
    renderer.render(0, 0)  # A machine that cannot render fails here, not at each mesh.

    def handle(task):
        mesh, numbers = task
        try:
            warnings = renderer.load(mesh.path)
            directions = draw_directions(settings.seed, mesh.name, max(numbers) + 1, settings.elevation)
            images = [renderer.render(*directions[number]) for number in numbers]
            if not any(np.any(image) for image in images):
                raise MeshError("nothing of it is visible")
        except MeshError as error:
            return Outcome(mesh, 0, str(error))
        folder = output / mesh.name
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in zip(numbers, images):
            with files.replacing(folder / _file_name(number)) as temporary:
                Image.fromarray(image, "RGBA").save(temporary)
        return Outcome(mesh, len(numbers), warnings=tuple(warnings))
    return handle

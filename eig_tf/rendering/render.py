"""Meshes to folders of views: what is finished stays, what cannot be drawn is told and left out."""

import functools
import importlib.util
import json
import os
from pathlib import Path
from typing import NamedTuple, Tuple

import numpy as np
from PIL import Image

from eig_tf import files
from eig_tf.errors import UserError
from eig_tf.rendering import views, workers

INFO = "render.json"


class Settings(NamedTuple):
    """What decides how a view looks.

    Attributes:
        image_size: S, side of the pictures, pixels.
        seed: of the directions.
        elevation: (lowest, highest), degrees above the horizontal plane.
        up: `y` or `z`, the axis of the meshes that points up.
    """

    image_size: int
    seed: int
    elevation: Tuple[float, float]
    up: str


class Outcome(NamedTuple):
    """What became of one mesh.

    Attributes:
        mesh: a `meshes.Mesh`.
        num_views: views that were drawn.
        problem: why there are none; empty when there are.
        warnings: what is amiss with the mesh that was drawn, sentences.
    """

    mesh: object
    num_views: int
    problem: str = ""
    warnings: Tuple[str, ...] = ()


def unfinished(meshes, output, num_views):
    """What is left to do: (mesh, numbers of the views that do not exist yet) of each mesh with such views."""
    tasks = [(mesh, _missing_views(output / mesh.name, num_views)) for mesh in meshes]
    return [(mesh, numbers) for mesh, numbers in tasks if numbers]


def render_all(tasks, output, settings, processes, time_limit):
    """Draws views into `<output>/<category>/<instance>/NNN.png`, RGBA with a transparent background.

    Args:
        tasks: see `unfinished`.
        output: `Path` of the directory, which exists.
        settings: `Settings`, as in the runs before into the same directory.
        processes: how many draw at once.
        time_limit: seconds a mesh may take.

    Yields:
        `Outcome`s, in the order in which they end.

    Raises:
        UserError: VTK is missing or cannot draw here, or the directory holds views of other settings.
        OSError: a picture cannot be written.
    """
    if importlib.util.find_spec("vtkmodules") is None:
        raise UserError("rendering needs VTK, which is not installed; expected pip install 'eig_tf[render]'")
    _check_settings(settings, output / INFO)
    make = functools.partial(_make_handler, output, settings)
    try:
        for (mesh, _), result in workers.run(tasks, make, processes, time_limit):
            if not isinstance(result, workers.Failure):
                yield result
            elif isinstance(result.error, OSError):
                raise result.error
            else:
                yield Outcome(mesh, 0, result.reason)
    except workers.StartError as error:
        raise UserError(f"VTK cannot draw on this machine ({error}); expected VTK 9.4 or later, with libEGL "
                        "or libOSMesa where there is no display (Debian: libegl1 and libgl1-mesa-dri)"
                        ) from None


def _missing_views(folder, num_views):
    there = set(os.listdir(folder)) if folder.is_dir() else ()
    return [number for number in range(num_views) if _file_name(number) not in there]


def _file_name(number):
    return f"{number:03d}.png"


def _check_settings(settings, path):
    """Keeps views of two sizes, seeds or ranges from being mixed in one directory."""
    current = json.loads(json.dumps(settings._asdict()))
    if not path.exists():
        files.write_json(current, path)
        return
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        changed = [f"{name} {saved[name]}, now {value}" for name, value in current.items()
                   if saved[name] != value]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not what rendering writes: {type(error).__name__}; expected another "
                        "--output") from None
    if changed:
        raise UserError(f"{path.parent} holds views of other settings: {'; '.join(changed)}; expected the "
                        "same settings or another --output")


def _make_handler(output, settings):
    """The function that draws one mesh; it runs in a process of its own."""
    # One process draws on one core: several of Mesa's threads for each would stand in each other's way.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    from eig_tf.rendering.renderer import MeshError, Renderer
    renderer = Renderer(settings.image_size, settings.up)
    renderer.render(0, 0)  # Fails here, rather than at each mesh, where there is nothing to draw with.

    def handle(task):
        mesh, numbers = task
        try:
            warnings = renderer.load(mesh.path)
            directions = views.draw_directions(settings.seed, mesh.name, max(numbers) + 1, settings.elevation)
            pictures = [renderer.render(*directions[number]) for number in numbers]
            if not any(np.any(picture) for picture in pictures):
                raise MeshError("nothing of it can be seen")
        except MeshError as error:
            return Outcome(mesh, 0, str(error))
        folder = Path(output, mesh.name)
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in zip(numbers, pictures):
            with files.replacing(folder / _file_name(number)) as temporary:
                Image.fromarray(picture, "RGBA").save(temporary)
        return Outcome(mesh, len(numbers), warnings=tuple(warnings))
    return handle

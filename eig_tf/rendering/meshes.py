"""The OBJ files below a directory, each with its category and instance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from eig_tf.data import synsets
from eig_tf.data.names import files_below
from eig_tf.errors import UserError

_FLAG = "--categories"
# Path parts below a model's folder in ShapeNetCore: v1 model.obj, v2 models/model_normalized.obj.
_SHAPENET_NAMES = ("model", "model_normalized", "models")


class Mesh(NamedTuple):
    """One OBJ file.

    Attributes:
        path: the file.
        category: folder of the renders of its category.
        instance: folder of its renders inside that; unique there.
    """

    path: Path
    category: str
    instance: str

    @property
    def name(self) -> str:
        """Return `category/instance`."""
        return f"{self.category}/{self.instance}"


def find_meshes(directory: Path, categories: str = "", max_instances: int | None = None) -> list[Mesh]:
    """Find the OBJ files of ShapeNetCore v1 or v2, of one of its categories, or of any other tree.

    The first folder below `directory` is the category. The rest of the path, joined by `_`, is the
    instance, without ShapeNetCore's own `models/model_normalized.obj` and `model.obj`. Files directly in
    `directory` are instances of a category that has the directory's name.

    Args:
        directory: the tree.
        categories: folders to take, see `synsets.resolve`; all when empty.
        max_instances: the largest number of meshes for each category, the first by name; all when None.

    Returns:
        `Mesh`es, sorted by name.

    Raises:
        UserError: there are no meshes, a category is missing, or two files would be the same instance.
    """
    starts = [directory]
    if categories:
        folders = sorted(path.name for path in directory.iterdir() if path.is_dir())
        chosen, missing = synsets.resolve(categories, folders, _FLAG)
        if missing:
            raise UserError(f"{directory} lacks the categories {', '.join(missing)} of {_FLAG}; it holds the "
                            f"folders {', '.join(map(synsets.title, folders)) or 'none'}")
        starts = [directory / folder for folder in chosen.values()]
    paths = [Path(file) for start in starts for file in files_below(start)
             if file.lower().endswith(".obj")]
    by_name: dict[str, Mesh] = {}
    for mesh in (_identify_mesh(directory, path) for path in paths):
        other = by_name.setdefault(mesh.name, mesh)
        if other is not mesh:
            raise UserError(f"{other.path} and {mesh.path} would both be rendered into {mesh.name}; expected "
                            "files whose paths differ by more than _ and /")
    if not by_name:
        raise UserError(f"{directory} holds no OBJ files; expected ShapeNetCore's folders or other meshes "
                        "named *.obj")
    counts: Counter[str] = Counter()
    kept = []
    for _, mesh in sorted(by_name.items()):
        counts[mesh.category] += 1
        if max_instances is None or counts[mesh.category] <= max_instances:
            kept.append(mesh)
    return kept


def _identify_mesh(directory, path):
    parts = list(path.relative_to(directory).with_suffix("").parts)
    while len(parts) > 1 and parts[-1] in _SHAPENET_NAMES:
        parts.pop()
    if len(parts) == 1:
        return Mesh(path, directory.resolve().name, parts[0])
    return Mesh(path, parts[0], "_".join(parts[1:]))

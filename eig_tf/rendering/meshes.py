"""The OBJ files of a tree, and which category and object each one is."""

from pathlib import Path
from typing import NamedTuple

from eig_tf.data import trees
from eig_tf.data.loaders import synsets
from eig_tf.errors import UserError

FLAG = "--categories"
# ShapeNetCore's names below the folder of a model: v1 model.obj, v2 models/model_normalized.obj.
_FILE_NAMES = ("model", "model_normalized")
_FOLDER_NAME = "models"


class Mesh(NamedTuple):
    """One OBJ file.

    Attributes:
        path: where it lies.
        category: the folder of its renders' category.
        instance: the folder of its renders in that; unique there.
    """

    path: Path
    category: str
    instance: str

    @property
    def name(self):
        """`category/instance`."""
        return f"{self.category}/{self.instance}"


def find_meshes(directory, categories="", max_instances=None):
    """Finds OBJ files: ShapeNetCore of either version, one category of it, or any tree or flat folder.

    The first folder below `directory` is the category, the rest of the path the instance, joined by _;
    ShapeNetCore's own `models/model_normalized.obj` and `model.obj` are left out of it. Files that lie in
    no folder are instances of a category named like `directory`.

    Args:
        directory: `Path` of the tree.
        categories: which of its folders are taken, see `synsets.parse`; all when empty.
        max_instances: meshes a category at most, the first by name; all when None.

    Returns:
        `Mesh`es, sorted by name.

    Raises:
        UserError: there are none, a category is missing, or two files would be the same instance.
    """
    starts = [directory]
    if categories:
        folders = sorted(path.name for path in directory.iterdir() if path.is_dir())
        chosen, missing = synsets.resolve(categories, folders, FLAG)
        if missing:
            raise UserError(f"{directory} lacks the categories {', '.join(missing)} of {FLAG}; it holds the "
                            f"folders {', '.join(map(synsets.title, folders)) or 'none'}")
        starts = [directory / folder for folder in chosen.values()]
    paths = [Path(file) for start in starts for file in trees.files_below(start)
             if file.lower().endswith(".obj")]
    by_name = {}
    for mesh in (_identify(directory, path) for path in paths):
        other = by_name.setdefault(mesh.name, mesh)
        if other is not mesh:
            raise UserError(f"{other.path} and {mesh.path} would both be rendered into {mesh.name}; expected "
                            "files whose paths differ by more than _ and /")
    if not by_name:
        raise UserError(f"{directory} holds no OBJ files; expected ShapeNetCore's folders or other meshes "
                        "named *.obj")
    return _first([by_name[name] for name in sorted(by_name)], max_instances)


def _identify(directory, path):
    parts = list(path.relative_to(directory).with_suffix("").parts)
    while len(parts) > 1 and (parts[-1] in _FILE_NAMES or parts[-1] == _FOLDER_NAME):
        parts.pop()
    if len(parts) == 1:
        return Mesh(path, directory.resolve().name, parts[0])
    return Mesh(path, parts[0], "_".join(parts[1:]))


def _first(meshes, max_instances):
    counts, kept = {}, []
    for mesh in meshes:
        counts[mesh.category] = counts.get(mesh.category, 0) + 1
        if max_instances is None or counts[mesh.category] <= max_instances:
            kept.append(mesh)
    return kept

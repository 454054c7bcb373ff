"""3D Chairs: `rendered_chairs/<id>/renders/*.png`, one folder a chair with its 62 views (section 4)."""

import math
from pathlib import Path

from PIL import Image, ImageOps

from eig_tf.data import pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.loaders import class_sets
from eig_tf.errors import UserError

ROOT = "rendered_chairs"
NUM_VIEWS = 62
# Folders of the published archive, which has been counted differently; the paper says 1,396.
NUM_ORIGINAL = 1393
# 400 of the originals' 600 pixels, as others cut them too.
CROP_SHARE = 2 / 3
_NAMED = 3


def list_files(directory, config):
    """Lists the views of the chairs of a class set.

    Args:
        directory: `Path` of `rendered_chairs` or of the directory that holds it.
        config: see `eig_tf.config`; its `data` and its seed count.

    Returns:
        A `Listing` with one class a chair, named by its id, `0965`; see `chair_folders`.

    Raises:
        UserError: there are no chairs, the class set does not go with them, or a chosen one has no views.
    """
    folders = chair_folders(directory)
    if not folders:
        raise UserError(f"{directory} holds no folders <id>/renders; expected those of 3D Chairs, see "
                        "docs/datasets.md")
    chosen = class_sets.choose(config.data.class_set, folders, config.dataset, config.seed)
    views = {chair: _views(directory, folders[chair]) for chair in chosen}
    for chair, names in views.items():
        if not names:
            raise UserError(f"{directory / folders[chair]}, chair {chair}, holds no PNG files; expected its "
                            f"{NUM_VIEWS} views, or a class set without it")
    labelled = [(name, label) for label, names in enumerate(views.values()) for name in names]
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory,
        entries=tuple(Entry(name, label, group) for group, (name, label) in enumerate(labelled)),
        class_names=tuple(chosen), source=f"3D Chairs, {directory}",
        decode=lambda path, entry: decode(path, size, channels),
        options={"image_size": size, "channels": channels}, loader=__name__,
        max_unreadable=config.data.max_unreadable,
        notes=(*_few_lines(views), *_paper_note(folders, config.data.class_set)))


def check(directory, config):
    """What a directory holds and lacks of 3D Chairs.

    Args:
        directory: `Path` of an existing directory.
        config: see `list_files`.

    Returns:
        Lines for people.
    """
    folders = chair_folders(directory)
    root = directory / _root(directory)
    views = {chair: _views(directory, folder) for chair, folder in folders.items()}
    lines = [f"{len(folders)} folders <id>/renders below {root}", *_few_lines(views)]
    counted = {Path(folder).parent.name for folder in folders.values()}
    others = sorted(path.name for path in root.iterdir() if path.is_dir() and path.name not in counted)
    if others:
        lines.append(f"{len(others)} folders lack a folder renders and are not counted: {_some(others)}")
    lines.extend(class_sets.describe(folders, config.dataset))
    if len(folders) < NUM_ORIGINAL:
        lines.append("the paper's ids are positions among the folders of the original set, "
                     f"{NUM_ORIGINAL:,} or more; here are {len(folders)}, so an id means another chair")
    return lines


def chair_folders(directory):
    """The chairs by id: positions in the sorted order of the folders' names, counted from 1.

    The paper prints numbers such as `0965`, from 45 to 1372, and does not say what they count; the
    folders' own names are hashes. Positions in sorted order are the simplest reading, and 1 is where
    its ids of cars start too. Only folders with a folder `renders` are counted, in the order of their
    names' code points, hidden ones left out. Every use of an id goes through here.

    Args:
        directory: `Path` of `rendered_chairs` or of the directory that holds it.

    Returns:
        `{"0001": "<id>/renders", ...}`, paths below `directory` with "/", in order.
    """
    root = _root(directory)
    names = sorted(path.name for path in (directory / root).iterdir()
                   if not path.name.startswith(".") and (path / "renders").is_dir())
    return {f"{position:04d}": (root / name / "renders").as_posix()
            for position, name in enumerate(names, start=1)}


def decode(path, size, channels):
    """Reads one view; see `pictures.read` and `crop_to_chair`.

    Returns:
        uint8 [1, size, size, channels].

    Raises:
        Unreadable: the file is damaged.
    """
    cropped = crop_to_chair(pictures.read(path, channels))
    return pictures.to_array(cropped.resize((size, size), Image.Resampling.LANCZOS))[None]


def crop_to_chair(picture):
    """Cuts the middle out of a view: a square of 2/3 of the side, the same for all views.

    A box fitted to each view would make all chairs equally large and hide how far a view turns them.
    Only where the chair, all that is not white, reaches beyond the square does the square grow about
    its centre until nothing is cut off; a picture without white around it is kept whole.

    Args:
        picture: a PIL image of mode `L` or `RGB`.

    Returns:
        A square PIL image.
    """
    width, height = picture.size
    left, top, right, bottom = ImageOps.invert(picture).getbbox() or (width / 2, height / 2) * 2
    reach = max(width / 2 - left, right - width / 2, height / 2 - top, bottom - height / 2)
    side = max(round(CROP_SHARE * min(width, height)), 2 * math.ceil(reach))
    return pictures.crop(picture, width / 2, height / 2, side, side)


def _root(directory):
    """Where the chairs lie below the directory."""
    return Path(ROOT) if (directory / ROOT).is_dir() else Path()


def _views(directory, folder):
    return sorted(f"{folder}/{path.name}" for path in (directory / folder).iterdir()
                  if path.suffix.lower() == ".png" and not path.name.startswith("."))


def _few_lines(views):
    """A line on the chairs that have fewer than 62 views; none when there are none."""
    few = [f"{chair} has {len(names)}" for chair, names in views.items() if len(names) < NUM_VIEWS]
    return (f"chairs with fewer than {NUM_VIEWS} views: {len(few)}; {_some(few)}",) if few else ()


def _some(texts):
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _paper_note(folders, class_set):
    if not class_set.isdigit() or len(folders) >= NUM_ORIGINAL:
        return ()
    return (f"--class_set={class_set} counts the folders of the original set, {NUM_ORIGINAL:,} or more; with "
            f"{len(folders)} folders these are other chairs than the paper's",)

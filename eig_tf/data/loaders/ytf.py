"""YouTube Faces: frames of videos, cropped to the face (section 4, supplement 4.3)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from ml_collections import config_dict

from eig_tf.data import pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.data.names import first_few, natural_key, printable
from eig_tf.errors import UserError

DECODER_VERSION = 1
FRAMES, ALIGNED = "frame_images_DB", "aligned_images_DB"
BOXES = ".labeled_faces.txt"
# The aligned pictures show 2.2 times the box of the face (Wolf et al. 2011), so that the middle which is cut
# out here is what the box cuts out of the frame. It is customary to keep about as much: 100 of 200 pixels.
ALIGNED_SHARE = 1 / 2.2
# A larger box would reach beyond the frame on both sides. It must be an error, and might fill the memory.
_LARGEST_BOX = 2


def list_files(directory: Path, config: config_dict.ConfigDict) -> Listing:
    """List all frames of the first people by name.

    People are sorted by the code points of their names: Z before a, and É after both. The frames of a
    person are in natural order, 2 before 10.

    Args:
        directory: `frame_images_DB`, `aligned_images_DB` or the directory that contains one of them; when
            it contains both, the frames with boxes are used.
        config: its `data` is used.

    Returns:
        One class for each person; every frame stands for itself.

    Raises:
        UserError: there are fewer people than asked for, or a person has no frame with a box.
        OSError: a folder or a file of boxes cannot be read.
    """
    root, aligned = _find_root(directory)
    people = _list_people(directory / root)
    wanted = config.data.num_identities
    if not people:
        raise UserError(f"{directory / root} holds no folders of people; expected those of {FRAMES} or "
                        f"{ALIGNED}, see docs/datasets.md")
    if len(people) < wanted:
        raise UserError(f"{directory / root} holds the folders of {len(people)} people; --num_identities is "
                        f"{wanted}; expected no more than there are")
    entries: list[Entry] = []
    missing: list[str] = []
    for label, person in enumerate(people[:wanted]):
        found, lacking = _list_frames(directory, root, person, label, aligned)
        if not found:
            raise UserError(f"{directory / root / person} has no usable frame "
                            f"({first_few(lacking, '; ')}); expected "
                            "<video>/<video>.<frame>.jpg with boxes, or a smaller --num_identities")
        entries += found
        missing += lacking
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory, entries=tuple(entries),
        class_names=tuple(map(printable, people[:wanted])), source=f"YouTube Faces, {directory / root}",
        decode=lambda path, entry: decode_face(path, entry.detail, size, channels),
        options={"image_size": size, "channels": channels}, version=DECODER_VERSION, missing=tuple(missing),
        max_unreadable=config.data.max_unreadable)


def check_directory(directory: Path, config: config_dict.ConfigDict) -> list[str]:
    """Return what a directory contains and lacks; see `eig_tf.data.loaders`."""
    root, aligned = _find_root(directory)
    people = _list_people(directory / root)
    kind = "aligned pictures" if aligned else "frames with boxes"
    lines = [f"{len(people)} people in {directory / root}, {kind}"]
    for label, person in enumerate(people[:config.data.num_identities]):
        found, lacking = _list_frames(directory, root, person, label, aligned)
        lines.append(f"  {printable(person)}: {len(found)} frames" + (
            f", {len(lacking)} missing: {first_few(lacking, '; ')}" if lacking else ""))
    if len(people) < config.data.num_identities:
        lines.append(f"--num_identities is {config.data.num_identities}; {len(people)} people are there")
    return lines


def decode_face(path: Path, box: tuple[float, ...], size: int, channels: int) -> np.ndarray:
    """Cut the face out of a frame; outside the frame, border pixels are repeated.

    Args:
        path: the frame.
        box: centre x, centre y, width and height in pixels; empty for an aligned picture.
        size: S.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        uint8 [1, S, S, C].

    Raises:
        Unreadable: the file is damaged, or the box is outside the frame or far larger than it.
    """
    picture = pictures.read(path, channels)
    if not box:
        side = ALIGNED_SHARE * min(picture.size)
        box = (picture.width / 2, picture.height / 2, side, side)
    x, y, width, height = box
    if not (0 <= x <= picture.width and 0 <= y <= picture.height
            and width <= _LARGEST_BOX * picture.width and height <= _LARGEST_BOX * picture.height):
        raise pictures.Unreadable(f"a box of {width:g} x {height:g} at ({x:g}, {y:g}), where the frame is "
                                  f"{picture.width} x {picture.height}")
    return pictures.crop_to(picture, box, size)[np.newaxis]


def read_boxes(path: Path) -> tuple[dict[str, tuple[float, ...]], dict[str, str]]:
    """Read the boxes of one person.

    Args:
        path: a `<name>.labeled_faces.txt`; each line is
            `name\\\\video\\\\frame.jpg,ignored,x,y,width,height,ignored,ignored`, with x and y the centre.

    Returns:
        `{"name/video/frame.jpg": (x, y, width, height)}`, and the lines without a valid box by the same
        names.
    """
    boxes: dict[str, tuple[float, ...]] = {}
    bad: dict[str, str] = {}
    # `splitlines` would also split at characters that names may contain. Editors may add a byte order mark.
    for line in path.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n"):
        if not line.strip():
            continue
        fields = line.split(",")
        name = fields[0].replace("\\", "/")
        try:
            x, y, width, height = map(float, fields[2:6])
        except ValueError:
            bad[name] = line
            continue
        # Written so that NaN fails too.
        if width > 0 and height > 0 and abs(x) + abs(y) + width + height < float("inf"):
            boxes[name] = (x, y, width, height)
        else:
            bad[name] = line
    return boxes, bad


def _find_root(directory: Path) -> tuple[Path, bool]:
    """Return the path of the people's folders below the directory, and whether pictures are aligned."""
    for name in (FRAMES, ALIGNED):
        if (directory / name).is_dir():
            return Path(name), name == ALIGNED
    return Path(), directory.resolve().name == ALIGNED


def _list_people(root: Path) -> list[str]:
    return [entry.name for entry in _list_visible(root) if entry.is_dir()]


def _list_frames(
        directory: Path, root: Path, person: str, label: int, aligned: bool) -> tuple[list[Entry], list[str]]:
    """Return the usable frames of a person, and a sentence on each missing frame or box."""
    frames = sorted((f"{person}/{video.name}/{file.name}"
                     for video in _list_visible(directory / root / person) if video.is_dir()
                     for file in _list_visible(video.path) if file.is_file()
                     and os.path.splitext(file.name)[1].lower() in pictures.SUFFIXES), key=natural_key)
    if aligned:
        return [Entry((root / frame).as_posix(), label, None) for frame in frames], []
    path = directory / root / f"{person}{BOXES}"
    if not path.is_file():
        return [], [f"{frame}: no {path.name}" for frame in frames] or [f"{person}: no frames"]
    boxes, bad = read_boxes(path)
    found = [Entry((root / frame).as_posix(), label, None, boxes[frame])
             for frame in frames if frame in boxes]
    lacking = [f"{frame}: no box" for frame in frames if frame not in boxes]
    lacking += [f"{frame}: a box, but no file" for frame in sorted(boxes.keys() - set(frames))]
    # The bad line of an existing frame has been counted as the missing box of the frame.
    lacking += [f"{path.name}: {line!r} is not a box" for name, line in bad.items() if name not in frames]
    return found, lacking


def _list_visible(directory: Path | str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder that are not hidden, sorted by code points."""
    # Unlike `Path.glob`, this fails for a folder that cannot be read, instead of finding nothing.
    return sorted((entry for entry in os.scandir(str(directory)) if not entry.name.startswith(".")),
                  key=lambda entry: entry.name)

"""YouTube Faces: frames of videos, cut to the face (section 4, supplement 4.3)."""

import os
from pathlib import Path

from eig_tf.data import names, pictures
from eig_tf.data.listing import Entry, Listing
from eig_tf.errors import UserError

FRAMES, ALIGNED = "frame_images_DB", "aligned_images_DB"
BOXES = ".labeled_faces.txt"
# The aligned pictures show 2.2 times the face's box (Wolf et al. 2011): the middle that is cut out here is
# what the box would have cut out of the frame. It is customary to keep about as much: 100 of 200 pixels.
ALIGNED_SHARE = 1 / 2.2
# A larger box would reach beyond the frame on both sides: a slip of the pen, which might fill the memory.
_LARGEST_BOX = 2


def list_files(directory, config):
    """Lists all frames of the first people in alphabetical order, that of code points: Z before a, and É
    after both. A person's frames come by the numbers in their names, 2 before 10.

    Args:
        directory: `Path` of `frame_images_DB`, of `aligned_images_DB` or of the directory that holds
            one; of both, frames with boxes are taken.
        config: see `eig_tf.config`; its `data` counts.

    Returns:
        A `Listing` with one class a person, every frame for itself.

    Raises:
        UserError: there are fewer people than asked for, or a person has no frame with a box.
        OSError: a folder or a file of boxes may not be read.
    """
    root, aligned = _find_root(directory)
    people = _people(directory / root)
    wanted = config.data.num_identities
    if not people:
        raise UserError(f"{directory / root} holds no folders of people; expected those of {FRAMES} or "
                        f"{ALIGNED}, see docs/datasets.md")
    if len(people) < wanted:
        raise UserError(f"{directory / root} holds the folders of {len(people)} people; --num_identities is "
                        f"{wanted}; expected no more than there are")
    entries, missing = [], []
    for label, person in enumerate(people[:wanted]):
        found, lacking = _list_person(directory, root, person, label, aligned)
        if not found:
            raise UserError(f"{directory / root / person} has no frame to use "
                            f"({names.first_few(lacking, '; ')}); expected "
                            "<video>/<video>.<frame>.jpg with boxes, or a smaller --num_identities")
        entries += found
        missing += lacking
    size, channels = config.data.image_size, config.data.channels
    return Listing(
        dataset=config.dataset, directory=directory, entries=tuple(entries),
        class_names=tuple(map(names.printable, people[:wanted])), source=f"YouTube Faces, {directory / root}",
        decode=lambda path, entry: decode(path, entry.detail, size, channels),
        options={"image_size": size, "channels": channels}, loader=__name__, missing=tuple(missing),
        max_unreadable=config.data.max_unreadable)


def check(directory, config):
    """What a directory holds and lacks of YouTube Faces.

    Args:
        directory: `Path` of an existing directory.
        config: see `list_files`.

    Returns:
        Lines for people.
    """
    root, aligned = _find_root(directory)
    people = _people(directory / root)
    kind = "aligned pictures" if aligned else "frames with boxes"
    lines = [f"{len(people)} people in {directory / root}, {kind}"]
    for label, person in enumerate(people[:config.data.num_identities]):
        found, lacking = _list_person(directory, root, person, label, aligned)
        lines.append(f"  {names.printable(person)}: {len(found)} frames" + (
            f", {len(lacking)} missing: {names.first_few(lacking, '; ')}" if lacking else ""))
    if len(people) < config.data.num_identities:
        lines.append(f"--num_identities is {config.data.num_identities}; {len(people)} people are there")
    return lines


def decode(path, box, size, channels):
    """Cuts the face out of a frame; what lies outside the frame repeats its border.

    Args:
        path: the frame.
        box: centre x, centre y, width and height in pixels; empty for an aligned picture.
        size: S.
        channels: C, 1 for grey or 3 for RGB.

    Returns:
        uint8 [1, S, S, C].

    Raises:
        Unreadable: the file is damaged, or the box lies outside it or is far larger.
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
    return pictures.crop_to(picture, box, size)[None]


def read_boxes(path):
    """Reads the boxes of one person.

    Args:
        path: a `<name>.labeled_faces.txt`; each line is
            `name\\\\video\\\\frame.jpg,ignored,x,y,width,height,ignored,ignored`, with x and y the centre.

    Returns:
        `{"name/video/frame.jpg": (x, y, width, height)}`, and of lines that hold no box the same names
        with the lines.
    """
    boxes, bad = {}, {}
    # Not `splitlines`, which splits at letters that names may hold. Editors put a mark before the text.
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


def _find_root(directory):
    """Where the people's folders lie below the directory, and whether their pictures are aligned."""
    for name in (FRAMES, ALIGNED):
        if (directory / name).is_dir():
            return Path(name), name == ALIGNED
    return Path(), directory.resolve().name == ALIGNED


def _people(root):
    return [entry.name for entry in _visible(root) if entry.is_dir()]


def _list_person(directory, root, person, label, aligned):
    """The usable frames of a person as entries, and what should be there and is not."""
    frames = sorted((f"{person}/{video.name}/{file.name}"
                     for video in _visible(directory / root / person) if video.is_dir()
                     for file in _visible(video.path) if file.is_file()
                     and os.path.splitext(file.name)[1].lower() in pictures.SUFFIXES), key=names.natural_key)
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
    # A bad line of a frame that is there was counted as the frame's missing box.
    lacking += [f"{path.name}: {line!r} is no box" for name, line in bad.items() if name not in frames]
    return found, lacking


def _visible(directory):
    """What a folder holds, sorted by code points; without what other programs hide there."""
    # Unlike `Path.glob`, this fails where a folder may not be read, instead of finding nothing.
    return sorted((entry for entry in os.scandir(directory) if not entry.name.startswith(".")),
                  key=lambda entry: entry.name)

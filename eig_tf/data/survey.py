"""What the images of a user look like: sizes, near-duplicates, and files that cannot be read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from eig_tf.data import near_duplicates, pictures
from eig_tf.data.listing import Entry, Listing, map_files
from eig_tf.data.names import first_few
from eig_tf.data.near_duplicates import HASHED_SIDE
from eig_tf.data.pictures import Unreadable

THUMBNAIL_SIDE = 16


class Survey(NamedTuple):
    """What was found in N readable images.

    Attributes:
        entries: the files of the images.
        shorter_sides: int64 [N], of the images in their files, in pixels.
        thumbnails: uint8 [N, 16, 16, 3], made square as for training.
        is_grey: whether no image has colour.
        duplicate_groups: int64 [N], see `near_duplicates.find_near_duplicates`.
        unreadable: a sentence on each file that is missing or cannot be read.
    """

    entries: tuple[Entry, ...]
    shorter_sides: np.ndarray
    thumbnails: np.ndarray
    is_grey: bool
    duplicate_groups: np.ndarray
    unreadable: tuple[str, ...]


def survey_images(listing: Listing) -> Survey:
    """Read every file of a listing once, in reduced size where its format allows that.

    Args:
        listing: the files; one image each.
    """
    rule = listing.options["resize"]

    def look(path: Any, entry: Entry) -> tuple[int, np.ndarray, bool, int]:
        picture, shorter = pictures.read_reduced(path, side=HASHED_SIDE)
        image = pictures.fit(picture, HASHED_SIDE, rule)
        step = HASHED_SIDE // THUMBNAIL_SIDE
        thumbnail = image.reshape(THUMBNAIL_SIDE, step, THUMBNAIL_SIDE, step, 3).mean(axis=(1, 3))
        return (shorter, thumbnail.astype(np.uint8), bool((image.max(axis=2) == image.min(axis=2)).all()),
                near_duplicates.perceptual_hash(image.mean(axis=2)))

    entries: list[Entry] = []
    unreadable = list(listing.missing)
    num, is_grey = len(listing.entries), True
    sides, hashes = np.zeros(num, np.int64), np.zeros(num, np.uint64)
    thumbnails = np.zeros([num, THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3], np.uint8)
    with contextlib.closing(map_files(listing, look)) as chunks:
        for entry, seen in (pair for chunk in chunks for pair in chunk):
            if isinstance(seen, Unreadable):
                unreadable.append(f"{entry.name}: {seen}")
                continue
            row = len(entries)
            sides[row], thumbnails[row], grey, hashes[row] = seen
            is_grey = is_grey and grey
            entries.append(entry)
    num = len(entries)
    return Survey(tuple(entries), sides[:num], thumbnails[:num], is_grey,
                  near_duplicates.find_near_duplicates(hashes[:num], thumbnails[:num]), tuple(unreadable))


def survey_lines(survey: Survey) -> Iterator[str]:
    """Yield lines on the sizes, near-duplicates and unreadable files of a survey."""
    if survey.unreadable:
        yield f"{len(survey.unreadable)} missing or unreadable: {first_few(survey.unreadable, '; ')}"
    if not survey.entries:
        return
    low, middle, high = np.percentile(survey.shorter_sides, [0, 50, 100]).astype(int)
    yield f"shorter sides of the images: {low} to {high} pixels, median {middle}"
    counts = np.bincount(survey.duplicate_groups)
    groups = np.flatnonzero(counts > 1)
    if not len(groups):
        yield "no near-duplicates"
        return
    largest = groups[np.argmax(counts[groups])]
    names = [survey.entries[index].name for index in np.flatnonzero(survey.duplicate_groups == largest)]
    yield (f"{counts[groups].sum()} images have near-duplicates, in {len(groups)} groups; without the copies "
           f"there would be {len(counts)} images; the largest group has {len(names)}: {first_few(names)}")

"""Settings that suit a user's images, with reasons, as flags for a machine without a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from ml_collections import config_dict

from eig_tf.config import IMAGE_SIZES, flag
from eig_tf.data.listing import Listing
from eig_tf.data.names import first_few
from eig_tf.data.survey import Survey

# Above this, a CPU takes more than an hour; see `eig_tf.config.for_cpu`.
_LARGEST_CPU_SIZE = 64
_STEPS, _MAX_EPOCHS = 10_000, 600
_QUERIES, _REFERENCES = 2_000, 10_000
_MIN_QUERIES = 5
_LOOK = ("look at the pairs of tools/preview_data.py --output=pairs.png, and add "
         f"{flag('augment.flip')}=False unless a mirrored image shows the same thing")

DIFFERENT_LIGHT = "the brightness differs more between images than within them"


class Advice(NamedTuple):
    """One suggestion.

    Attributes:
        flags: the flags to give; empty when the default suits, or the user must decide.
        reason: why, as one line.
    """

    flags: tuple[str, ...]
    reason: str


def advise(survey: Survey, listing: Listing, config: config_dict.ConfigDict) -> list[Advice]:
    """Return suggestions for a training on surveyed images, of which there is at least one.

    Args:
        survey: of the images.
        listing: the files.
        config: its preset's values are those that need no flag.
    """
    num = len(survey.entries)
    share = len(survey.unreadable) / (len(listing.entries) + len(listing.missing))
    advice = [*_size_advice(survey), *_length_advice(num, config)]
    if survey.is_grey:
        advice.append(Advice((f"{flag('data.channels')}=1",), "no image has colour"))
    if differ_in_light(survey.thumbnails):
        colours = (f"{flag('categories.ignore_colours')}=True",) if (
            "categories" in config and not survey.is_grey) else ()
        advice.append(Advice((f"{flag('data.stretch_contrast')}=True", *colours), DIFFERENT_LIGHT))
    if share > listing.max_unreadable:
        allowed = np.ceil(100 * share) / 100
        advice.append(Advice((f"{flag('data.max_unreadable')}={allowed:g}",),
                             f"{len(survey.unreadable)} files cannot be read; or repair them"))
    if len(listing.class_names) > 1:
        grouped = "categories" in config
        name = "categories.num_categories" if grouped else "networks.num_codes"
        advice.append(Advice((f"{flag(name)}={len(listing.class_names)}",),
                             f"one {'category' if grouped else 'code'} for each class"))
        advice += _mirror_advice(survey, listing)
    else:
        advice.append(Advice((), f"mirroring: {_LOOK}; without classes, only you can say so"))
    return advice


def differ_in_light(images: np.ndarray) -> bool:
    """Return whether the brightness differs more between images than within them.

    Categories then follow the light. It compares the standard deviation of the images' mean brightness with
    the mean standard deviation within an image.

    Args:
        images: uint8 [N, H, W, C].
    """
    brightness = images.mean(axis=3, dtype=np.float32).reshape(len(images), -1)
    return bool(brightness.mean(axis=1).std() > brightness.std(axis=1).mean())


def image_sizes(side: int, on_gpu: bool) -> list[int]:
    """Return the sizes that suit images with a shorter side of so many pixels, the largest first.

    On a CPU, half the size is among them where there is such a size.
    """
    bound = side if on_gpu else min(side, _LARGEST_CPU_SIZE)
    largest = max((size for size in IMAGE_SIZES if size <= bound), default=IMAGE_SIZES[0])
    return [largest] if on_gpu else [size for size in (largest, largest // 2) if size in IMAGE_SIZES]


def advice_lines(advice: Sequence[Advice]) -> Iterator[str]:
    """Yield the suggestions as lines: each with its reason, then all flags."""
    yield "suggestions for a training without a GPU:"
    yield from (f"  {' '.join(each.flags) + ': ' if each.flags else ''}{each.reason}" for each in advice)
    yield f"together: {' '.join(name for each in advice for name in each.flags)}"


def _size_advice(survey: Survey) -> Iterator[Advice]:
    median = int(np.median(survey.shorter_sides))
    size = image_sizes(median, on_gpu=False)[0]
    with_gpu = "; with a GPU, --image_size=128 keeps more" if median >= 128 else ""
    reason = f"half of the images have a shorter side of {median} pixels or more{with_gpu}"
    if median < size:
        reason = (f"the smallest size; half of the images have a shorter side of {median} pixels or less, "
                  "and are enlarged")
    yield Advice((f"--image_size={size}",), reason)
    if size < _LARGEST_CPU_SIZE:
        yield Advice(("--preset=cpu", f"{flag('discriminator_augment.shift')}=4"),
                     f"smaller networks; the preset's shift of 8 pixels is much of {size}")
    else:
        yield Advice(("--preset=cpu",), "smaller networks")


def _length_advice(num: int, config: config_dict.ConfigDict) -> Iterator[Advice]:
    usual = config.training.batch_size
    # Two steps in an epoch, so that a batch is not always the whole set; NT-Xent needs two images.
    batch = usual if num >= 2 * usual else max(2, num // 2)
    if batch != usual:
        yield Advice((f"{flag('training.batch_size')}={batch}",), f"there are only {num} images")
    epochs = int(np.clip(round(_STEPS * batch / num), 1, _MAX_EPOCHS))
    yield Advice((f"{flag('training.epochs')}={epochs}",),
                 f"about {epochs * max(1, num // batch):,} steps of {batch} images, less than an hour on two "
                 "cores")


def _mirror_advice(survey: Survey, listing: Listing) -> Iterator[Advice]:
    """Yield whether mirrored images have their nearest neighbours in other classes."""
    labels = np.array([entry.label for entry in survey.entries])
    images = survey.thumbnails.astype(np.float32) / 255
    # Evenly over the set, and the neighbours' sample includes the queries.
    labelled = np.flatnonzero(labels >= 0)
    num = len(labelled)
    if num < 2:
        return
    references = labelled[np.unique(np.linspace(0, num - 1, min(num, _REFERENCES)).astype(int))]
    queries = references[::-(-len(references) // _QUERIES)]
    plain, mirrored = (labels[references[_nearest(each, queries, images[references], references)]]
                       for each in (images[queries], images[queries, :, ::-1]))
    changed = []
    for label, name in enumerate(listing.class_names):
        own = labels[queries] == label
        if own.sum() < _MIN_QUERIES:
            continue
        kept_plain, kept = (plain[own] == label).mean(), (mirrored[own] == label).mean()
        if kept_plain >= 0.5 and kept < kept_plain / 2:
            others = mirrored[own][mirrored[own] != label]
            changed.append(f"{name} looks like {listing.class_names[np.bincount(others).argmax()]} "
                           f"({kept:.0%} keep their class, {kept_plain:.0%} unmirrored)")
    shares = (np.mean(found == labels[queries]) for found in (mirrored, plain))
    means = "{:.0%}, unmirrored {:.0%}".format(*shares)
    if changed:
        yield Advice((f"{flag('augment.flip')}=False",), "mirroring is unsafe: by nearest neighbours of "
                     f"thumbnails, mirrored {first_few(changed, '; ')}; of all images, {means}")
    elif np.mean(plain == labels[queries]) < 0.5:
        yield Advice((), f"mirroring: {_LOOK}; nearest neighbours of thumbnails do not say so, since they "
                         f"are of the same class for {means}")
    else:
        yield Advice((), "mirroring looks safe: the nearest neighbours of mirrored thumbnails are of the "
                         f"same class for {means}")


def _nearest(queries: np.ndarray, own: np.ndarray, images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the index of each query's nearest image other than that at its own position."""
    images = images.reshape(len(images), -1)
    squares = np.square(images).sum(axis=1)
    nearest = []
    for start in range(0, len(queries), 256):
        block = queries[start:start + 256].reshape(-1, images.shape[1])
        distances = squares - 2 * block @ images.T
        distances[own[start:start + 256, np.newaxis] == positions] = np.inf
        nearest.append(distances.argmin(axis=1))
    return np.concatenate(nearest)

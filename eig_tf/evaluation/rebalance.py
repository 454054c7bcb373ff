"""A balanced set of images: the real ones of each group, and generated ones where a group has too few."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.special import softmax

from eig_tf import files, progress
from eig_tf.categories.categorizer import categorize_in_batches
from eig_tf.categories.discovery import Discovery
from eig_tf.data import registry
from eig_tf.data.image_set import ImageSet, StoredImages
from eig_tf.data.loaders.folder import SYSTEM_NAMES
from eig_tf.errors import UserError
from eig_tf.evaluation import metrics
from eig_tf.evaluation.decisions import Decisions, load_decisions, run_identifier
from eig_tf.figures import tiling
from eig_tf.models.base import GenerativeModel
from eig_tf.models.sampling import encode_in_batches, generate_images
from eig_tf.random_streams import Stream, stream_seed
from eig_tf.runs.category_files import load_categories
from eig_tf.runs.run_directory import RunDirectory
from eig_tf.runs.training_images import load_training_images

TABLE = "images.csv"
_COLUMNS = ("file", "group", "origin", "source", "probability")
_BLOCK = 250
# Generation for a group stops when, after this many blocks, less than this share of the candidates is kept.
_LEAST_SHARE, _MOST_POOR_BLOCKS = 0.1, 10
_LONGEST_NAME = 200  # bytes; file systems allow 255


class Sorter(NamedTuple):
    """A run's generator and its predictions for images, with M categories of K codes.

    Attributes:
        model: the generative model.
        probabilities: images uint8 [n, H, W, C] -> float [n, M], the probabilities of the categories.
        code_distribution: float [M, K], p(code | category); a row is zero for a category without codes.
        prior: float [M], the mass of each category in the model's distribution of the codes.
    """

    model: GenerativeModel
    probabilities: Callable[[np.ndarray | StoredImages], np.ndarray]
    code_distribution: np.ndarray
    prior: np.ndarray


class Groups(NamedTuple):
    """The G groups that are to be of equal size.

    Attributes:
        names: G names.
        of_category: int64 [M], the group of each category; -1 for a category of none.
        of_image: int64 [N], the group of each real image; -1 for an image that is left out.
    """

    names: Sequence[str]
    of_category: np.ndarray
    of_image: np.ndarray


class BalancedGroup(NamedTuple):
    """The images of one group.

    Attributes:
        name: its name.
        num_real: how many real images there are.
        kept: int64 [n], sorted indices of the real images that are kept.
        wanted: how many generated images the group needs.
        has_codes: whether the run has codes of the group.
        blocks: these images, to be iterated over once: for each block of candidates, uint8 [m, H, W, C] and
            float64 [m], what the run gives the group for each image; m may be 0. In all, they may be fewer
            than are wanted.
    """

    name: str
    num_real: int
    kept: np.ndarray
    wanted: int
    has_codes: bool
    blocks: Iterator[tuple[np.ndarray, np.ndarray]]


def make_sorter(model: GenerativeModel, discovery: Discovery | None) -> Sorter:
    """Return what a run says of images; without a grouping of the codes, each code is a category."""
    if discovery is not None:
        grouping = discovery.grouping
        return Sorter(model, lambda images: categorize_in_batches(discovery.categorizer, images),
                      grouping.code_distribution, grouping.prior)

    def encode(images: np.ndarray | StoredImages) -> np.ndarray:
        logits = [encoding.code_logits for encoding in encode_in_batches(model, images)]
        return softmax(np.concatenate(logits).astype(np.float64), axis=1)
    return Sorter(model, encode, np.eye(model.num_codes), model.prior.probabilities.numpy())


def group_by_category(categories: np.ndarray, num_categories: int,
                      decisions: Decisions | None = None) -> Groups:
    """Return one group for each category; rejected ones are left out, and merged ones are one group.

    Args:
        categories: int64 [N], in [0, M).
        num_categories: M.
        decisions: what people decided on the categories; None for nothing.
    """
    if decisions is None:
        decisions = Decisions([""] * num_categories, np.arange(num_categories), [""] * num_categories)
    kept = [category for category in range(num_categories)
            if decisions.merged_into[category] == category and decisions.marks[category] != "reject"]
    group_of = np.full(num_categories, -1)
    group_of[kept] = np.arange(len(kept))
    of_category = group_of[decisions.merged_into]
    names = [decisions.names[category] or f"category_{category:02d}" for category in kept]
    return Groups(names, of_category, of_category[categories])


def group_by_class(categories: np.ndarray, num_categories: int, image_set: ImageSet) -> Groups:
    """Return one group for each class; a category belongs to the class of most of its labelled images.

    Args:
        categories: int64 [N], in [0, M).
        num_categories: M.
        image_set: the N images. Those without a label are left out, and a category that has no others
            belongs to no class.
    """
    counts = metrics.confusion_counts(categories, image_set.labels, num_categories,
                                      len(image_set.class_names))
    of_category = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
    return Groups(image_set.class_names, of_category, np.asarray(image_set.labels, np.int64))


def balance_groups(sorter: Sorter, groups: Groups, per_group: int | None = None, min_probability: float = 0.5,
                   seed: int = 0) -> Iterator[BalancedGroup]:
    """Yield groups of equal size, as far as the run generates images of each.

    A group with too many real images keeps some at random. One with too few gets generated images: codes are
    drawn from p(code | group), and an image is kept when the run gives its group at least `min_probability`.
    A group stays smaller when less than a tenth of its candidates is kept.

    Args:
        sorter: what the run says of images.
        groups: the groups.
        per_group: number of images of each group; the real images of the largest group when None.
        min_probability: from 0, which keeps all candidates, to 1.
        seed: of the real images that are kept, and of the generated ones.
    """
    members = [np.flatnonzero(groups.of_image == group) for group in range(len(groups.names))]
    size = max(map(len, members)) if per_group is None else per_group
    indicator = groups.of_category[:, np.newaxis] == np.arange(len(groups.names))
    for group, (name, real) in enumerate(zip(groups.names, members)):
        kept = real
        if len(real) > size:
            kept = np.sort(np.random.default_rng([seed, group]).choice(real, size, replace=False))
        wanted = size - len(kept)
        of_group = indicator[:, group]
        weights = (of_group * sorter.prior) @ sorter.code_distribution
        yield BalancedGroup(name, len(real), kept, wanted, bool(weights.any()), _generate_blocks(
            sorter, of_group, weights, wanted, min_probability, seed, group))


def _generate_blocks(sorter, of_group, weights, wanted, min_probability, seed, group):
    """Yield images and probabilities of a group.

    Its categories are those of `of_group`, bool [M], and its codes are drawn by `weights`, [K].
    """
    kept, block = 0, 0
    generator = np.random.default_rng([seed, group, int(Stream.REBALANCE)])
    while kept < wanted and weights.any() and (
            block < _MOST_POOR_BLOCKS or kept >= _LEAST_SHARE * block * _BLOCK):
        drawn = generator.choice(len(weights), _BLOCK, p=weights / weights.sum())
        latents = sorter.model.sample_latents(
            _BLOCK, stream_seed(seed, Stream.REBALANCE, group, block), tf.one_hot(drawn, len(weights)))
        images = generate_images(sorter.model, latents)
        found = sorter.probabilities(images).astype(np.float64) @ of_group
        # Sums of float32 probabilities may end below one.
        good = np.flatnonzero(found >= min_probability - 1e-6)[:wanted - kept]
        yield images[good], found[good]
        kept += len(good)
        block += 1


def rebalance(run_dir: str | os.PathLike, output: str | os.PathLike, by: str = "category",
              per_group: int | None = None, min_probability: float = 0.5,
              decisions_path: str | os.PathLike | None = None, data_dir: str | os.PathLike | None = None,
              cache_dir: str | os.PathLike | None = None, seed: int = 0) -> tuple[str, list[str]]:
    """Write the training images of a run as a balanced folder, with generated images for rare groups.

    The folder holds one sub-folder for each group, with `real_N.png` and `generated_N.png`, in the size that
    the run was trained on, and a table of all images; `--dataset=folder` reads it.

    Args:
        run_dir: the run directory.
        output: the folder, which does not exist.
        by: `category`, or `class` for labelled images, on which decisions have no effect.
        per_group, min_probability, seed: see `balance_groups`.
        decisions_path: decisions on the categories, see `load_decisions`; None for none.
        data_dir: directory of the run's data set; that of the training when None.
        cache_dir: directory of decoded sets; the user's cache directory when None.

    Returns:
        A table of the groups as text, and sentences for people.

    Raises:
        UserError: there is no run, the images cannot be loaded or have no labels, the decisions are damaged
            or of another run, or the folder exists.
        OSError: the folder cannot be written, and is not there.
    """
    _check_free(output)
    directory = RunDirectory(run_dir)
    config, model, epochs = directory.restore_model()
    notes: list[str] = []
    discovery = load_categories(directory, model, epochs, notes)
    sorter = make_sorter(model, discovery)
    num_categories = len(sorter.prior)
    decisions = None
    if decisions_path is not None:
        decisions = load_decisions(
            decisions_path, run_identifier(directory, discovery is not None), epochs, num_categories)
    whole, image_set = load_training_images(directory, config, data_dir, cache_dir)
    if by == "class" and image_set.labels is None:
        raise UserError("--by is class; the images have no labels, expected --by=category")
    with progress.stage(f"categorizes {len(image_set.images):,} images"):
        categories = sorter.probabilities(image_set.images).argmax(axis=1)
    if by == "class":
        groups = group_by_class(categories, num_categories, image_set)
    else:
        groups = group_by_category(categories, num_categories, decisions)
    num_left_out = int(np.sum(groups.of_image < 0))
    if num_left_out == len(image_set.images):
        raise UserError(f"--decisions is {str(decisions_path)!r}, which rejects all images; expected one "
                        "category with images that stays")
    if num_left_out:
        why = "have no label" if by == "class" else "are of rejected categories"
        notes.append(f"{num_left_out:,} images {why}; they are left out")
    groups = groups._replace(names=_directory_names(groups.names))
    sources = image_set.names if image_set.names is not None else registry.training_indices(config, whole)
    lines = ["    real      kept  generated  group"]
    with files.replacing_directory(output) as folder, \
            progress.stage(f"writes {len(groups.names)} groups", len(groups.names), "group") as advance, \
            open(folder / TABLE, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        balanced = balance_groups(sorter, groups, per_group, min_probability, seed)
        for number, group in enumerate(balanced):
            num_generated = _write_group(group, image_set, sources, folder, table)
            lines.append(f"{group.num_real:>8,}  {len(group.kept):>8,}  {num_generated:>9,}  {group.name}")
            why = ("no category belongs to it" if not (groups.of_category == number).any() else
                   "the run recognizes less than a tenth of what it generates for it" if group.has_codes else
                   "the run has no code for it")
            if not len(group.kept) + num_generated:
                (folder / group.name).rmdir()
                notes.append(f"{group.name} has no image and is left out: {why}")
            elif num_generated < group.wanted:
                notes.append(f"{group.name} lacks {group.wanted - num_generated:,} images: {why}")
            advance()
        _check_free(output)
    return "\n".join(lines), [*image_set.notes, *notes]


def _check_free(output):
    if Path(output).exists():
        raise UserError(f"--output is {str(output)!r}, which exists; expected the name of a new folder")


def _write_group(group, image_set, sources, folder, table):
    """Write the images of a group and their rows of the table; return the number of generated ones."""
    (folder / group.name).mkdir()
    for index in group.kept:
        name = f"{group.name}/real_{index:06d}.png"
        tiling.to_image(image_set.images[int(index)]).save(folder / name)
        table.writerow([name, group.name, "real", sources[index], ""])
    number = 0
    for images, probabilities in group.blocks:
        for image, probability in zip(images, probabilities):
            name = f"{group.name}/generated_{number:06d}.png"
            tiling.to_image(image).save(folder / name)
            table.writerow([name, group.name, "generated", "", f"{probability:.4f}"])
            number += 1
    return number


def _directory_names(names):
    """Return names of directories: no separators, not hidden or too long, and different in any case."""
    cleaned = [os.fsencode(re.sub(r"^[. ]|[/\\\0\r\n]", "_", name))[:_LONGEST_NAME].decode(errors="ignore")
               for name in names]
    taken = {name.casefold() for name in cleaned}
    if len(taken) < len(cleaned) or taken & {"", TABLE, *SYSTEM_NAMES}:
        cleaned = [f"{number:02d}_{name}" for number, name in enumerate(cleaned)]
    return cleaned

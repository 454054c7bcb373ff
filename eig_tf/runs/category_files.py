"""The categories of a run directory: found once for each checkpoint, and read back."""

from __future__ import annotations

import numpy as np
from ml_collections import config_dict

from eig_tf import config as config_lib
from eig_tf import files
from eig_tf.categories.categorizer import load_categorizer, save_categorizer
from eig_tf.categories.discovery import (
    Discovery,
    DiscoverySettings,
    discover_categories,
    numbers_to_compare,
    regroup,
    represent_images,
)
from eig_tf.categories.grouping import load_grouping, save_grouping
from eig_tf.categories.number import format_numbers, measure_numbers, save_numbers, suggest_number
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.networks.precision import policy
from eig_tf.runs.run_directory import RunDirectory

GROUPING, CATEGORIZER = "categories.json", "categorizer.keras"
NUMBERS, SETTINGS = "number.json", "settings.json"


def check_num_categories(num_categories: int, num_codes: int, num_images: int) -> None:
    """Raise a `UserError` if there are too few codes or images for the number of categories."""
    flag = config_lib.flag("categories.num_categories")
    if not 2 <= num_categories <= num_codes:
        raise UserError(f"{flag} is {num_categories}; expected 2 to {num_codes}, the number of codes")
    # Neighbours and eigenvectors need a few images more than there are groups.
    if num_images < num_categories + 3:
        raise UserError(f"{flag} is {num_categories}; the training set holds {num_images} images; expected "
                        f"at least {num_categories + 3} images")


def find_run_categories(directory: RunDirectory, settings: DiscoverySettings, model: GenerativeModel,
                        epochs: int, images: np.ndarray | StoredImages,
                        num_categories: int | None) -> Discovery:
    """Find the categories of a run's last checkpoint; write their files at once, in place of earlier ones.

    Args:
        directory: the run directory.
        settings: written beside the categories; see `discovery_settings` for those of the run.
        model: its model, with the weights of the last checkpoint.
        epochs: the number of epochs of that checkpoint.
        images: the training images, uint8 [N, H, W, C].
        num_categories: M; when None, the number that the images suggest, whose evidence is printed and
            written too.

    Raises:
        UserError: there are too few codes or images, see `check_num_categories`.
        OSError: the files cannot be written.
    """
    # Before the features are learned, which takes minutes.
    numbers = None
    if num_categories is None:
        numbers = numbers_to_compare(None, model.num_codes, len(images))
    else:
        check_num_categories(num_categories, model.num_codes, len(images))
    real = represent_images(model, images, settings, directory.contrastive_encoder)
    evidence = None
    if numbers:
        evidence = measure_numbers(real.features, numbers, settings.seed)
        print(format_numbers(evidence), flush=True)
        num_categories = suggest_number(evidence)
        check_num_categories(num_categories, model.num_codes, len(images))
    print(f"finds {num_categories} categories of real images", flush=True)
    discovery = discover_categories(model, real, num_categories, settings, epochs)
    with files.replacing_directory(directory.categories, replace=True) as content:
        save_categorizer(discovery.categorizer, content / CATEGORIZER)
        save_grouping(discovery.grouping, content / GROUPING)
        files.write_json(settings._asdict(), content / SETTINGS)
        if evidence:
            save_numbers(evidence, content / NUMBERS)
    return discovery


def discovery_settings(config: config_dict.ConfigDict) -> DiscoverySettings:
    """Return the settings of a run's config; those of the preset where the method has none of its own."""
    options = config.get("categories") or config_lib.load_preset(
        config.dataset, config.preset, "agglomerative_infogan").categories
    return DiscoverySettings(dict(config.augment), config.seed, options.categorizer_steps,
                             options.contrastive_steps, options.ignore_colours)


def regroup_run(directory: RunDirectory, config: config_dict.ConfigDict, model: GenerativeModel, epochs: int,
                images: np.ndarray | StoredImages, discovery: Discovery) -> None:
    """Group the codes of a run's last checkpoint by the categorizer that guided it; write `categories.json`.

    Args:
        directory, config, model, epochs, images: see `find_run_categories`.
        discovery: the categories that the generator followed.

    Raises:
        OSError: the file cannot be written.
    """
    found = regroup(model, images, discovery, config.seed, epochs)
    save_grouping(found.grouping, directory.categories / GROUPING)


def load_categories(directory: RunDirectory, model: GenerativeModel, epochs: int,
                    notes: list[str] | None = None, since: int | None = None) -> Discovery | None:
    """Return the categories of a run; None when it has none, or has those of another checkpoint.

    Args:
        directory: the run directory.
        model: its model.
        epochs: the number of epochs of the model's checkpoint.
        notes: gets a sentence when the categories are those of another checkpoint.
        since: the first epoch whose categories are returned as well; `epochs` when None.

    Raises:
        UserError: a file is damaged, or the two files do not fit the model or each other.
    """
    path, network = directory.categories / GROUPING, directory.categories / CATEGORIZER
    grouping = load_grouping(path)
    if grouping is None:
        return None
    if not (epochs if since is None else since) <= grouping.epochs <= epochs:
        if notes is not None:
            notes.append(f"{path} is of epoch {grouping.epochs}, the checkpoint of epoch {epochs}: its "
                         f"categories are not used; tools/find_categories.py {directory.path} updates them")
        return None
    grouped = len(grouping.code_to_category)
    if grouped != model.num_codes:
        raise UserError(f"{path} is of {grouped} codes; expected the {model.num_codes} of the model; "
                        "tools/find_categories.py updates it")
    # Whatever policy training has set in this process.
    with policy("float32"):
        categorizer = load_categorizer(network)
    sizes = [*categorizer.input_shape[1:], categorizer.output_shape[1][1]]
    expected = [*model.image_shape, grouping.num_categories]
    if sizes != expected:
        raise UserError(f"{network} has images {sizes[:3]} and {sizes[3]} categories; expected images "
                        f"{expected[:3]} and {expected[3]} categories; tools/find_categories.py updates it")
    return Discovery(grouping, categorizer)

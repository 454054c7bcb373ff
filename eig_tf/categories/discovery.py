"""The discovery of categories: partition real images, train the categorizer, group the codes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from tensorflow import keras

from eig_tf import progress
from eig_tf.categories.categorizer import (
    average_down,
    categorize_in_batches,
    embed_in_batches,
    encode_in_batches,
    train_categorizer,
)
from eig_tf.categories.contrastive import contrastive_delta, load_or_train_encoder, train_contrastive_encoder
from eig_tf.categories.evidence import group_codes, resembled_shares
from eig_tf.categories.grouping import CodeGrouping
from eig_tf.categories.number import default_candidates, most_categories
from eig_tf.categories.partitions import candidate_partitions, consensus_partition, pixel_components
from eig_tf.data.image_set import StoredImages
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.models.sampling import encode_images, generate_images_of_code
from eig_tf.networks.categorizer import resized_categorizer
from eig_tf.random_streams import Stream, stream_seed

# Spectral clustering takes time and memory that grow faster than the number of images.
MAX_PARTITIONED = 4000
# Largest number of images that train the categorizer: its memory and time do not grow with the set.
MAX_SELF_LABELLED = 20_000
IMAGES_PER_CODE = 100
# A trained categorizer's features separate categories better than those it started from, so they are
# partitioned again. Further passes only confirm the result: with few images they keep its errors.
PASSES = 2
# Q's features may overlap for two categories where they do not for the finer groups in them: the first
# partition has this many groups for each category, and the second one merges those that belong together.
_GROUPS_BY_FEATURES_OF_Q = 2


class DiscoverySettings(NamedTuple):
    """Settings of the discovery.

    Attributes:
        delta: arguments of `augment.positive_view` that keep the identity of an image.
        seed: root of all randomness.
        categorizer_steps: see `train_categorizer`.
        contrastive_steps: see the field of that name.
        ignore_colours: see the field of that name.
    """

    delta: dict[str, Any]
    seed: int
    categorizer_steps: int
    contrastive_steps: int = 0
    ignore_colours: bool = False


class RealImages(NamedTuple):
    """The training images that the discovery uses, and their features.

    Attributes:
        images: uint8 [N, h, w, C], at most 20,000 random ones; see `average_down`.
        image_shape: (H, W, C) before they were averaged down.
        codes: int64 [N], their codes.
        first: int64 [n], sorted indices of the at most 4,000 that are partitioned.
        features: float [n, F], theirs.
        encoder: what `train_contrastive_encoder` returned; None when the features are those of the model.
    """

    images: np.ndarray
    image_shape: tuple[int, int, int]
    codes: np.ndarray
    first: np.ndarray
    features: np.ndarray
    encoder: keras.Model | None


class Discovery(NamedTuple):
    """What `discover_categories` finds.

    Attributes:
        grouping: the categories as groups of codes.
        categorizer: the network; see `networks.categorizer`.
    """

    grouping: CodeGrouping
    categorizer: keras.Model


def represent_images(model: GenerativeModel, images: np.ndarray | StoredImages,
                     settings: DiscoverySettings, encoder_path: str | os.PathLike | None = None
                     ) -> RealImages:
    """Return real images with their codes and features, by Q or by an encoder of their own.

    Args:
        model: a trained model with K codes.
        images: its training images, uint8 [N, H, W, C].
        settings: the settings.
        encoder_path: file of the encoder, see `load_or_train_encoder`; None for none.

    Raises:
        OSError: the file cannot be written.
    """
    generator = np.random.default_rng(settings.seed)
    pool = images[_choose(generator, len(images), MAX_SELF_LABELLED)]
    first = _choose(generator, len(pool), MAX_PARTITIONED)
    features, codes = _encode(model, pool)
    height, width, channels = pool.shape[1:]
    pool = average_down(pool)
    features, encoder = features[first], None
    if settings.contrastive_steps:
        # Grey images have no colours to ignore.
        delta = contrastive_delta(settings.delta, settings.ignore_colours and channels == 3)
        arguments = (pool, delta, settings.seed, settings.contrastive_steps)
        encoder = (train_contrastive_encoder(*arguments) if encoder_path is None
                   else load_or_train_encoder(encoder_path, *arguments))
        features = encode_in_batches(encoder, pool[first])
    return RealImages(pool, (height, width, channels), codes, first, features, encoder)


def discover_categories(model: GenerativeModel, real: RealImages, num_categories: int,
                        settings: DiscoverySettings, epochs: int,
                        report: Callable[[str], None] = print) -> Discovery:
    """Find categories of real images, and the codes that generate each.

    Args:
        model: a trained model with K codes.
        real: its training images; see `represent_images`.
        num_categories: M, from 2 to K.
        settings: the settings.
        epochs: number of epochs that the model was trained for.
        report: called with a line of text after each step.
    """
    seed, first = settings.seed, real.first
    features, groups = real.features, real.codes[first]
    categorizer = None
    for number in range(PASSES):
        if categorizer is None and real.encoder is None:
            num_groups = max(num_categories, min(_GROUPS_BY_FEATURES_OF_Q * num_categories,
                                                 most_categories(len(first))))
            partition, consensus = partition_images(
                real.images[first], features, groups, num_groups, seed)
        else:
            num_groups = num_categories
            if categorizer is not None:
                features, probabilities = embed_in_batches(categorizer, real.images[first])
                groups = probabilities.argmax(axis=1)
            partition, consensus = consensus_partition(
                candidate_partitions(features, num_groups, groups, seed))
        report(f"pass {number + 1}/{PASSES}: consensus of the partitions of {len(first):,} real images into "
               f"{num_groups} groups: {consensus:.3f}")
        categorizer = train_categorizer(real.images, first, partition, num_groups, settings.delta, seed,
                                        settings.categorizer_steps, report, real.encoder)
    categories = categorize_in_batches(categorizer, real.images).argmax(axis=1)
    if real.images.shape[1:] != real.image_shape:
        categorizer = resized_categorizer(categorizer, real.image_shape)
    grouping = _group_by_categorizer(
        model, categorizer, real.images, categories, real.codes, num_categories, seed, epochs, consensus)
    return Discovery(grouping, categorizer)


def regroup(model: GenerativeModel, images: np.ndarray | StoredImages, discovery: Discovery, seed: int,
            epochs: int) -> Discovery:
    """Return the same categories with the codes grouped anew, for weights that were trained on since.

    Args:
        model: the trained model.
        images: see `represent_images`.
        discovery: what was found for earlier weights.
        seed: root of all randomness.
        epochs: number of epochs that the model was trained for.
    """
    pool = images[_choose(np.random.default_rng(seed), len(images), MAX_SELF_LABELLED)]
    _, codes = _encode(model, pool)
    categories = categorize_in_batches(discovery.categorizer, pool).argmax(axis=1)
    old = discovery.grouping
    return discovery._replace(grouping=_group_by_categorizer(
        model, discovery.categorizer, average_down(pool), categories, codes, old.num_categories, seed, epochs,
        old.consensus))


def numbers_to_compare(candidates: Sequence[int] | None, num_codes: int, num_images: int) -> Sequence[int]:
    """Return the candidates, or those of `default_candidates` when None, for the images of a training set.

    Raises:
        UserError: there are too few images for the largest candidate.
    """
    num_partitioned = min(num_images, MAX_PARTITIONED)
    numbers = default_candidates(num_codes, num_partitioned) if candidates is None else candidates
    if max(numbers) > most_categories(num_partitioned):
        raise UserError(f"{max(numbers)} categories are to be compared, and there are {num_partitioned} "
                        f"images; expected at least {4 * max(numbers)} images")
    return numbers


def partition_images(images: np.ndarray, features: np.ndarray, codes: np.ndarray, num_categories: int,
                     seed: int) -> tuple[np.ndarray, float]:
    """Return the consensus of partitions of images by the encoder's features and, where they help, by pixels.

    Partitions by principal components of the pixels take part if they agree with each other more than those
    by the features do: on small sets, or with aligned images, pixels may tell more than the encoder.

    Args:
        images: uint8 [n, H, W, C].
        features: float [n, F], the encoder's features of the images.
        codes: int64 [n], their codes.
        num_categories: M.
        seed: of k-means.

    Returns:
        The groups, int64 [n] in [0, M), and their mean NMI with the other partitions.
    """
    by_features = candidate_partitions(features, num_categories, codes, seed)
    with progress.stage(f"finds principal components of {len(images):,} images"):
        components = pixel_components(images, seed)
    by_pixels = candidate_partitions(components, num_categories, seed=seed)
    partition, consensus = consensus_partition(by_features)
    if consensus_partition(by_pixels)[1] > consensus:
        partition, consensus = consensus_partition([*by_features, *by_pixels])
    return partition, consensus


def judge_codes(model: GenerativeModel, categorizer: keras.Model, num_categories: int, seed: int
                ) -> tuple[np.ndarray, np.ndarray]:
    """Return a categorizer's predictions for each code's generated images, and these images.

    Returns:
        The share of a code's images in each category, float64 [K, M], rows sum to one; and the images,
        uint8 [K, n, h, w, C], see `average_down`.
    """
    shares, images = np.zeros([model.num_codes, num_categories]), []
    with progress.stage(f"categorizes generated images of {model.num_codes} codes", model.num_codes,
                        "code") as advance:
        for code in range(model.num_codes):
            # An evaluation with the seed of the run has other images than those by which codes are grouped.
            generated = generate_images_of_code(
                model, code, IMAGES_PER_CODE, stream_seed(seed, Stream.GROUPING, code))
            probabilities = categorize_in_batches(categorizer, generated)
            counts = np.bincount(probabilities.argmax(axis=1), minlength=num_categories)
            shares[code] = counts / IMAGES_PER_CODE
            images.append(average_down(generated))
            advance()
    return shares, np.stack(images)


def _group_by_categorizer(model, categorizer, real, categories, codes, num_categories, seed, epochs,
                          consensus):
    """The `CodeGrouping` by the categories of each code's generated images and of its real ones."""
    shares, generated = judge_codes(model, categorizer, num_categories, seed)
    of_real = np.zeros([model.num_codes, num_categories])
    np.add.at(of_real, (codes, categories), 1)
    first = _choose(np.random.default_rng(seed), len(real), MAX_PARTITIONED)
    resembled = resembled_shares(generated, real[first], categories[first], num_categories, seed)
    return group_codes(shares, resembled, of_real, np.asarray(model.prior.probabilities, np.float64),
                       of_real.sum(axis=0) / len(codes), epochs, consensus)


def _encode(model, images):
    with progress.stage(f"encodes {len(images):,} images"):
        return encode_images(model, images)


def _choose(generator, num, most):
    """Sorted indices of all of `num` images, or of `most` random ones."""
    return np.sort(generator.permutation(num)[:most])

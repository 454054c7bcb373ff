"""Partitions by whatever knows more, features or pixels, and what the categorizer sees of each code."""

import types

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import adjusted_rand_score

from eig_tf.categories import discovery, partitions
from eig_tf.errors import UserError
from eig_tf.networks.precision import policy


def test_shares_are_those_of_the_categorizer(monkeypatch):
    """A code's images are as bright as its number for the first half of them, and black for the rest."""
    seeds = []

    def generate(model, code, num, seed):
        seeds.append(tuple(np.asarray(seed)))
        return np.r_[np.full(num // 2, code), np.zeros(num - num // 2)].reshape(-1, 1, 1, 1).astype(np.uint8)

    def categorizer(images, training):
        level = tf.cast(tf.round((images[:, 0, 0, 0] + 1) * 127.5), tf.int32)
        return None, tf.one_hot(level, 3)
    monkeypatch.setattr(discovery, "generate_images_of_code", generate)
    shares, images = discovery.judge_codes(types.SimpleNamespace(num_codes=3), categorizer, 3, seed=0)
    np.testing.assert_allclose(shares, [[1, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5]])
    assert images.shape == (3, 100, 1, 1, 1)
    assert images[2].ravel().tolist() == 50 * [2] + 50 * [0]
    # An evaluation takes other images.
    assert len(set(seeds)) == 3 and not {(0, 0), (0, 1), (0, 2)} & set(seeds)


def test_the_second_partition_is_of_the_categorizers_features(monkeypatch):
    """The encoder knows nothing; the first categorizer, however it was trained, tells dark from bright."""
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    monkeypatch.setattr(discovery, "IMAGES_PER_CODE", 5)
    generator = np.random.default_rng(0)
    dark = np.arange(60) % 3 == 0
    images = np.where(dark, 40, 200)[:, np.newaxis, np.newaxis, np.newaxis] + generator.integers(
        -9, 10, [60, 4, 4, 1])
    monkeypatch.setattr(discovery, "partition_images", lambda images, features, codes, num_groups, seed: (
        generator.integers(0, num_groups, 60), 0.125))
    monkeypatch.setattr(discovery, "encode_images", lambda model, images: (
        generator.normal(size=[len(images), 4]), np.zeros(len(images), np.int64)))
    monkeypatch.setattr(discovery, "generate_images_of_code", lambda model, code, num, seed: np.full(
        [num, 4, 4, 1], 255 * code, np.uint8))
    trained_on, lines = [], []

    def train(images, first, partition, num_groups, delta, seed, steps, report, start):
        assert steps == 11 and start is None
        trained_on.append(partition)
        # The first partition is finer than the categories are.
        assert num_groups == [4, 2][len(trained_on) - 1] == partition.max() + 1

        def categorizer(images, training):
            logits = tf.concat([images[:, 0, 0], -images[:, 0, 0]], axis=-1)
            return logits + [[0.5, 1.5]], logits
        return categorizer
    monkeypatch.setattr(discovery, "train_categorizer", train)
    model = types.SimpleNamespace(num_codes=2, prior=types.SimpleNamespace(probabilities=[0.5, 0.5]))
    settings = discovery.DiscoverySettings({}, seed=0, categorizer_steps=11)
    real = discovery.represent_images(model, images.astype(np.uint8), settings)
    found = discovery.discover_categories(model, real, 2, settings, 7, lines.append)
    assert len(trained_on) == discovery.PASSES == 2
    assert adjusted_rand_score(dark, trained_on[0]) < 0.2 and adjusted_rand_score(dark, trained_on[1]) == 1
    assert [line.split(":")[0] for line in lines] == ["pass 1/2", "pass 2/2"]
    assert lines[0].endswith("of 60 real images into 4 groups: 0.125")
    np.testing.assert_allclose(found.grouping.fractions, [2 / 3, 1 / 3])
    assert found.grouping.code_to_category.tolist() == [1, 0] and found.grouping.epochs == 7
    assert 0.125 < found.grouping.consensus <= 1


@pytest.mark.parametrize(("ignore_colours", "channels", "ignored"),
                         [(True, 3, True), (True, 1, False), (False, 3, False)])
def test_features_are_those_of_an_encoder_that_was_trained(monkeypatch, ignore_colours, channels, ignored):
    """Q's features play no part in the partition then, and the categorizers start from the encoder."""
    monkeypatch.setattr(discovery, "encode_images", lambda model, images: (
        np.full([len(images), 4], np.nan), np.zeros(len(images), np.int64)))

    def train_encoder(images, delta, seed, steps):
        assert steps == 13 and (delta.get("hue", 0) > 0) == ignored
        return lambda images, training: tf.concat([images[:, 0, 0], -images[:, 0, 0]], axis=-1)
    started = []

    def train(images, first, partition, num_groups, delta, seed, steps, report, start):
        assert num_groups == 2
        started.append((start, partition, delta))
        return lambda images, training: (start(images, training), start(images, training)[:, -2:])
    monkeypatch.setattr(discovery, "train_contrastive_encoder", train_encoder)
    monkeypatch.setattr(discovery, "train_categorizer", train)
    monkeypatch.setattr(discovery, "_group_by_categorizer", lambda *arguments: None)
    dark = np.arange(60) % 3 == 0
    noise = np.random.default_rng(0).integers(-9, 10, [60, 4, 4, channels])
    images = np.where(dark, 40, 200)[:, np.newaxis, np.newaxis, np.newaxis] + noise
    settings = discovery.DiscoverySettings({"rotation": 3.0}, 0, 11, 13, ignore_colours)
    real = discovery.represent_images(None, images.astype(np.uint8), settings)
    discovery.discover_categories(None, real, 2, settings, 7, lambda line: None)
    assert len(started) == 2
    for start, partition, delta in started:
        assert start is real.encoder and delta == {"rotation": 3.0}
        assert adjusted_rand_score(dark, partition) == 1


def test_large_images_are_averaged_down_once_and_the_categorizer_takes_them_as_they_are(monkeypatch):
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    monkeypatch.setattr(discovery, "encode_images", lambda model, images: (
        np.zeros([len(images), 4]), np.zeros(len(images), np.int64)))
    compared = {}

    def group(model, categorizer, real, categories, codes, num_categories, seed, epochs, consensus):
        compared.update(shape=real.shape, categories=categories)
    monkeypatch.setattr(discovery, "_group_by_categorizer", group)
    images = np.random.default_rng(0).integers(0, 256, [12, 40, 48, 3], dtype=np.uint8)
    settings = discovery.DiscoverySettings({}, 0, 1, 1)
    with policy("mixed_bfloat16"):
        real = discovery.represent_images(None, images, settings)
        found = discovery.discover_categories(None, real, 2, settings, 1, lambda line: None).categorizer
    assert compared["shape"] == (12, 20, 24, 3)
    assert found.input_shape == (None, 40, 48, 3)
    probabilities = discovery.categorize_in_batches(found, images)
    assert probabilities.dtype == np.float32
    assert probabilities.argmax(axis=1).tolist() == compared["categories"].tolist()


def test_numbers_that_are_compared_and_too_many_are_refused():
    assert discovery.numbers_to_compare([2, 9], 12, 60) == [2, 9]
    assert list(discovery.numbers_to_compare(None, 6, 60)) == [2, 3, 4]
    # No more than 4,000 images are partitioned.
    assert discovery.numbers_to_compare([1000], 3000, 10**6) == [1000]
    with pytest.raises(UserError, match=r"1001 categories .* 4000 images"):
        discovery.numbers_to_compare([1001], 3003, 10**6)
    with pytest.raises(UserError, match=r"16 categories .* there are 60 images; expected at least 64 images"):
        discovery.numbers_to_compare([16], 48, 60)


@pytest.mark.parametrize("known_by", ["features", "pixels"])
def test_partition_follows_what_knows_more(monkeypatch, known_by):
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), [60, 30, 15])
    features, pixels = generator.normal(size=[105, 8]), generator.integers(0, 256, [105, 6, 6, 1])
    if known_by == "features":
        features = 4 * np.eye(3, 8)[groups] + generator.normal(0, 0.4, [105, 8])
    else:
        pixels = generator.integers(0, 200, [3, 6, 6, 1])[groups] + generator.integers(0, 50, [105, 6, 6, 1])
    found, consensus = discovery.partition_images(
        pixels.astype(np.uint8), features, np.zeros(105, np.int64), 3, seed=0)
    assert adjusted_rand_score(groups, found) > 0.95
    assert 0.3 < consensus <= 1


@pytest.mark.parametrize("num", [5, 40])
def test_equal_images_with_equal_features_are_partitioned(monkeypatch, num):
    monkeypatch.setattr(partitions, "NEIGHBOURS", (8,))
    images = np.full([num, 4, 4, 3], 200, np.uint8)
    found, consensus = discovery.partition_images(
        images, np.zeros([num, 4]), np.zeros(num, np.int64), 2, seed=0)
    assert found.shape == (num,) and set(found) <= {0, 1}
    assert 0 <= consensus <= 1

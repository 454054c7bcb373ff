"""Self-labelling: balanced labels by hand, a planted pair of categories, the file of the network."""

import numpy as np
import pytest

from eig_tf.categories import categorizer
from eig_tf.errors import UserError
from eig_tf.networks.categorizer import build_categorizer, build_encoder, resized_categorizer
from eig_tf.networks.precision import policy


def test_balanced_probabilities_by_hand():
    np.testing.assert_allclose(
        categorizer.balance_probabilities(np.full([4, 2], 0.5), np.array([0.75, 0.25])),
        np.tile([0.75, 0.25], [4, 1]))
    probabilities = np.array([[0.9, 0.1]] * 3 + [[0.6, 0.4]])
    plan = categorizer.balance_probabilities(probabilities, np.array([0.75, 0.25]))
    np.testing.assert_allclose(plan.sum(axis=0), [3, 1], rtol=1e-6)
    np.testing.assert_allclose(plan.sum(axis=1), 1)
    # One of four is of the second category: the image that fits it best, though it fits the first better.
    assert plan.argmax(axis=1).tolist() == [0, 0, 0, 1]
    # The nearest plan scales rows and columns, and does nothing else.
    ratio = plan / probabilities
    assert ratio[0, 0] * ratio[3, 1] == pytest.approx(ratio[0, 1] * ratio[3, 0])


@pytest.mark.parametrize("sizes", [[0.5, 0.3, 0.2], [1 - 2e-9, 1e-9, 1e-9], [0.7, 0.3, 0.0], [1.0, 0.0, 0.0]])
def test_column_sums_follow_every_size(sizes):
    logits = np.random.default_rng(0).normal(size=[50, 3])
    logits[0] = [-900, 0, -900]  # certain, to the last bit, of the second
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    plan = categorizer.balance_probabilities(probabilities.astype(np.float32), np.array(sizes))
    np.testing.assert_allclose(plan.sum(axis=1), 1)
    np.testing.assert_allclose(plan.sum(axis=0), 50 * np.array(sizes), atol=0.1)


def test_operations_are_at_least_strong_and_stronger_ones_stay():
    assert categorizer.strong_delta({"rotation": 5.0, "zoom": 0.0, "crop": 1.0}) == {
        "rotation": 5.0, "zoom": 0.15, "contrast": 0.2, "crop": 0.9}
    strong = {"zoom": 0.3, "contrast": 0.5, "crop": 0.7}
    assert categorizer.strong_delta(strong) == strong


@pytest.fixture
def stripes():
    """Images [60, 8, 8, 1] with horizontal stripes or vertical ones, forty and twenty, and their kinds."""
    kinds = np.repeat([0, 1], [40, 20])
    stripe = np.indices([8, 8]) // 2 % 2
    images = 150 * stripe[kinds] + np.random.default_rng(0).integers(0, 100, [60, 8, 8])
    return images[..., np.newaxis].astype(np.uint8), kinds


@pytest.mark.slow
def test_labels_spread_from_some_images_to_all(stripes, monkeypatch):
    monkeypatch.setattr(categorizer, "ROUNDS", 2)
    images, kinds = stripes
    first = np.arange(0, 60, 3)
    partition = kinds[first].copy()
    partition[0] = 1  # a mistake of the partition
    lines = []
    network = categorizer.train_categorizer(
        images, first, partition, 2, {"rotation": 5.0, "zoom": 0.0}, 0, 12, lines.append)
    probabilities = categorizer.categorize_in_batches(network, images)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert probabilities.argmax(axis=1).tolist() == kinds.tolist()
    assert [line.split(":")[0] for line in lines] == ["categorizer, round 1/2", "categorizer, round 2/2"]


def test_one_group_of_few_equal_images_trains_a_network(monkeypatch):
    """The second category has neither images nor, for long, labels."""
    monkeypatch.setattr(categorizer, "ROUNDS", 2)
    images = np.full([5, 8, 8, 3], 255, np.uint8)
    network = categorizer.train_categorizer(images, np.arange(5), np.zeros(5, np.int64), 2, {}, 0, 1, str)
    assert np.isfinite(categorizer.categorize_in_batches(network, images)).all()


def test_training_starts_from_the_weights_of_an_encoder(monkeypatch):
    """With a rate of nothing, the weights are where they started."""
    monkeypatch.setattr(categorizer, "ROUNDS", 1)
    monkeypatch.setattr(categorizer, "_RATE", 0.0)
    images = np.random.default_rng(0).integers(0, 256, [6, 8, 8, 1], dtype=np.uint8)
    start = build_encoder((8, 8, 1))
    before = [weights.copy() for weights in start.get_weights()]
    network = categorizer.train_categorizer(
        images, np.arange(6), np.arange(6) % 2, 2, {}, 5, 1, str, start)
    encoder = build_encoder((8, 8, 1))
    assert not np.array_equal(encoder.trainable_weights[0], before[0])
    for found, expected in zip(network.trainable_weights, start.trainable_weights):
        np.testing.assert_array_equal(found, expected)
    # The statistics of batch normalization move; the encoder itself does not change.
    for now, then in zip(start.get_weights(), before):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("size", [(130, 131), (65, 64), (32, 20)])
def test_images_are_averaged_down_as_the_network_does(monkeypatch, size):
    monkeypatch.setattr(categorizer, "_AT_A_TIME", 2)
    images = np.random.default_rng(0).integers(0, 256, [5, *size, 3], dtype=np.uint8)
    small = categorizer.average_down(images)
    assert small.dtype == np.uint8 and small.shape[1] == 32
    while size[0] > 32:
        size = size[0] // 2, size[1] // 2
    assert small.shape[1:3] == size
    if images.shape[1] == 65:
        assert small[3, 31, 31, 2] == np.rint(images[3, 62:64, 62:64, 2].mean())
    network = build_categorizer(small.shape[1:], 4)
    with policy("mixed_bfloat16"):  # that of a training whose networks have it
        resized = resized_categorizer(network, images.shape[1:])
    found, _ = categorizer.embed_in_batches(resized, images)
    expected, _ = categorizer.embed_in_batches(network, small)
    assert found.dtype == np.float32
    # Rounding to integers is the only difference; other weights would make one of more than the deviation.
    assert np.abs(found - expected).max() < 0.1 * expected.std()


def test_saved_network_is_loaded_equal_and_a_damaged_file_refused(tmp_path):
    network = build_categorizer((8, 8, 1), 3)
    path = tmp_path / "categorizer.keras"
    categorizer.save_categorizer(network, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    images = np.random.default_rng(0).integers(0, 256, [600, 8, 8, 1], dtype=np.uint8)  # two batches
    found = categorizer.categorize_in_batches(categorizer.load_categorizer(path), images)
    np.testing.assert_array_equal(found, categorizer.categorize_in_batches(network, images))
    content = path.read_bytes()
    middle = len(content) // 2
    for damaged in (b"", content[:middle], content[:middle] + b"\0damaged\0" + content[middle + 9:], None):
        path.unlink() if damaged is None else path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"cannot be read: .*; expected the network that tools/find_cate"):
            categorizer.load_categorizer(path)

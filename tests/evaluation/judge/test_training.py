import itertools

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras

from eig_tf.data.image_set import ImageSet
from eig_tf.evaluation.judge import training


def test_classes_come_in_turn_and_every_image_comes():
    labels = np.array([0] * 8 + [1] * 2 + [4])
    indices = np.fromiter(itertools.islice(training.balanced_indices(labels, 0), 24), int)
    # 24 draws are eight of each of the three classes, in every three one of each.
    for start in range(0, 24, 3):
        assert sorted(labels[indices[start:start + 3]]) == [0, 1, 4]
    np.testing.assert_array_equal(np.bincount(indices), [1] * 8 + [4] * 2 + [8])


def test_order_follows_the_seed():
    def first(seed):
        labels = np.arange(40) % 2
        return list(itertools.islice(training.balanced_indices(labels, seed), 40))
    assert first(1) == first(1) != first(2)


def _coloured(num, generator):
    """Reddish and bluish noise, one image in ten bluish."""
    labels = (np.arange(num) % 10 == 0).astype(np.int64)
    images = generator.integers(0, 100, [num, 32, 32, 3], dtype=np.uint8)
    images[np.arange(num), :, :, 2 * labels] += np.uint8(100)
    return ImageSet(images, labels, ("red", "blue"), "made")


def _linear(make=keras.Sequential):
    keras.utils.set_random_seed(0)
    return make([keras.layers.InputLayer((32, 32, 3)), keras.layers.GlobalAveragePooling2D(),
                 keras.layers.Dense(2)])


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(training, "ROUNDS", 3)


def test_the_best_round_on_validation_stays(short, monkeypatch):
    """Rates so large that the loss rises after a round: what is kept is no later one."""
    monkeypatch.setattr(training, "_RATE", 0.5)
    losses, weights = [], []

    def record(_, logs):
        losses.append(logs["val_loss"])
        weights.append(model.get_weights())

    class Recorded(keras.Sequential):
        def fit(self, *arguments, callbacks, **options):
            recorder = keras.callbacks.LambdaCallback(on_epoch_end=record)
            return super().fit(*arguments, callbacks=[recorder, *callbacks], **options)

    model = _linear(Recorded)
    report = training.fit_few(model, _coloured(50, np.random.default_rng(0)), mirrored=True)
    assert len(losses) == 3
    best = int(report["steps"] / 20) - 1
    for kept, seen in zip(model.get_weights(), weights[best]):
        np.testing.assert_array_equal(kept, seen)
    # Later rounds may be better by less than what counts.
    assert losses[best] - min(losses) < 0.01 and losses[best] <= losses[0]


def test_rare_classes_are_learned_and_reported(short, monkeypatch):
    monkeypatch.setattr(training, "_RATE", 0.1)
    model = _linear()
    report = training.fit_few(model, _coloured(100, np.random.default_rng(0)), mirrored=True)
    assert report["validation_accuracy"] == 1.0
    assert report["num_validation"] == 16  # 15% of 90 and of 10
    fresh = _coloured(100, np.random.default_rng(1))
    found = np.argmax(model(tf.cast(fresh.images, tf.float32) / 127.5 - 1), axis=-1)
    np.testing.assert_array_equal(found, fresh.labels)


def test_classes_too_small_for_validation_are_validated_on_themselves(short):
    report = training.fit_few(
        _linear(), _coloured(11, np.random.default_rng(0)).subset([0, 1, 2, 10]), mirrored=False)
    assert report["num_validation"] == 0


@pytest.mark.parametrize("mirrored", [True, False])
def test_only_sets_that_may_be_mirrored_are(mirrored):
    images = np.zeros([4, 32, 32, 1], np.uint8)
    images[:, :, :12] = 255
    batches = training._balanced_batches(ImageSet(images, np.array([0, 0, 1, 1]), "ab", "made"),
                                                    1, mirrored)
    augmented, labels = next(iter(batches))
    assert augmented.shape == (64, 32, 32, 1) and labels.shape == (64,)
    left, right = (np.mean(half, axis=(1, 2, 3)) for half in (augmented[:, :, :8], augmented[:, :, -8:]))
    assert np.any(right > left) == mirrored
    assert np.any(left > right)

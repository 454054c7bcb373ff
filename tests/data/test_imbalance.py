"""Class-imbalanced splits: exact counts, seeds, limits."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eig_tf.data import imbalance
from eig_tf.errors import UserError

MNIST = np.array([6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958])
DIGITS = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
LABELS = np.repeat(np.arange(10), MNIST)


def test_the_fifty_splits_are_the_published_ones():
    counts = imbalance.mnist_counts()
    assert counts.shape == (50, 10)
    assert counts[0].tolist() == [6300, 1585, 1407, 6134, 5812, 4882, 2424, 4785, 6125, 3340]
    assert counts[49].tolist() == [2422, 1588, 4590, 4061, 5445, 1940, 1324, 4621, 1947, 6300]
    np.testing.assert_array_equal(counts.max(axis=1), np.full(50, 6300))
    digest = hashlib.sha256(counts.astype("<i8").tobytes()).hexdigest()
    assert digest == "8715a0aae551284754f76b33b8def3dfbfb1fc4621f98095ea28e4326f9d34de"


@pytest.mark.parametrize("split", range(50))
def test_split_is_drawn_with_exact_counts_and_no_image_twice(split):
    counts = imbalance.split_counts("mnist", split, MNIST)
    indices = imbalance.draw(LABELS, counts, seed=split)
    np.testing.assert_array_equal(np.bincount(LABELS[indices]), imbalance.mnist_counts()[split])
    assert len(np.unique(indices)) == len(indices)
    assert indices.dtype == np.int64
    assert (np.diff(indices) > 0).all()


@pytest.mark.parametrize("split", [-1, 50, 10**6])
def test_split_out_of_range_is_refused(split):
    with pytest.raises(UserError, match=f"--split is {split}; expected 0 to 49"):
        imbalance.split_counts("digits", split, DIGITS)


def test_same_seed_same_images_other_seed_other_images():
    counts = imbalance.split_counts("mnist", 3, MNIST)
    first = imbalance.draw(LABELS, counts, seed=7)
    np.testing.assert_array_equal(first, imbalance.draw(LABELS, counts, seed=7))
    other = imbalance.draw(LABELS, counts, seed=8)
    assert len(other) == len(first)
    assert not np.array_equal(first, other)


def test_draw_reaches_the_whole_set_wherever_labels_lie():
    """Labels in any order, and every image has its chance: 60 draws of half a class miss none."""
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [10, 6, 4]))
    counts = [5, 3, 2]
    drawn = [imbalance.draw(labels, counts, seed) for seed in range(60)]
    for indices in drawn:
        np.testing.assert_array_equal(np.bincount(labels[indices]), counts)
    assert set(np.concatenate(drawn)) == set(range(20))


def test_class_that_is_used_whole_and_class_that_is_not_used():
    labels = np.array([0, 1, 1, 2])
    np.testing.assert_array_equal(imbalance.draw(labels, [1, 0, 1], seed=0), [0, 3])


def test_class_with_too_few_images_is_named():
    available = MNIST.copy()
    available[3] = 6133
    with pytest.raises(UserError, match="--split=0 takes 6134 images of class 3; the data holds 6133"):
        imbalance.split_counts("mnist", 0, available)
    available[3] = 6134
    assert imbalance.split_counts("mnist", 0, available)[3] == 6134


def test_digits_have_the_proportions_of_the_split_and_one_class_used_whole():
    counts = imbalance.split_counts("digits", 0, DIGITS)
    # Class 0 runs out first: 178 of 178 for 6300; class 1 gets 1585 * 178 / 6300 = 44.78.
    assert counts.tolist() == [178, 44, 39, 173, 164, 137, 68, 135, 173, 94]


@pytest.mark.parametrize("split", range(50))
def test_digits_never_take_more_than_there_is(split):
    counts = imbalance.split_counts("digits", split, DIGITS)
    assert (counts <= DIGITS).all()
    assert (counts >= 1).all()
    assert (counts == DIGITS).any()


def test_scaled_counts_by_hand():
    np.testing.assert_array_equal(imbalance.scaled_counts([4, 2, 1], [8, 8, 8]), [8, 4, 2])
    np.testing.assert_array_equal(imbalance.scaled_counts([4, 2, 1], [100, 5, 100]), [10, 5, 2])
    np.testing.assert_array_equal(imbalance.scaled_counts([1000, 1], [10, 10]), [10, 1])


@given(st.lists(st.tuples(st.integers(1, 7000), st.integers(1, 7000)), min_size=2, max_size=12))
def test_scaled_counts_keep_proportions(classes):
    proportions, available = np.array(classes).T
    counts = imbalance.scaled_counts(proportions, available)
    assert (counts >= 1).all()
    assert (counts <= available).all()
    assert (counts == available).any()
    exact = proportions * np.min(available / proportions)
    assert (np.abs(counts - exact) <= 1).all()


def test_expected_false_negatives_by_hand():
    assert imbalance.expected_false_negatives([0.5, 0.25, 0.25]) == pytest.approx(0.375)
    assert imbalance.expected_false_negatives(np.full(10, 0.1)) == pytest.approx(0.1)

"""Class-imbalanced subsets: exact counts, seeds, groups, limits."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eig_tf import config as config_lib
from eig_tf.data import imbalance
from eig_tf.data.image_set import ImageSet
from eig_tf.errors import UserError

MNIST = np.array([6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958])
DIGITS = np.array([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
LABELS = np.repeat(np.arange(10), MNIST)
PAPER_COUNTS = np.array(imbalance.paper_splits()["mnist"]["counts"])


def labelled(labels, groups=None):
    """Return an image set with only labels and groups of interest."""
    labels = np.asarray(labels)
    names = tuple(map(str, range(labels.max() + 1)))
    return ImageSet(np.zeros([len(labels), 1, 1, 1], np.uint8), labels, names, "made", groups)


def asked(dataset, split=0, imbalance="paper"):
    """Return the config of one subset of a data set."""
    config = config_lib.load_preset(dataset)
    config.split, config.data.imbalance = split, imbalance
    return config


def test_the_fifty_splits_are_the_published_ones():
    counts = PAPER_COUNTS
    assert counts.shape == (50, 10)
    assert counts[0].tolist() == [6300, 1585, 1407, 6134, 5812, 4882, 2424, 4785, 6125, 3340]
    assert counts[49].tolist() == [2422, 1588, 4590, 4061, 5445, 1940, 1324, 4621, 1947, 6300]
    np.testing.assert_array_equal(counts.max(axis=1), np.full(50, 6300))
    digest = hashlib.sha256(counts.astype("<i8").tobytes()).hexdigest()
    assert digest == "8715a0aae551284754f76b33b8def3dfbfb1fc4621f98095ea28e4326f9d34de"


@pytest.mark.parametrize("split", range(50))
def test_split_is_drawn_with_exact_counts_by_the_seed_and_no_image_twice(split):
    counts = imbalance.split_counts(asked("mnist", split), MNIST)
    indices = imbalance.draw_subset(labelled(LABELS), counts, seed=split)
    np.testing.assert_array_equal(np.bincount(LABELS[indices]), PAPER_COUNTS[split])
    assert len(np.unique(indices)) == len(indices)
    assert indices.dtype == np.int64
    assert (np.diff(indices) > 0).all()
    np.testing.assert_array_equal(indices, imbalance.draw_subset(labelled(LABELS), counts, seed=split))
    assert not np.array_equal(indices, imbalance.draw_subset(labelled(LABELS), counts, seed=split + 1))


def test_draw_reaches_the_whole_set_in_any_order_of_labels():
    """With labels in any order, 60 draws of half of each class miss no image."""
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [10, 6, 4]))
    counts = [5, 3, 2]
    drawn = [imbalance.draw_subset(labelled(labels), counts, seed) for seed in range(60)]
    for indices in drawn:
        np.testing.assert_array_equal(np.bincount(labels[indices]), counts)
    assert set(np.concatenate(drawn)) == set(range(20))
    # Classes that are used whole and one that is not used.
    np.testing.assert_array_equal(imbalance.draw_subset(labelled([0, 1, 1, 2]), [1, 0, 1], seed=0), [0, 3])


def test_classes_that_do_not_fit_the_split_are_refused():
    available = MNIST.copy()
    available[3] = 6133
    with pytest.raises(UserError, match="--split=0 takes 6134 images of class 3; the data holds 6133"):
        imbalance.split_counts(asked("mnist", 0), available)
    available[3] = 6134
    assert imbalance.split_counts(asked("mnist", 0), available)[3] == 6134
    with pytest.raises(UserError, match=r"--imbalance=0\.5,0\.5 has 2 fractions; the data has 10 classes"):
        imbalance.split_counts(asked("cars", imbalance="0.5,0.5"), [96] * 10)


@pytest.mark.parametrize(("dataset", "available", "counts"), [
    # Class 0 runs out first: 178 of 178 for 6300; class 1 gets 1585 * 178 / 6300 = 44.78.
    ("digits", DIGITS, [178, 44, 39, 173, 164, 137, 68, 135, 173, 94]),
    # 0.141 is the largest fraction: 96 renders; the second class gets 96 * 0.116 / 0.141 = 78.98.
    ("cars", [96] * 10, [96, 78, 87, 52, 70]),
    # The paper's fractions are 5, 4, 3, 7 and 8 of 27.
    ("shapenet", [50, 40, 30, 70, 80], [49, 39, 30, 69, 79]),
    ("shapenet", [27, 121, 23, 20, 34], [14, 11, 8, 20, 22])])
def test_split_keeps_its_proportions_and_one_class_is_used_whole(dataset, available, counts):
    assert imbalance.split_counts(asked(dataset), available)[:len(counts)].tolist() == counts


def test_scaled_counts_against_hand_computed_values():
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


def complete_fractions(printed, seed):
    """Complete the five fractions that the paper prints to ten, by the rule in docs/datasets.md."""
    weights = np.random.RandomState(seed).uniform(0.25, 1.0, 5)
    rest = 1.0 - sum(printed)
    others = np.round(rest * weights / weights.sum(), 3)
    others[-1] = rest - others[:-1].sum()
    return [*printed, *(round(float(share), 3) for share in others)]


@pytest.mark.parametrize(("dataset", "offset"), [("cars", 0), ("chairs", 100)])
def test_fractions_that_the_paper_does_not_print_are_completed_by_the_stated_rule(dataset, offset):
    entry = imbalance.paper_splits()[dataset]
    for split, (printed, fractions) in enumerate(zip(entry["printed"], entry["fractions"])):
        assert fractions[:5] == printed
        assert fractions == complete_fractions(printed, offset + split)
        assert sum(fractions) == pytest.approx(1.0)
        # Not so small that no render of 62 is left, and about as large as the printed ones.
        assert len(fractions) == 10
        assert min(fractions) >= 0.02
        assert max(fractions) <= 0.21


def test_printed_fractions_and_class_ids():
    cars, chairs = (imbalance.paper_splits()[name] for name in ("cars", "chairs"))
    assert cars["printed"][0] == [0.141, 0.116, 0.128, 0.077, 0.104]
    assert chairs["printed"][4] == [0.044, 0.06, 0.191, 0.1, 0.022]
    assert cars["class_ids"][3] == ["038", "111", "104", "159", "035", "037", "086", "043", "173", "196"]
    assert chairs["class_ids"][0][:3] == ["0965", "0960", "0710"]
    for entry in (cars, chairs):
        assert [len(set(ids)) for ids in entry["class_ids"]] == [10] * 5


def test_renders_of_an_object_stay_together():
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    groups = np.array([7, 7, 3, 3, 5, 5, 9, 9, 8, 8])
    image_set = labelled(labels, groups)
    np.testing.assert_array_equal(imbalance.available_units(image_set), [3, 2])
    seen = set()
    for seed in range(30):
        indices = imbalance.draw_subset(image_set, [2, 1], seed)
        drawn = set(groups[indices])
        assert len(drawn) == 3
        assert len(indices) == 6
        assert np.bincount(labels[indices]).tolist() == [4, 2]
        seen |= drawn
    assert seen == {3, 5, 7, 8, 9}


@pytest.mark.parametrize(("text", "found"), [
    ("0.5,0.6", "sums to 1.1"), ("0.5,0.5,0", "above 0"), ("-0.5,1.5", "above 0"), ("nan,1", "above 0"),
    ("inf,1", "above 0"), ("half,half", "one fraction for each class"), ("", "one fraction for each class"),
    ("0.5;0.5", "one fraction for each class"), ("balanced", "one fraction for each class")])
def test_invalid_fractions_are_refused(text, found):
    with pytest.raises(UserError, match=found) as error:
        imbalance.check_split(asked("cars", imbalance=text))
    assert f"--imbalance is {text!r}" in str(error.value)


@pytest.mark.parametrize(("dataset", "split", "text", "sentence"), [
    ("digits", -1, "paper", "--split is -1; expected 0 to 49"),
    ("digits", 50, "paper", "--split is 50; expected 0 to 49"),
    ("cars", 5, "paper", "--split is 5; expected 0 to 4"),
    ("shapenet", 1, "paper", "--split is 1; expected 0, the only one"),
    ("ytf", 1, "none", "--split is 1; expected 0, the only one"),
    ("folder", 0, "paper", "the paper has no splits of --dataset=folder; expected none")])
def test_split_that_a_set_does_not_have_is_refused(dataset, split, text, sentence):
    with pytest.raises(UserError, match=sentence):
        imbalance.check_split(asked(dataset, split, text))

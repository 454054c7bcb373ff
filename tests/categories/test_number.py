"""How many categories there are: the evidence by hand, and on blobs whose number is known."""

import json

import numpy as np
import pytest

from eig_tf.categories import number
from eig_tf.categories.number import NumberEvidence


def blobs(sizes, seed=0):
    """Features of groups that lie around axes of their own, and the groups."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return np.eye(len(sizes) + 2)[groups] + generator.normal(scale=0.1, size=[len(groups), len(sizes) + 2])


def evidence(*rows):
    return [NumberEvidence(*row, 0.0) for row in rows]


def test_prediction_strength_by_hand():
    # Group 0: 3 of 6 pairs together (3 and 1 images); group 1: its one pair apart; group 2 has no pairs.
    groups, predicted = np.array([0, 0, 0, 0, 1, 1, 2]), np.array([1, 1, 1, 0, 0, 2, 2])
    assert number.prediction_strength(groups, predicted) == pytest.approx((4 * 0.5 + 2 * 0) / 6)
    assert number.prediction_strength(groups, groups + 3) == 1
    assert number.prediction_strength(np.arange(5), np.zeros(5, np.int64)) == 0


def test_agreement_by_hand():
    same, other = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert number.mean_agreement([same, 1 - same]) == 1
    # The adjusted Rand index of two crossed halves of four is -0.5.
    assert number.mean_agreement([same, same, other]) == pytest.approx((1 - 0.5 - 0.5) / 3)


@pytest.mark.parametrize(("rows", "expected"), [
    ([(7, 0.99, 0.7), (8, 0.9, 0.7), (9, 0.85, 0.8), (10, 0.8, 0.75)], 9),
    # Of equal agreement, the stronger one.
    ([(9, 0.79, 0.9), (10, 0.8, 0.9 + 1e-12), (11, 0.7, 0.9)], 10),
    ([(5, 0.0, 0.0)], 5),
])
def test_suggestion_by_hand(rows, expected):
    assert number.suggest_number(evidence(*rows)) == expected


def test_blobs_are_counted_with_rare_ones_among_them():
    # Graphs of separate groups are not connected: the eigenvalue 1 occurs six times.
    features = blobs([80, 60, 50, 50, 40, 40])
    found = number.measure_numbers(features, [12, 6, 3, 6])
    assert [each.number for each in found] == [3, 6, 12]
    assert number.suggest_number(found) == 6
    assert found[1].strength > 0.99 and found[2].strength < number.STABLE


def test_lengths_of_features_do_not_count():
    features = blobs([20, 20, 20])
    scaled = features * np.random.default_rng(1).uniform(0.5, 20, [len(features), 1])
    for one, other in zip(number.measure_numbers(features, [2, 3]), number.measure_numbers(scaled, [2, 3])):
        np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("num", [9, 41])
def test_the_largest_number_for_few_images_can_be_measured(num):
    largest = number.most_categories(num)
    found, = number.measure_numbers(np.random.default_rng(0).normal(size=[num, 3]), [largest])
    assert np.isfinite(found).all() and 0 <= found.strength <= 1


def test_equal_images_give_finite_evidence():
    found = number.measure_numbers(np.ones([40, 3]), [2, 3])
    assert np.isfinite(found).all()


def test_candidates_follow_codes_and_images():
    assert number.default_candidates(30, 4000) == range(5, 21)
    assert number.default_candidates(60, 4000) == range(10, 41)
    assert number.default_candidates(300, 4000) == range(10, 41)
    assert number.default_candidates(30, 70) == range(2, 8)
    assert number.default_candidates(2, 5) == range(2, 3)


def test_table_and_file_say_what_is_suggested(tmp_path):
    stable, last = evidence((4, 0.9, 0.5), (5, 0.7, 0.5)), evidence((4, 0.9, 0.5))
    text = number.format_numbers(stable)
    assert text.splitlines()[1].split() == ["4", "0.90", "0.50", "0.0000", "stable"]
    assert text.splitlines()[-1].split() == ["suggested", "4"] and len(text.splitlines()) == 4
    assert "the suggestion is the largest number" in number.format_numbers(last)
    assert "no number has a strength of 0.8" in number.format_numbers(evidence((4, 0.5, 0.5)))
    number.save_numbers(stable, tmp_path / "number.json")
    saved = json.loads((tmp_path / "number.json").read_text())
    assert saved["suggested"] == 4
    assert saved["candidates"][1] == {"number": 5, "strength": 0.7, "agreement": 0.5, "eigengap": 0.0}

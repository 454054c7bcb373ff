"""The grouping of codes by the categories of their images."""

import numpy as np
import pytest

from eig_tf.categories import evidence


def test_each_code_goes_to_its_most_probable_category():
    shares = np.array([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6]])
    assert evidence.assign_codes(shares).tolist() == [1, 0, 1]


def test_an_empty_category_takes_the_code_that_fits_best():
    # All codes prefer category 0; code 2 fits category 1 better than code 1 does.
    shares = np.array([[0.9, 0.1, 0.0], [0.6, 0.2, 0.2], [0.5, 0.4, 0.1]])
    assert evidence.assign_codes(shares).tolist() == [0, 2, 1]


def test_an_empty_category_never_empties_another():
    """Code 0 fits category 2 best, but is the only code of category 1."""
    shares = np.array([[0.0, 0.6, 0.4], [0.9, 0.0, 0.1], [0.8, 0.0, 0.2]])
    assert evidence.assign_codes(shares).tolist() == [1, 0, 2]
    collapsed = np.tile([1.0, 0.0, 0.0, 0.0], [4, 1])
    assert sorted(evidence.assign_codes(collapsed)) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="there are 4 codes for 5 categories"):
        evidence.assign_codes(np.ones([4, 5]) / 5)


def test_codes_are_drawn_by_prior_and_purity():
    found = evidence.distribute_codes(np.array([0, 0, 1, 1, 2]), np.array([1.0, 0.5, 0.9, 0.9, 0.0]),
                                       np.array([0.1, 0.3, 0.2, 0.4, 0.0]) + 1e-30, 3)
    one, half = 0.1, 0.3 / 256  # 0.5 to the power of 8
    np.testing.assert_allclose(found, [
        [one / (one + half), half / (one + half), 0, 0, 0], [0, 0, 1 / 3, 2 / 3, 0], [0, 0, 0, 0, 1]])


def test_fits_that_are_all_small_are_told_apart():
    small = np.array([0.027, 0.009, 0.003])
    found = evidence.distribute_codes(np.zeros(3, int), small, np.full(3, 1 / 3), 1)
    np.testing.assert_allclose(found, [small**8 / np.sum(small**8)], atol=1e-11)


def test_codes_of_a_category_are_joined_first():
    shares = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.2, 0.8]])
    linkage = evidence.code_hierarchy(shares, np.array([0, 0, 1, 1]))
    # 1 - 0.8 for codes 2 and 3, 1 - 0.5 for 0 and 1, then the mean of 2, 1.8, 1.5 and 1.5.
    np.testing.assert_allclose(linkage, [[2, 3, 0.2, 2], [0, 1, 0.5, 2], [4, 5, 1.7, 4]])


def test_no_join_of_categories_is_below_height_one():
    """Not even where all codes generate the same, and category 1 took one of them."""
    shares = np.tile([1.0, 0.0], [4, 1])
    categories = evidence.assign_codes(shares)
    heights = evidence.code_hierarchy(shares, categories)[:, 2]
    assert heights.tolist() == [0, 0, 1]


def test_group_codes_by_hand():
    generated = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    real = np.array([[8, 0], [0, 2], [1, 3], [0, 0]])  # code 3 is of no real image
    prior, fractions = np.array([0.4, 0.3, 0.1, 0.2]), np.array([9, 5]) / 14
    resembled = np.array([[1.0, 0.0], [0.5, 0.5], [0.1, 0.9], [0.0, 1.0]])
    grouping = evidence.group_codes(generated, resembled, real, prior, fractions, epochs=5, consensus=0.75)
    # Code 2: (0.6 + 0.25) / 2 for category 0.
    assert grouping.code_to_category.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(grouping.agreement, [0.9, 0.8, 0.4, 0.7])
    np.testing.assert_allclose(grouping.prior, [0.4, 0.6])
    weights = np.array([0, 0.3 * 0.4**8, 0.1 * 0.36**8, 0.2 * 0.7**8])
    np.testing.assert_allclose(grouping.code_distribution, [[1, 0, 0, 0], weights / weights.sum()], atol=1e-9)
    np.testing.assert_array_equal(grouping.fractions, fractions)
    assert (grouping.epochs, grouping.consensus) == (5, 0.75)
    # Codes 1 and 3 with evidence (0.1, 0.9) and (0.3, 0.7).
    np.testing.assert_allclose(grouping.linkage[0], [1, 3, 1 - 0.03 - 0.63, 2])
    assert grouping.linkage.shape == (3, 4)


def test_images_resemble_real_ones_whatever_the_categorizer_says():
    """Codes 0 and 1 are noisy copies of real stripes, code 2 of both kinds in equal parts."""
    generator = np.random.default_rng(0)
    stripes = np.zeros([2, 8, 8, 1])
    stripes[0, ::2], stripes[1, :, ::2] = 200, 200
    kinds = np.repeat([0, 1], [30, 10])
    real = stripes[kinds] + generator.integers(0, 50, [40, 8, 8, 1])
    of_codes = np.array([np.zeros(8, int), np.ones(8, int), np.arange(8) % 2])
    generated = stripes[of_codes] + generator.integers(0, 50, [3, 8, 8, 8, 1])
    shares = evidence.resembled_shares(generated.astype(np.uint8), real.astype(np.uint8), kinds, 3, seed=0)
    # Five real images for each of eight, and one more for each category.
    np.testing.assert_allclose(43 * shares, [[41, 1, 1], [1, 41, 1], [21, 21, 1]])


@pytest.mark.parametrize("num_real", [1, 3])
def test_few_equal_images_resemble_each_other(num_real):
    images = np.full([2, 4, 6, 6, 3], 9, np.uint8)
    shares = evidence.resembled_shares(images, images[0, :num_real], np.ones(num_real, int), 2, seed=0)
    votes = 4 * num_real
    np.testing.assert_allclose(shares, np.tile([1, votes + 1], [2, 1]) / (votes + 2))

import numpy as np

from eig_tf.data.holdout import per_class_split


def test_every_class_is_split_in_the_same_ratio_and_one_image_is_trained_on():
    labels = np.repeat([0, 1, 2, 3], [10, 50, 5, 1])
    train, test = per_class_split(labels, seed=0)
    np.testing.assert_array_equal(np.bincount(labels[test], minlength=4), [2, 10, 1, 0])
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(66))


def test_seed_decides():
    labels = np.zeros(100, dtype=int)
    same = [per_class_split(labels, seed)[1] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(same[0], same[1])
    assert not np.array_equal(same[0], same[2])

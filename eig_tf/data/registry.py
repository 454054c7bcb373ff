"""The data sets by name."""

import importlib

from eig_tf.data import imbalance
from eig_tf.errors import UserError

DATASETS = ("digits", "mnist")


def load(name, data_dir=None):
    """Loads a whole data set, as `ImageSet`.

    Args:
        name: one of `DATASETS`.
        data_dir: where its files lie; what None means is the set's own business.

    Raises:
        UserError: there is no such set, or its loader finds its files missing or damaged.
    """
    if name not in DATASETS:
        raise UserError(f"--dataset is {name!r}; expected one of {', '.join(DATASETS)}")
    return importlib.import_module(f"eig_tf.data.{name}").load(data_dir)


def load_split(name, split, seed, data_dir=None):
    """Loads a data set and draws one of its class-imbalanced splits.

    Returns:
        The whole `ImageSet` and the `ImageSet` of the split.
    """
    imbalance.check_split(split)  # before a download that would be in vain
    whole = load(name, data_dir)
    counts = imbalance.split_counts(name, split, whole.class_counts())
    return whole, whole.subset(imbalance.draw(whole.labels, counts, seed))

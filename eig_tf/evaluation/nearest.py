"""1-NN classification by Q's features (supplement 3, table 4)."""

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import normalize

from eig_tf.data.holdout import per_class_split


def one_nn_accuracy(features, labels, seed):
    """Accuracy of the nearest neighbour's class on a held-out fifth of every class.

    Neighbours are nearest by cosine similarity, the similarity that the contrastive loss trains.

    Args:
        features: float [N, F].
        labels: int [N].
        seed: of the split.

    Returns:
        `accuracy`, `num_train` and `num_test` as a dict.
    """
    train, test = per_class_split(labels, seed)
    directions = normalize(features)
    neighbours = KNeighborsClassifier(n_neighbors=1, algorithm="brute")
    neighbours.fit(directions[train], labels[train])
    accuracy = np.mean(neighbours.predict(directions[test]) == labels[test])
    return {"accuracy": float(accuracy), "num_train": len(train), "num_test": len(test)}

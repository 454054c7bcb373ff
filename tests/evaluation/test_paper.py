from eig_tf.config import METHODS
from eig_tf.evaluation.paper import CLASSIFIER_ACCURACY, TABLE_1


def test_every_set_of_the_paper_has_every_method():
    assert set(TABLE_1) == {"mnist", "cars", "chairs", "shapenet", "ytf"} == set(CLASSIFIER_ACCURACY)
    for rows in TABLE_1.values():
        assert set(rows) == {*METHODS, "joint_vae"}


def test_boosts_that_the_text_names():
    """Section 4.1: gains over uniform_infogan in NMI and ENT."""
    boosts = {"mnist": (0.113, -0.244), "ytf": (0.127, -0.395), "cars": (0.351, -0.805),
              "chairs": (0.397, -0.897), "shapenet": (0.152, -0.234)}
    for dataset, expected in boosts.items():
        ours, uniform = TABLE_1[dataset]["elastic_infogan"], TABLE_1[dataset]["uniform_infogan"]
        found = tuple(round(a - b, 3) for a, b in zip(ours, uniform))
        # The text says 0.113 where the table has 0.889 - 0.777.
        assert all(abs(a - b) < 0.0015 for a, b in zip(found, expected)), (dataset, found)

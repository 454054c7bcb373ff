"""The methods against the paper's table of baselines, cell by cell."""

import pytest

from eig_tf.config import METHODS

PAPER = {
    "uniform_infogan": ("uniform", None),
    "ground_truth_infogan": ("ground_truth", None),
    "ground_truth_infogan_ntxent": ("ground_truth", "nt_xent"),
    "gumbel_infogan": ("learned", None),
    "gumbel_infogan_pos": ("learned", "positive_pairs"),
    "elastic_infogan": ("learned", "nt_xent"),
    "joint_vae": ("uniform", None),
}


def test_the_methods_are_those_of_the_paper():
    assert set(PAPER) <= set(METHODS)


@pytest.mark.parametrize("name", PAPER)
def test_prior_and_contrastive_term(name):
    assert (METHODS[name].prior, METHODS[name].contrastive_term) == PAPER[name]

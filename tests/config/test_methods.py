"""The methods against the paper's table of baselines, cell by cell."""

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


def test_priors_and_contrastive_terms_are_those_of_the_paper():
    assert {name: (METHODS[name].prior, METHODS[name].contrastive_term) for name in PAPER} == PAPER

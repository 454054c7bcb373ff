"""The GAN methods of the paper's table 1 as switches of one model."""

from typing import NamedTuple, Optional


class Method(NamedTuple):
    """What tells one method from another.

    Attributes:
        prior: `learned` (equation 2), `uniform` or `ground_truth` (the split's class fractions).
        contrastive_term: `nt_xent` (equation 3), `positive_pairs` (section 4, baseline v) or None.
    """

    prior: str
    contrastive_term: Optional[str]


METHODS = {
    "elastic_infogan": Method("learned", "nt_xent"),
    "uniform_infogan": Method("uniform", None),
    "ground_truth_infogan": Method("ground_truth", None),
    "ground_truth_infogan_ntxent": Method("ground_truth", "nt_xent"),
    "gumbel_infogan": Method("learned", None),
    "gumbel_infogan_pos": Method("learned", "positive_pairs"),
}

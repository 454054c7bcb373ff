"""Results that the paper prints, to stand beside one's own."""

# Table 1: (NMI, ENT), means over 50 splits of MNIST after 200 epochs.
TABLE_1 = {
    "mnist": {
        "uniform_infogan": (0.777, 0.457),
        "gumbel_infogan": (0.836, 0.326),
        "gumbel_infogan_pos": (0.878, 0.235),
        "elastic_infogan": (0.889, 0.213),
        "ground_truth_infogan": (0.783, 0.412),
        "ground_truth_infogan_ntxent": (0.801, 0.369),
    },
}

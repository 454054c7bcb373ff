"""E(F.N.), the expected share of false negatives among the pairs of a batch, on the paper's splits."""

from __future__ import annotations

import numpy as np

from eig_tf.data.imbalance import expected_false_negatives, paper_splits
from eig_tf.evaluation.paper import paper_results
from eig_tf.reproduction.comparison import Cell, Table, make_cell

_ROW, _METRIC = "class fractions", "expected_false_negatives"


def compute_false_negatives() -> Table:
    """Return E(F.N.) = sum p_i^2 over the splits of each data set, beside the paper's (equation 5).

    It needs neither images nor training.
    """
    results = paper_results()
    cells: dict[tuple[str, str, str], Cell] = {}
    notes: dict[str, tuple[str, ...]] = {}
    for dataset, (fractions, note) in _class_fractions().items():
        values = [expected_false_negatives(split) for split in fractions]
        published = results[_METRIC].get(dataset)
        cells[dataset, _ROW, _METRIC] = make_cell(
            values, published and (published, results[f"{_METRIC}_std"].get(dataset)), None)
        notes[dataset] = (note,)
    return Table(
        "false_negatives", "Expected share of false negatives E(F.N.) (supplement 2, equation 5)",
        "Means over splits ± standard deviation (n - 1), with the number of splits in brackets.", (_METRIC,),
        {dataset: (_ROW,) for dataset in notes}, cells, notes, decimals=4,
        row_heading="of")


def _class_fractions():
    """Return the class fractions of all splits, and where they are from, by data set."""
    splits, results = paper_splits(), paper_results()
    counts = np.array(splits["mnist"]["counts"], np.float64)
    printed = results["ytf_class_fractions"]
    partly = "the splits as eig_tf draws them; the paper prints the first five of the ten fractions of each"
    return {
        "mnist": (counts / counts.sum(axis=1, keepdims=True), "the 50 splits, from their class counts"),
        "ytf": ([printed], f"the fractions that the paper prints, which sum to {sum(printed):.3f}"),
        **{dataset: (splits[dataset]["fractions"], partly) for dataset in ("cars", "chairs")},
        "shapenet": (splits["shapenet"]["fractions"], "the fractions that the paper prints")}

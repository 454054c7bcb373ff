"""Pictures of an evaluation: confusion of codes and classes, learned against true distribution."""

import numpy as np
from matplotlib.figure import Figure

from eig_tf import files


def save_confusion(counts, code_to_class, class_names, path):
    """Draws the [K, C] table of codes and classes, codes in the order of the classes they match."""
    last = len(class_names)
    order = sorted(range(len(counts)), key=lambda code: (
        last if code_to_class[code] is None else code_to_class[code], code))
    shares = counts[order] / np.maximum(1, counts[order].sum(axis=1, keepdims=True))
    figure = Figure(figsize=(1.5 + 0.45 * last, 1.2 + 0.45 * len(counts)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        if shares[row, column] >= 0.005:
            axes.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center",
                      fontsize=8, color="white" if shares[row, column] > 0.6 else "black")
    axes.set_xticks(range(last), class_names)
    axes.set_yticks(range(len(order)), [f"code {code}" for code in order])
    axes.set_xlabel("class the classifier sees")
    axes.set_title("images of each code, %")
    _save(figure, path)


def save_prior(true_fractions, learned, class_names, path):
    """Draws the true class fractions [C] beside the learned distribution over matched classes [C]."""
    positions = np.arange(len(class_names))
    figure = Figure(figsize=(2 + 0.5 * len(class_names), 3.2), layout="constrained")
    axes = figure.subplots()
    axes.bar(positions - 0.2, true_fractions, 0.4, label="true", color="0.6")
    axes.bar(positions + 0.2, learned, 0.4, label="learned (matched code)", color="tab:blue")
    axes.axhline(1 / len(class_names), linestyle=":", linewidth=1, color="black", label="uniform")
    axes.set_xticks(positions, class_names)
    axes.set_ylabel("share")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    _save(figure, path)


def _save(figure, path):
    with files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)

"""Charts of a run: confusion of codes and classes, learned against true distribution, losses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eig_tf.figures.page import class_label

TRUE, LEARNED = "0.65", "tab:blue"  # colours
_FEW = 15
_FEW_LINES = 10  # what colours can tell apart


def draw_confusion(counts: np.ndarray, code_to_class: Sequence[int | None],
                   class_names: Sequence[str]) -> Figure:
    """Draw the confusion matrix, codes in the order of the classes that they match.

    Args:
        counts: int [K, C], generated images of each code by the class that the judge predicts.
        code_to_class: the class of each code, None for codes without one.
        class_names: C names.
    """
    counts = np.asarray(counts)
    num_codes, num_classes = counts.shape
    order = order_by_class(code_to_class)
    shares = counts[order] / np.maximum(1, counts[order].sum(axis=1, keepdims=True))
    few = max(num_codes, num_classes) <= _FEW
    cell = 0.36 if few else 0.24
    labels = list(map(class_label, class_names))
    figure = Figure(figsize=(1.0 + cell * num_classes, 0.8 + _label_length(labels) + cell * num_codes),
                    layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        if shares[row, column] > 0.005:
            axes.text(column, row, f"{100 * shares[row, column]:.0f}", ha="center", va="center",
                      fontsize=7 if few else 5, color="white" if shares[row, column] > 0.6 else "black")
    _name_ticks(axes, labels)
    axes.set_yticks(range(num_codes), [f"code {code}" for code in order])
    axes.tick_params(length=0, labelsize=8 if few else 6)
    axes.set_xlabel("predicted class")
    axes.set_title("images of each code, %", fontsize=8)
    return figure


def draw_prior(true_fractions: Sequence[float] | np.ndarray, prior: Sequence[float] | np.ndarray,
               class_names: Sequence[str], unmatched: float, learned: bool, num_codes: int) -> Figure:
    """Draw the true class fractions beside the model's distribution over the matched classes.

    Args:
        true_fractions: float [C].
        prior: float [C], probability of the code that matches each class.
        class_names: C names.
        unmatched: probability of the codes that match no class; a bar of its own if above 0.
        learned: whether the distribution was learned; otherwise the legend calls it fixed.
        num_codes: K; a dotted line shows what a uniform distribution gives a code.
    """
    labels = list(map(class_label, class_names))
    prior, true_fractions = list(prior), list(true_fractions)
    if unmatched > 0:
        labels, prior, true_fractions = [*labels, "no class"], [*prior, unmatched], [*true_fractions, 0]
    figure, axes = _draw_bars(labels, true_fractions, prior, f"{_kind(learned)} (matched code)")
    axes.axhline(1 / num_codes, linestyle=":", linewidth=1, color="black", label="uniform")
    axes.set_xlabel("class")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_prior_by_rank(probabilities: np.ndarray, true_fractions: np.ndarray | None, learned: bool) -> Figure:
    """Draw the codes' distribution and the true one, both in descending order, without any matching.

    Args:
        probabilities: float [K].
        true_fractions: float [C]; None if they are not known.
        learned: whether the distribution was learned; otherwise the legend calls it fixed.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    prior = np.asarray(probabilities)[order]
    true = None if true_fractions is None else np.sort(true_fractions)[::-1]
    labels = [str(code) for code in order]
    if true is not None:
        length = max(len(prior), len(true))
        prior, true = (np.pad(values, (0, length - len(values))) for values in (prior, true))
        labels += ["none"] * (length - len(labels))
    figure, axes = _draw_bars(labels, true, prior, _kind(learned))
    axes.axhline(1 / len(order), linestyle=":", linewidth=1, color="black", label="uniform")
    axes.set_xlabel("code, the most probable first" + (
        "" if true is None else "; classes, the largest first, are not matched"))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_prior_history(epochs: np.ndarray, probabilities: np.ndarray,
                       code_to_class: Sequence[int | None] | None = None, class_names: Sequence[str] = (),
                       true_fractions: np.ndarray | None = None) -> Figure:
    """Draw the probability of each code over the epochs.

    Args:
        epochs: int [E].
        probabilities: float [E, K].
        code_to_class: the class of each code, None for codes without one; None if no class is known.
        class_names: C names.
        true_fractions: float [C], drawn dashed in the colour of the matched code if there are at most ten
            codes; None if they are not known.
    """
    num_codes = probabilities.shape[1]
    code_to_class = code_to_class or [None] * num_codes
    order = order_by_class(code_to_class)
    matches = [code_to_class[code] for code in order]
    labels = [f"code {code}" + ("" if match is None else f" → {class_label(class_names[match])}")
              for code, match in zip(order, matches)]
    few = num_codes <= _FEW_LINES
    columns = math.ceil(num_codes / 20)
    figure = Figure(figsize=(5 + columns * (0.5 + 0.055 * max(map(len, labels))), 3.4), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["tab10" if few else "turbo"](
        np.arange(num_codes) if few else np.linspace(0, 1, num_codes))
    true = true_fractions if few and any(match is not None for match in matches) else None
    for colour, code, match, label in zip(colours, order, matches, labels):
        axes.plot(epochs, probabilities[:, code], color=colour, linewidth=1.2, label=label,
                  marker="o" if len(epochs) == 1 else None)
        if true is not None and match is not None:
            axes.axhline(float(true[match]), color=colour, linestyle="--", linewidth=0.7)
    axes.axhline(1 / num_codes, color="black", linestyle=":", linewidth=1)
    axes.set_ylim(bottom=0)
    _format_epochs(axes)
    axes.set_ylabel("probability")
    axes.set_title("distribution of the codes; dotted: uniform" + (
        "" if true is None else "; dashed: true share of the matched class"), fontsize=8)
    figure.legend(loc="outside right center", ncols=columns, frameon=False, fontsize=7 if few else 5)
    return figure


def draw_losses(epochs: np.ndarray, losses: dict[str, np.ndarray]) -> Figure:
    """Draw each loss over the epochs, in axes of its own.

    Args:
        epochs: int [E].
        losses: float [E] by name, at least one.
    """
    figure = Figure(figsize=(2.3 * len(losses), 2.2), layout="constrained")
    for axes, (name, values) in zip(figure.subplots(1, len(losses), squeeze=False)[0], losses.items()):
        axes.plot(epochs, values, color=LEARNED, linewidth=1, marker="o" if len(epochs) == 1 else None)
        axes.set_title(name, fontsize=8)
        _format_epochs(axes)
    return figure


def order_by_class(code_to_class: Sequence[int | None]) -> list[int]:
    """Return all codes in the order of the classes that they match, codes without a class last."""
    return sorted(range(len(code_to_class)), key=lambda code: (
        code_to_class[code] is None, code_to_class[code] or 0, code))


def _draw_bars(labels, true_fractions, prior, name):
    positions = np.arange(len(labels))
    step = 0.42 if len(labels) <= _FEW else 0.24
    figure = Figure(figsize=(max(3.2, 1 + step * len(labels)), 2.4 + _label_length(labels)),
                    layout="constrained")
    axes = figure.subplots()
    if true_fractions is not None:
        axes.bar(positions - 0.2, true_fractions, 0.4, label="true", color=TRUE)
    axes.bar(positions + (0 if true_fractions is None else 0.2), prior, 0.4, label=name, color=LEARNED)
    _name_ticks(axes, labels)
    axes.set_xlim(-0.7, len(labels) - 0.3)
    axes.set_ylabel("share")
    return figure, axes


def _kind(learned):
    return "learned" if learned else "fixed"


def _format_epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def _name_ticks(axes: Axes, labels) -> None:
    axes.set_xticks(range(len(labels)), labels, rotation=90 if _label_length(labels) else 0)


def _label_length(labels):
    """Return the inches below a chart that labels take; 0 if they are short enough to stand side by side."""
    longest = max(map(len, labels))
    return 0.08 * longest if longest > 3 else 0

"""Charts of a run: confusion of codes and classes, learned against true distribution, losses."""

import contextlib
import math
import warnings

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from eig_tf import files
from eig_tf.data import names
from eig_tf.figures import image_grid

_FEW = 15
_FEW_LINES = 10  # what colours can tell apart
_LONGEST_NAME = 22
_TRUE, _LEARNED = "0.65", "tab:blue"


@contextlib.contextmanager
def style():
    """What every figure is drawn and saved under.

    Names of classes are the user's: a $ in them is no formula, and a letter that the font lacks no error.
    Publishers refuse PDF files with matplotlib's usual fonts.
    """
    with matplotlib.rc_context({"text.parse_math": False, "font.size": 8, "pdf.fonttype": 42}), \
            warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


def write(figure, path):
    """Writes a figure as PNG or PDF, by the path's ending; equal figures make equal files."""
    # The date and the version of matplotlib would make them differ.
    metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
    figure.savefig(path, dpi=image_grid.DPI, metadata=metadata)


def save_confusion(counts, code_to_class, class_names, path):
    """Writes the picture that `draw_confusion` draws."""
    with style():
        _save(draw_confusion(counts, code_to_class, class_names), path)


def save_prior(true_fractions, learned, class_names, path):
    """Writes the picture that `draw_prior` draws."""
    with style():
        _save(draw_prior(true_fractions, learned, class_names), path)


def draw_confusion(counts, code_to_class, class_names):
    """Draws the [K, C] table of codes and classes, codes in the order of the classes they match.

    Args:
        counts: int [K, C], images of each code by class.
        code_to_class: the class of every code, None for those without.
        class_names: C names.

    Returns:
        A `Figure`.
    """
    counts = np.asarray(counts)
    num_codes, num_classes = counts.shape
    order = order_by_class(code_to_class)
    shares = counts[order] / np.maximum(1, counts[order].sum(axis=1, keepdims=True))
    few = max(num_codes, num_classes) <= _FEW
    cell = 0.36 if few else 0.24
    labels = _labels(class_names)
    figure = Figure(figsize=(1.0 + cell * num_classes, 0.8 + _length(labels) + cell * num_codes),
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
    axes.set_xlabel("class the classifier sees")
    axes.set_title("images of each code, %", fontsize=8)
    return figure


def draw_prior(true_fractions, learned, class_names, unmatched=0.0, kind="learned"):
    """Draws the true class fractions beside the learned distribution over matched classes.

    Args:
        true_fractions: float [C].
        learned: float [C].
        class_names: C names.
        unmatched: probability of the codes that match no class; a bar of its own above 0.
        kind: `learned` or `fixed`, for the legend.

    Returns:
        A `Figure`.
    """
    labels = _labels(class_names)
    learned, true_fractions = list(learned), list(true_fractions)
    if unmatched > 0:
        labels, learned, true_fractions = [*labels, "no class"], [*learned, unmatched], [*true_fractions, 0]
    figure, axes = _bars(labels, true_fractions, learned, f"{kind} (matched code)")
    axes.axhline(1 / len(class_names), linestyle=":", linewidth=1, color="black", label="uniform")
    axes.set_xlabel("class")
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_prior_by_rank(probabilities, true_fractions=None, kind="learned"):
    """Draws the codes' distribution when no class is matched to them: both in descending order.

    Args:
        probabilities: float [K].
        true_fractions: float [C], None when they are not known.
        kind: `learned` or `fixed`, for the legend.

    Returns:
        A `Figure`.
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    learned = np.asarray(probabilities)[order]
    true = None if true_fractions is None else np.sort(true_fractions)[::-1]
    labels = [str(code) for code in order]
    if true is not None:
        length = max(len(learned), len(true))
        learned, true = (np.pad(values, (0, length - len(values))) for values in (learned, true))
        labels += ["none"] * (length - len(labels))
    figure, axes = _bars(labels, true, learned, kind)
    axes.axhline(1 / len(order), linestyle=":", linewidth=1, color="black", label="uniform")
    axes.set_xlabel("code, most probable first" + (
        "" if true is None else "; classes in the order of their size, not matched"))
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def draw_prior_history(epochs, probabilities, code_to_class=None, class_names=(), true_fractions=None):
    """Draws the probability of every code over the epochs.

    Args:
        epochs: int [E].
        probabilities: float [E, K].
        code_to_class: the class of every code, None for those without; None when it is not known.
        class_names: C names.
        true_fractions: float [C], which are drawn dashed, in the colour of the code that matches, unless
            there are more than ten codes; None when they are not known.

    Returns:
        A `Figure`.
    """
    num_codes = probabilities.shape[1]
    code_to_class = code_to_class or [None] * num_codes
    order = order_by_class(code_to_class)
    named = _labels(class_names)
    labels = [f"code {code}" + ("" if code_to_class[code] is None else f" → {named[code_to_class[code]]}")
              for code in order]
    few = num_codes <= _FEW_LINES
    columns = math.ceil(num_codes / 20)
    figure = Figure(figsize=(5 + columns * (0.5 + 0.055 * max(map(len, labels))), 3.4), layout="constrained")
    axes = figure.subplots()
    colours = matplotlib.colormaps["tab10" if few else "turbo"](
        np.arange(num_codes) if few else np.linspace(0, 1, num_codes))
    dashed = few and true_fractions is not None and any(match is not None for match in code_to_class)
    for colour, code, label in zip(colours, order, labels):
        axes.plot(epochs, probabilities[:, code], color=colour, linewidth=1.2, label=label,
                  marker="o" if len(epochs) == 1 else None)
        if dashed and code_to_class[code] is not None:
            axes.axhline(true_fractions[code_to_class[code]], color=colour, linestyle="--", linewidth=0.7)
    axes.axhline(1 / num_codes, color="black", linestyle=":", linewidth=1)
    axes.set_ylim(bottom=0)
    _epoch_axis(axes)
    axes.set_ylabel("probability")
    axes.set_title("distribution of the codes; dotted: uniform" + (
        "; dashed: share of the matched class" if dashed else ""), fontsize=8)
    figure.legend(loc="outside right center", ncols=columns, frameon=False, fontsize=7 if few else 5)
    return figure


def draw_losses(epochs, losses):
    """Draws each loss over the epochs, in axes of its own.

    Args:
        epochs: int [E].
        losses: float [E] by name, one or more.

    Returns:
        A `Figure`.
    """
    figure = Figure(figsize=(2.3 * len(losses), 2.2), layout="constrained")
    for axes, (name, values) in zip(figure.subplots(1, len(losses), squeeze=False)[0], losses.items()):
        axes.plot(epochs, values, color=_LEARNED, linewidth=1, marker="o" if len(epochs) == 1 else None)
        axes.set_title(name, fontsize=8)
        _epoch_axis(axes)
    return figure


def order_by_class(code_to_class):
    """All codes, in the order of the classes they match; those without a class last."""
    return sorted(range(len(code_to_class)), key=lambda code: (
        code_to_class[code] is None, code_to_class[code] or 0, code))


def _bars(labels, true_fractions, learned, name):
    positions = np.arange(len(labels))
    step = 0.42 if len(labels) <= _FEW else 0.24
    figure = Figure(figsize=(max(3.2, 1 + step * len(labels)), 2.4 + _length(labels)), layout="constrained")
    axes = figure.subplots()
    if true_fractions is not None:
        axes.bar(positions - 0.2, true_fractions, 0.4, label="true", color=_TRUE)
    axes.bar(positions + (0 if true_fractions is None else 0.2), learned, 0.4, label=name, color=_LEARNED)
    _name_ticks(axes, labels)
    axes.set_xlim(-0.7, len(labels) - 0.3)
    axes.set_ylabel("share")
    return figure, axes


def _epoch_axis(axes):
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, min_n_ticks=1))


def _name_ticks(axes, labels):
    axes.set_xticks(range(len(labels)), labels, rotation=90 if _length(labels) else 0)


def _length(labels):
    """Inches that names take below a chart when they are too long to stand side by side, else 0."""
    longest = max(map(len, labels))
    return 0.08 * longest if longest > 3 else 0


def _labels(class_names):
    return [image_grid.shorten(names.printable(str(name)), _LONGEST_NAME) for name in class_names]


def _save(figure, path):
    with files.replacing(path) as temporary:
        write(figure, temporary)

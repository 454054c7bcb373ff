"""The hierarchy of the codes of a run, with generated images at its leaves and the categories beside them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.cluster import hierarchy

from eig_tf.figures import tiling
from eig_tf.figures.page import LABEL_SIZE, Page, text_size

CUT = 1.0  # height above which links join categories
IMAGES = 6  # of each code
_SIDE = 40  # pixels: one line of a label, and little enough for a page with a hundred codes
_TREE_WIDTH, _AXIS, _PART_GAP, _BRACKET = 330, 40, 10, 8
_ABOVE = "0.45"  # colour of links between categories
# Those of tab10, but for the grey, which links between categories have.
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink", "navy",
            "tab:olive", "tab:cyan")


def draw_hierarchy(linkage: np.ndarray, code_to_category: np.ndarray, rows: np.ndarray,
                   labels: Sequence[str], category_labels: Sequence[str], title: str) -> Figure:
    """Draw the tree of the codes from its root on the left to images of each code on the right.

    Links of one category have its colour, links between categories are grey, and a dashed line marks the
    height at which the tree is cut into categories.

    Args:
        linkage: float [K - 1, 4], the hierarchy in SciPy's format.
        code_to_category: int [K], the category of each code, in [0, M).
        rows: uint8 [K, n, H, W, C], generated images of each code.
        labels: K texts of one line, beside the images.
        category_labels: M texts of one line, beside the codes of each category.
        title: a sentence above the figure.
    """
    colours = _category_colours(len(category_labels))
    of_nodes = _node_categories(linkage, code_to_category)

    def link_colour(node):
        return _ABOVE if of_nodes[node] is None else colours[of_nodes[node]]

    tree = hierarchy.dendrogram(linkage, no_plot=True, link_color_func=link_colour)
    order = np.array(tree["leaves"])
    images = tiling.enlarge(tiling.shrink(rows, _SIDE), _SIDE)[order]
    num_codes, num_images, height = images.shape[:3]
    picture = tiling.tile(images.reshape(-1, *images.shape[2:]), num_images)
    pitch = height + tiling.GAP
    groups = [(category, len(list(members)))
              for category, members in itertools.groupby(code_to_category[order].tolist())]

    def draw_tree(axes):
        for places, heights, colour in zip(tree["icoord"], tree["dcoord"], tree["color_list"]):
            # SciPy puts leaf i at 10 i + 5.
            axes.plot(heights, np.array(places) / 10 - 0.5, color=colour, linewidth=1.3,
                      solid_joinstyle="miter")
        axes.axvline(CUT, color="black", linestyle="--", linewidth=0.8)
        # Leaves end at the images, which begin at height 0.
        axes.set_xlim(max(1.05 * CUT, 1.03 * linkage[:, 2].max()), 0)
        axes.set_ylim(num_codes - 0.5 - tiling.GAP / pitch / 2, -0.5 + tiling.GAP / pitch / 2)
        axes.set_yticks([])
        axes.tick_params(labelsize=LABEL_SIZE)
        axes.set_xlabel("height", fontsize=LABEL_SIZE)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.patch.set_visible(False)

    images_left = _TREE_WIDTH + _PART_GAP
    labels_left = images_left + picture.shape[1] + _PART_GAP
    bracket_left = labels_left + text_size(labels)[0] + _PART_GAP
    names_left = bracket_left + _BRACKET + _PART_GAP
    page = Page(names_left + text_size(category_labels)[0])
    page.add_heading(title)
    top = page.height
    page.add_axes(draw_tree, 0, top, _TREE_WIDTH, picture.shape[0])
    page.add_picture(picture, images_left, top)
    for row, code in enumerate(order):
        page.add_text(labels[code], labels_left, top + row * pitch + height / 2, ha="left", va="center")
    start = 0
    for category, num in groups:
        colour = colours[category]
        upper, length = top + start * pitch, num * pitch - tiling.GAP

        def draw_bracket(axes, colour=colour):
            axes.set_axis_off()
            axes.fill_between([0, 1], 0, 1, color=colour, linewidth=0)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)

        page.add_axes(draw_bracket, bracket_left, upper + 1, _BRACKET, length - 2)
        page.add_text(category_labels[category], names_left, upper + length / 2, ha="left", va="center")
        start += num
    page.height += _AXIS
    return page.make_figure()


def _category_colours(num_categories):
    if num_categories <= len(_COLOURS):
        return _COLOURS[:num_categories]
    return list(map(matplotlib.colors.to_hex, matplotlib.colormaps["turbo"](
        np.linspace(0.03, 0.97, num_categories))))


def _node_categories(linkage, code_to_category):
    """The category of each leaf and each link, None for links that join categories."""
    found = [int(category) for category in code_to_category]
    for left, right in linkage[:, :2].astype(int):
        found.append(found[left] if found[left] == found[right] else None)
    return found

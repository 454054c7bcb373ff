"""The tree of the codes, read back from the figure."""

import numpy as np
import pytest

from eig_tf.categories.evidence import code_hierarchy
from eig_tf.figures import hierarchy, page

# Codes 0 and 2 join at 0.25, codes 1 and 3 at 0.5, and the two categories at 1.75.
LINKAGE = np.array([[0, 2, 0.25, 2], [1, 3, 0.5, 2], [4, 5, 1.75, 4]])


def draw(linkage=LINKAGE, code_to_category=(0, 1, 0, 1), side=28, channels=1):
    code_to_category = np.array(code_to_category)
    num_codes = len(code_to_category)
    rows = np.zeros([num_codes, 3, side, side, channels], np.uint8) + np.arange(
        num_codes, dtype=np.uint8).reshape(-1, 1, 1, 1, 1)
    return hierarchy.draw_hierarchy(
        linkage, code_to_category, rows, [f"code {code}, p = 0.250, 100 %" for code in range(num_codes)],
        [f"category {number}: prior" for number in range(code_to_category.max() + 1)], "title")


def test_leaves_links_cut_and_brackets():
    figure = draw()
    tree, picture, *brackets = figure.axes
    order = [int(text.get_text().split()[1][:-1]) for text in figure.texts if text.get_text()[:4] == "code"]
    assert sorted(order) == [0, 1, 2, 3] and set(order[:2]) in ({0, 2}, {1, 3})
    shown = picture.images[0].get_array()
    assert shown.shape == (4 * 30 - 2, 3 * 30 - 2, 3)
    assert shown[::30, 0, 0].tolist() == order
    *links, cut = tree.get_lines()
    assert cut.get_xdata()[0] == 1 and cut.get_linestyle() == "--"
    found = {max(line.get_xdata()): (line.get_color(), line.get_ydata().tolist()) for line in links}
    below = order.index(0) // 2 * 2
    assert found[0.25] == ("tab:blue", [below, below, below + 1, below + 1])
    assert found[0.5] == ("tab:orange", [2 - below, 2 - below, 3 - below, 3 - below])
    assert found[1.75][1] == [0.5, 0.5, 2.5, 2.5] and found[1.75][0] == "0.45"
    left, right = tree.get_xlim()
    assert left > 1.75 and right == 0
    assert [text.get_text() for text in figure.texts if "category" in text.get_text()] == [
        f"category {order[0] % 2}: prior", f"category {order[2] % 2}: prior"]
    assert len(brackets) == 2


def test_leaves_end_at_the_middles_of_their_images():
    figure = draw(side=64, channels=3)
    figure.draw_without_rendering()
    tree, picture, *_ = figure.axes
    assert picture.images[0].get_array().shape == (4 * 42 - 2, 3 * 42 - 2, 3)  # shrunk to 40 pixels
    top = picture.get_window_extent().y1
    for row in range(4):
        y = tree.transData.transform((0, row))[1]
        assert top - y == pytest.approx(row * 42 + 20, abs=0.1)


@pytest.mark.parametrize("num_codes, num_categories", [(2, 2), (24, 12)])
def test_texts_do_not_overlap_what_is_beside_them(num_codes, num_categories):
    code_to_category = np.arange(num_codes) * num_categories // num_codes
    figure = draw(code_hierarchy(np.eye(num_categories)[code_to_category], code_to_category),
                  code_to_category)
    figure.draw_without_rendering()
    width, _ = figure.get_size_inches() * page.DPI
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert len(boxes) == 2 + num_categories
    for text in figure.texts:
        extent = text.get_window_extent()
        assert extent.x1 <= width and extent.x0 >= 0
        assert not any(box.overlaps(extent) for box in boxes), text.get_text()
    names = [text.get_window_extent() for text in figure.texts if text.get_text().startswith("category")]
    assert not any(one.overlaps(other) for one, other in zip(names, names[1:]))

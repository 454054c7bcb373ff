"""What charts show, read back from the figures, and that any names and shapes can be saved."""

import numpy as np
import pytest
from PIL import Image

from eig_tf.figures import charts, page


def texts(labels):
    return [label.get_text() for label in labels]


def heights(axes):
    return [round(bar.get_height(), 6) for bar in axes.patches]


def test_confusion_has_codes_in_the_order_of_their_classes():
    figure = charts.draw_confusion(np.array([[0, 1000], [900, 100], [0, 0]]), [1, 0, None], ("cat", "dog"))
    axes, = figure.axes
    assert texts(axes.get_yticklabels()) == ["code 1", "code 0", "code 2"]
    assert texts(axes.get_xticklabels()) == ["cat", "dog"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.9, 0.1], [0, 1], [0, 0]])
    assert texts(axes.texts) == ["90", "10", "100"]


@pytest.mark.parametrize("num_codes, num_classes", [(40, 40), (3, 40), (40, 2), (2, 1)])
def test_cells_of_a_confusion_keep_their_size(num_codes, num_classes):
    counts = np.ones([num_codes, num_classes], int)
    matches = [code if code < num_classes else None for code in range(num_codes)]
    figure = charts.draw_confusion(counts, matches, [f"A long name {label}" for label in range(num_classes)])
    figure.draw_without_rendering()
    box = figure.axes[0].get_window_extent()
    inches = np.array([box.width / num_classes, box.height / num_codes]) / figure.dpi
    # Room for digits of five points, which are a twentieth of an inch wide.
    assert (inches > 0.18).all(), inches


def test_codes_without_a_class_are_a_bar_of_their_own():
    figure = charts.draw_prior([0.9, 0.1], [0.7, 0.2], ("cat", "dog"), unmatched=0.1, learned=False,
                               num_codes=4)
    axes, = figure.axes
    assert texts(axes.get_xticklabels()) == ["cat", "dog", "no class"]
    assert heights(axes) == [0.9, 0.1, 0, 0.7, 0.2, 0.1]
    assert axes.get_lines()[0].get_ydata()[0] == 0.25
    assert "fixed (matched code)" in texts(figure.legends[0].get_texts())
    assert texts(charts.draw_prior([1], [1], ("cat",), 0.0, True, 1).axes[0].get_xticklabels()) == ["cat"]


def test_without_matches_codes_and_classes_are_ranked_by_size():
    axes, = charts.draw_prior_by_rank([0.2, 0.5, 0.3], [0.4, 0.6], True).axes
    assert texts(axes.get_xticklabels()) == ["1", "2", "0"]
    assert heights(axes) == [0.6, 0.4, 0, 0.5, 0.3, 0.2]
    axes, = charts.draw_prior_by_rank([0.4, 0.6], [0.2, 0.5, 0.3], True).axes
    assert texts(axes.get_xticklabels()) == ["1", "0", "none"]
    assert heights(axes) == [0.5, 0.3, 0.2, 0.6, 0.4, 0]
    # Without true fractions only the codes are drawn.
    figure = charts.draw_prior_by_rank([0.4, 0.6], None, learned=False)
    assert heights(figure.axes[0]) == [0.6, 0.4]
    assert texts(figure.legends[0].get_texts()) == ["uniform", "fixed"]


def test_history_has_a_line_for_each_code_and_the_true_share_of_its_class():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1]])
    figure = charts.draw_prior_history([1, 2], probabilities, [1, None, 0], ("cat", "dog"), [0.3, 0.7])
    axes, = figure.axes
    assert texts(figure.legends[0].get_texts()) == ["code 2 → cat", "code 0 → dog", "code 1"]
    solid = {line.get_label(): line for line in axes.get_lines() if line.get_linestyle() == "-"}
    dashed = [line for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert solid["code 0 → dog"].get_ydata().tolist() == [0.5, 0.6]
    assert [line.get_ydata()[0] for line in dashed] == [0.3, 0.7]
    assert tuple(dashed[1].get_color()) == tuple(solid["code 0 → dog"].get_color())
    # Without classes, of one epoch and of many codes.
    for num_epochs, num_codes in ((1, 2), (3, 40)):
        probabilities = np.full([num_epochs, num_codes], 1 / num_codes)
        figure = charts.draw_prior_history(np.arange(num_epochs) + 1, probabilities)
        figure.draw_without_rendering()
        assert len(figure.legends[0].get_texts()) == num_codes


def test_each_loss_has_axes_of_its_own():
    figure = charts.draw_losses([1, 2], {"d_loss": [0.5, 0.25], "g_loss": [1, 2]})
    assert [axes.get_title() for axes in figure.axes] == ["d_loss", "g_loss"]
    assert figure.axes[0].get_lines()[0].get_ydata().tolist() == [0.5, 0.25]


@pytest.mark.parametrize("names", [
    ("$x", "$\\frac"), ("猫", "犬"), ("line\nbreak", "gr\udcfc"), ("x" * 300, "y")])
@pytest.mark.filterwarnings("error:Glyph")
def test_any_class_names_can_be_drawn(tmp_path, names):
    with page.figure_style():
        page.save_figure(charts.draw_confusion(np.eye(2, dtype=int), [0, 1], names), tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as image:
        assert min(image.size) > 100 and max(image.size) < 2000
        assert len(set(image.convert("RGB").getdata())) > 10


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_equal_figures_are_equal_files(tmp_path, suffix):
    for name in "ab":
        page.save_figure(charts.draw_prior([0.9, 0.1], [0.8, 0.2], ("cat", "dog"), 0.0, True, 2),
                         tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()

"""Grids of images, pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from eig_tf.figures import image_grid


def rendered(figure):
    """Pixels of the figure, int [height, width, 3], without its texts, whose edges have any grey."""
    for text in figure.texts:
        text.set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, dpi=image_grid.DPI)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def flat_rows(num_rows, num_images, size=64, channels=3):
    """Images of one colour each: red counts the rows, green the images."""
    rows = np.zeros([num_rows, num_images, size, size, channels], np.uint8)
    rows[..., 0] = 50 + np.arange(num_rows)[:, None, None, None]
    if channels == 3:
        rows[..., 1] = 50 + np.arange(num_images)[None, :, None, None]
    return rows


def size_in_pixels(figure):
    return (figure.get_size_inches() * image_grid.DPI).tolist()


@pytest.mark.parametrize("as_columns", [False, True])
def test_every_image_is_there_with_unchanged_pixels(as_columns):
    rows = flat_rows(3, 4)
    pixels = rendered(image_grid.draw(rows, ["a", "b", "c"], "title", as_columns=as_columns))
    for row, image in np.ndindex(3, 4):
        found = np.argwhere((pixels == rows[row, image, 0, 0]).all(axis=-1))
        assert len(found) == 64 * 64
        assert (found.max(axis=0) - found.min(axis=0) == 63).all()
    first, second = (np.argwhere((pixels == rows[place][0, 0]).all(axis=-1)).min(axis=0)
                     for place in ((0, 0), (1, 0)))
    assert (second - first).tolist() == ([0, 66] if as_columns else [66, 0])


def test_small_grey_images_are_enlarged_to_whole_pixels():
    rows = flat_rows(1, 2, size=28, channels=1)
    pixels = rendered(image_grid.draw(rows, ["a"], "title"))
    assert (pixels == 50).all(axis=-1).sum() == 2 * 56 * 56


@pytest.mark.parametrize("size, side", [(8, 64), (28, 56), (32, 64), (64, 64), (128, 128)])
def test_sides_after_enlarging(size, side):
    images = np.arange(size * size, dtype=np.uint32).reshape(1, size, size, 1)
    large = image_grid.enlarge(images)
    assert large.shape == (1, side, side, 1)
    np.testing.assert_array_equal(large[:, ::side // size, ::side // size], images)


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("num_rows, num_images", [(40, 10), (1, 10), (5, 1), (1, 1), (10, 100)])
def test_panels_keep_a_page_readable(num_rows, num_images, as_columns):
    labels = [f"code {row}\np = 0.100" for row in range(num_rows)]
    figure = image_grid.draw(flat_rows(num_rows, num_images, 8), labels, "A title. " * 20,
                             as_columns=as_columns)
    width, height = size_in_pixels(figure)
    assert width >= 480
    if num_rows >= 40:
        assert 0.6 < width / height < 2.5
    shown = [text.get_text() for text in figure.texts]
    assert sum(text.startswith("code") for text in shown) == num_rows
    sizes = [axes.images[0].get_array().shape for axes in figure.axes]
    assert len(set(sizes[:-1])) <= 1, "all panels but the last are alike"
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    # The page ends with its panels: 14 pixels of margin below, and to the right of what is not narrow.
    assert min(box.y0 for box in boxes) == pytest.approx(14, abs=1)
    assert max(box.x1 for box in boxes) == pytest.approx(width - 14, abs=1) or width < 510


def test_no_text_covers_an_image():
    labels = [f"code {row}\np = 0.100\nA very long name of a class {row}" for row in range(12)]
    for as_columns in (False, True):
        figure = image_grid.draw(flat_rows(12, 3), labels, "title", ["-1", "0", "1"], as_columns)
        figure.draw_without_rendering()
        boxes = [axes.get_window_extent() for axes in figure.axes]
        for text in figure.texts:
            extent = text.get_window_extent()
            assert not any(box.overlaps(extent) for box in boxes), text
            assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width


def test_texts_that_are_too_long_end_in_an_ellipsis():
    assert image_grid.shorten("abcdef", 6) == "abcdef"
    assert image_grid.shorten("abcdefg", 6) == "abcde…"

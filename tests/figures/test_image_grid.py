"""Grids of images, pixel by pixel, and the pages they are on."""

import io

import numpy as np
import pytest
from PIL import Image

from eig_tf.figures import image_grid, page
from eig_tf.figures.image_grid import ImageGrid, draw_categories, draw_image_grid


def rendered(figure):
    """Pixels of the figure, int [height, width, 3], without its texts, whose edges have any grey."""
    for text in figure.texts:
        text.set_visible(False)
    file = io.BytesIO()
    figure.savefig(file, dpi=page.DPI)
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
    return (figure.get_size_inches() * page.DPI).tolist()


@pytest.mark.parametrize("as_columns", [False, True])
def test_every_image_is_there_with_unchanged_pixels(as_columns):
    rows = flat_rows(3, 4)
    pixels = rendered(draw_image_grid(rows, ["a", "b", "c"], "title", as_columns=as_columns))
    for row, image in np.ndindex(3, 4):
        found = np.argwhere((pixels == rows[row, image, 0, 0]).all(axis=-1))
        assert len(found) == 64 * 64
        assert (found.max(axis=0) - found.min(axis=0) == 63).all()
    first, second = (np.argwhere((pixels == rows[place][0, 0]).all(axis=-1)).min(axis=0)
                     for place in ((0, 0), (1, 0)))
    assert (second - first).tolist() == ([0, 66] if as_columns else [66, 0])


def test_small_grey_images_are_enlarged_and_short_rows_end_in_white():
    rows = flat_rows(2, 2, size=28, channels=1)
    pixels = rendered(draw_image_grid([rows[0], rows[1, :1]], ["a", "b"], "title"))
    assert (pixels == 50).all(axis=-1).sum() == 2 * 56 * 56
    assert (pixels == 51).all(axis=-1).sum() == 56 * 56


@pytest.mark.parametrize("as_columns", [False, True])
@pytest.mark.parametrize("num_rows, num_images", [(40, 10), (1, 10), (5, 1), (1, 1), (10, 100)])
def test_panels_keep_a_page_readable(num_rows, num_images, as_columns):
    labels = [f"code {row}\np = 0.100" for row in range(num_rows)]
    figure = draw_image_grid(flat_rows(num_rows, num_images, 8), labels, "A title. " * 20,
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
        figure = draw_image_grid(flat_rows(12, 3), labels, "title", ["-1", "0", "1"], as_columns)
        figure.draw_without_rendering()
        boxes = [axes.get_window_extent() for axes in figure.axes]
        for text in figure.texts:
            extent = text.get_window_extent()
            assert not any(box.overlaps(extent) for box in boxes), text
            assert extent.x0 >= 0 and extent.x1 <= figure.bbox.width


def test_charts_stand_beside_the_rows_of_their_panels():
    panels = []
    grid = ImageGrid(flat_rows(40, 3), [""] * 40, chart=lambda axes, rows: panels.append((axes, rows)),
                     chart_width=100)
    sheet = page.Page(grid.width)
    grid.add_to(sheet, top=50)
    figure = sheet.make_figure()
    figure.draw_without_rendering()
    assert [row for _, rows in panels for row in rows] == list(range(40)) and len(panels) > 1
    assert [axes.get_ylim() for axes, _ in panels] == [(len(rows) - 0.5, -0.5) for _, rows in panels]
    charts = [axes for axes, _ in panels]
    pictures = [axes for axes in figure.axes if axes.images]
    for axes, picture in zip(charts, pictures):
        box, beside = axes.get_window_extent(), picture.get_window_extent()
        assert box.width == pytest.approx(100) and box.x0 == pytest.approx(beside.x1 + 8)
        assert (box.y0, box.y1) == (pytest.approx(beside.y0), pytest.approx(beside.y1))
    assert sheet.height == pytest.approx(50 + grid.height)


def test_labels_that_are_too_long_end_in_an_ellipsis():
    assert page.shorten("abcdef", 6) == "abcdef"
    assert page.shorten("abcdefg", 6) == "abcde…"
    assert page.class_label("a\nb") == "a\\nb" and len(page.class_label("x" * 300)) == 22


def test_a_palette_makes_a_smaller_file(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, [4, 5, 64, 64, 3], np.uint8)
    sizes = []
    for colours in (None, 32):
        path = tmp_path / f"{colours}.png"
        page.save_figure(draw_image_grid(noise, "abcd", "title"), path, colours)
        with Image.open(path) as image:
            sizes.append(image.size)
            assert image.mode == ("RGBA" if colours is None else "P")
    assert sizes[0] == sizes[1]
    assert 3 * (tmp_path / "32.png").stat().st_size < (tmp_path / "None.png").stat().st_size


class SmallReads:
    """Images that refuse to be read in one piece, as those in a file should not be."""

    def __init__(self, images):
        self._images, self.shape = images, images.shape

    def __len__(self):
        return len(self._images)

    def __getitem__(self, indices):
        found = self._images[indices]
        assert len(found) <= 10
        return found


def draw_flat_images(values, codes, probabilities, num_codes, channels=1):
    images = np.array(values, np.uint8)[:, None, None, None] * np.ones([1, 28, 28, channels], np.uint8)
    codes, probabilities = np.array(codes), np.array(probabilities)
    order = np.argsort(-probabilities, kind="stable")
    examples = [order[codes[order] == code][:10] for code in range(num_codes)]
    return draw_categories(SmallReads(images), np.bincount(codes, minlength=num_codes), examples)


@pytest.mark.parametrize("channels", [1, 3])
def test_categories_show_the_most_certain_images_of_the_largest_first(channels):
    figure = draw_flat_images(range(0, 240, 20), [2, 0] + [2] * 10, [0.5, 1.0] + [0.6, 0.9] + [0.7] * 8, 4,
                              channels)
    assert [text.get_text() for text in figure.texts] == [
        "12 images in 2 of 4 codes; the most certain first", "code 2\n11 images\n91.7 %",
        "code 0\n1 images\n8.3 %"]
    file = io.BytesIO()
    figure.savefig(file, dpi=page.DPI)
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))[..., 0]
    middles = pixels[-14 - 58 - 28:, -14 - 28::-58][::58, :10][:, ::-1]
    # Of the eleven images of code 2, the least certain is left out; code 0 has one image, codes 1 and 3 none.
    assert middles[0].tolist() == [60, *range(80, 240, 20), 40]
    assert middles[1].tolist() == [20] + [255] * 9


def test_groups_of_codes_are_called_categories_and_have_the_priors_mass():
    figure = draw_categories(np.zeros([8, 28, 28, 1], np.uint8), np.array([2, 0, 6]),
                             [np.arange(2), np.arange(0), np.arange(6)], np.array([0.25, 0.15, 0.6]))
    assert [text.get_text() for text in figure.texts] == [
        "8 images in 2 of 3 categories; the most certain first",
        "category 2\n6 images, 75.0 %\nprior 60.0 %", "category 0\n2 images, 25.0 %\nprior 25.0 %"]


def test_only_the_largest_categories_are_shown(monkeypatch):
    monkeypatch.setattr(image_grid, "MAX_CATEGORIES", 2)
    figure = draw_flat_images(range(5), [0, 1, 2, 1, 2], [1.0] * 5, 3)
    title, *labels = (text.get_text() for text in figure.texts)
    assert "in 3 of 3 codes, of which the 2 largest are shown" in title.replace("\n", " ")
    assert [label.split("\n")[0] for label in labels] == ["code 1", "code 2"]

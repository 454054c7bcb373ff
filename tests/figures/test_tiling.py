import numpy as np
import pytest
from PIL import Image

from eig_tf.figures import tiling


@pytest.mark.parametrize("gap", [2, 5])
def test_tile_lays_images_out_row_by_row(gap):
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    picture = tiling.tile(images, columns=3, gap=gap)[..., 0]
    expected = np.full([2 + gap, 3 + 2 * gap], 255)
    expected[0, ::1 + gap], expected[1 + gap, ::1 + gap] = [0, 1, 2], [3, 4, 255]
    np.testing.assert_array_equal(picture, expected)


def test_short_rows_are_padded_with_white():
    rows = [np.full([number, 2, 2, 1], 7, np.uint8) for number in (1, 0, 2)]
    np.testing.assert_array_equal(tiling.pad_rows(rows)[..., 0, 0, 0], [[7, 255], [255, 255], [7, 7]])


@pytest.mark.parametrize("size, side", [(8, 64), (28, 56), (32, 64), (64, 64), (128, 128)])
def test_enlarging_repeats_pixels(size, side):
    images = np.arange(size * size, dtype=np.uint32).reshape(1, size, size, 1)
    large = tiling.enlarge(images)
    assert large.shape == (1, side, side, 1)
    np.testing.assert_array_equal(large[:, ::side // size, ::side // size], images)


@pytest.mark.parametrize("channels", [1, 3])
def test_shrinking_resamples_larger_images_only(channels):
    images = np.full([2, 3, 8, 8, channels], 9, np.uint8)
    images[1] = 200
    small = tiling.shrink(images, 4)
    assert small.shape == (2, 3, 4, 4, channels) and small.dtype == np.uint8
    np.testing.assert_array_equal(small[:, :, 0, 0, 0], [[9] * 3, [200] * 3])
    assert tiling.shrink(images, 8) is images and tiling.shrink(images, None) is images


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_save_png(tmp_path, channels, mode):
    picture = np.random.default_rng(0).integers(0, 256, [6, 5, channels], dtype=np.uint8)
    tiling.save_png(picture, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]

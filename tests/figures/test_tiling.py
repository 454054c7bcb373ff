import numpy as np
import pytest
from PIL import Image

from eig_tf.figures import tiling


def test_tile_lays_images_out_row_by_row():
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    picture = tiling.tile(images, columns=3)[..., 0]
    assert picture.shape == (4, 7)
    np.testing.assert_array_equal(picture[0, ::3], [0, 1, 2])
    np.testing.assert_array_equal(picture[3, ::3], [3, 4, 255])


@pytest.mark.parametrize("channels, mode", [(1, "L"), (3, "RGB")])
def test_save_png(tmp_path, channels, mode):
    picture = np.random.default_rng(0).integers(0, 256, [6, 5, channels], dtype=np.uint8)
    tiling.save_png(picture, tmp_path / "picture.png")
    with Image.open(tmp_path / "picture.png") as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image).reshape(picture.shape), picture)
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]

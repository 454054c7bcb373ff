"""Sprites are pictures whose parts are the images, at the places that the page computes."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from eig_tf.reports import sprites


def decode(uri):
    head, _, text = uri.partition(",")
    assert head == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def flat(num, side, channels=3):
    brightness = np.linspace(0, 250, num).astype(np.uint8)
    return np.broadcast_to(brightness[:, None, None, None], [num, side, side, channels])


def test_the_percentages_of_css_lead_to_the_thumbnail():
    added = sprites.Sprites()
    assert added.add(flat(1, 28, 1)) == [sprites.Cell(0, 0.0, 0.0)]
    cells = added.add(flat(20, 128))
    picture = decode(added.all[1].uri)
    side = sprites.THUMBNAIL
    assert picture.shape == (2 * side, 16 * side, 3) and added.all[1][1:] == (16, 2)
    for value, cell in zip(np.linspace(0, 250, 20), cells):
        assert cell.sprite == 1
        # A background at p percent begins where p percent of what does not fit is to the left of it.
        left, top = round(cell.left / 100 * 15 * side), round(cell.top / 100 * side)
        assert picture[top + 20:top + 70, left + 20:left + 70].mean() == pytest.approx(value, abs=6)
    assert added.add(flat(0, 28)) == []


def test_map_sheets_hold_all_images_and_get_smaller():
    sheets = sprites.make_map_sheets(flat(300, 32))
    assert (sheets.side, sheets.per_sheet, len(sheets.uris)) == (32, 256, 2)
    assert decode(sheets.uris[1]).shape == (3 * 32, 16 * 32, 3)
    assert sprites.make_map_sheets(flat(3, 128)).side == 64
    assert [sprites.map_side(num) for num in (1, 4096, 16384, 10**6)] == [64, 64, 32, 24]


def test_one_sheet_of_images_is_in_memory_at_a_time():
    class Many:
        shape, largest = (600, 28, 28, 1), 0

        def __len__(self):
            return self.shape[0]

        def __getitem__(self, part):
            num = len(range(*part.indices(self.shape[0])))
            self.largest = max(self.largest, num)
            return np.zeros([num, 28, 28, 1], np.uint8)
    many = Many()
    assert len(sprites.make_map_sheets(many).uris) == 3 and many.largest == 256

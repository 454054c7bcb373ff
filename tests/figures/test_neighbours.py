"""The frames around queries and neighbours."""

import numpy as np
import pytest

from eig_tf.figures import neighbours


@pytest.mark.parametrize("channels", [1, 3])
def test_frames(channels):
    image = np.full([6, 5, channels], 7, np.uint8)
    picture = neighbours.add_frame(image, (1, 2, 3))
    assert picture.shape == (14, 13, 3)
    assert (picture[4:-4, 4:-4] == 7).all()
    outside = np.ones([14, 13], bool)
    outside[4:-4, 4:-4] = False
    assert (picture[outside] == (1, 2, 3)).all()


def drawn_colours(labels):
    """Frames of a query and two neighbours, the second of another class where there are labels."""
    images = np.full([3, 64, 64, 1], 9, np.uint8)
    figure = neighbours.draw_neighbours(np.array([0]), np.array([[1, 2]]), images, labels, ("cat", "dog"),
                                        "title")
    picture = figure.axes[0].images[0].get_array()
    texts = {text.get_text() for text in figure.texts}
    return [tuple(int(value) for value in picture[0, column]) for column in (0, 74, 148)], texts


def test_a_neighbour_of_another_class_is_framed_in_red_where_there_are_labels():
    colours, texts = drawn_colours(np.array([1, 1, 0]))
    assert colours == [(150, 150, 150), (255, 255, 255), (214, 39, 40)]
    assert {"title", "dog", "query", "nearest", "2"} <= texts
    colours, texts = drawn_colours(None)
    assert colours == [(150, 150, 150), (255, 255, 255), (255, 255, 255)]
    assert "image 0" in texts

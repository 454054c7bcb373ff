"""Directions of the camera: seeded by name, uniform in their range, with orthogonal axes."""

import numpy as np
import pytest

from eig_tf.rendering.camera import camera_axes, draw_directions


def test_directions_depend_on_seed_and_name_alone():
    directions = draw_directions(1, "cup/a", 30, (0, 45))
    np.testing.assert_array_equal(directions, draw_directions(1, "cup/a", 30, (0, 45)))
    np.testing.assert_array_equal(directions[:7], draw_directions(1, "cup/a", 7, (0, 45)))
    for seed, name in ((2, "cup/a"), (1, "cup/b"), (1, "a"), (11, "cup/a")):
        assert not np.isin(draw_directions(seed, name, 30, (0, 45)), directions).any()


def test_directions_are_uniform_in_their_ranges():
    azimuth, elevation = draw_directions(0, "cup/a", 20000, (-10, 50)).T
    assert azimuth.min() >= 0 and azimuth.max() < 360
    assert elevation.min() >= -10 and elevation.max() <= 50
    # Twelfths hold 1,667 each, with a standard deviation of 39.
    for values, span in ((azimuth, (0, 360)), (elevation, (-10, 50))):
        assert np.abs(np.histogram(values, 12, span)[0] - 20000 / 12).max() < 5 * 39
    assert set(draw_directions(0, "a", 5, (30, 30))[:, 1]) == {30}


@pytest.mark.parametrize("azimuth, elevation, up, towards, upward", [
    (0, 0, "y", (0, 0, 1), (0, 1, 0)), (90, 0, "y", (1, 0, 0), (0, 1, 0)),
    (0, 90, "y", (0, 1, 0), (0, 0, -1)), (0, 0, "z", (1, 0, 0), (0, 0, 1)),
    (90, 0, "z", (0, 1, 0), (0, 0, 1)), (0, 90, "z", (0, 0, 1), (-1, 0, 0))])
def test_camera_axes(azimuth, elevation, up, towards, upward):
    np.testing.assert_allclose(camera_axes(azimuth, elevation, up), (towards, upward), atol=1e-12)


def test_camera_axes_are_orthogonal_everywhere():
    for azimuth, elevation in draw_directions(0, "a", 50, (-90, 90)):
        for up in "yz":
            axes = np.array(camera_axes(azimuth, elevation, up))
            np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-12)

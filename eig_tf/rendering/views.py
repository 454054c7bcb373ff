"""From where an object is seen: random directions that depend on a seed and its name alone."""

import hashlib

import numpy as np


def draw_directions(seed, name, num, elevations):
    """Draws the directions of the views of one object.

    The first n directions are the same however many are drawn, and in whatever order objects are drawn.

    Args:
        seed: a number of 0 or more.
        name: of the object.
        num: of views.
        elevations: (lowest, highest) in degrees above the horizontal plane.

    Returns:
        float64 [num, 2]: azimuth, uniform in [0, 360), and elevation, uniform in `elevations`, degrees.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()
    # RandomState's stream is frozen, which that of numpy's newer generators is not.
    draws = np.random.RandomState(np.frombuffer(digest, "<u4")).random_sample((num, 2))
    lowest, highest = elevations
    return np.stack([360 * draws[:, 0], lowest + (highest - lowest) * draws[:, 1]], axis=1)


def camera_axes(azimuth, elevation, up):
    """The direction from an object to the camera, and the camera's upward direction.

    Args:
        azimuth, elevation: degrees.
        up: `y` or `z`, the axis of the mesh that points up.

    Returns:
        Two orthogonal unit vectors, float64 [3].
    """
    a, e = np.radians([azimuth, elevation])
    # With y up: azimuth 0 looks from +z, as on a turntable that turns counterclockwise seen from above.
    towards = np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])
    upward = np.array([-np.sin(e) * np.sin(a), np.cos(e), -np.sin(e) * np.cos(a)])
    if up == "z":
        return tuple(np.array([vector[2], vector[0], vector[1]]) for vector in (towards, upward))
    return towards, upward

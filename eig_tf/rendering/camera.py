"""Directions from which an object is rendered: random, and a function of a seed and the object's name."""

from __future__ import annotations

import hashlib

import numpy as np


def draw_directions(seed: int, name: str, num: int, elevations: tuple[float, float]) -> np.ndarray:
    """Draw the directions from which one object is rendered.

    The first n directions do not depend on `num` or on the order in which objects are rendered.

    Args:
        seed: 0 or more.
        name: name of the object.
        num: number of directions.
        elevations: (lowest, highest) in degrees above the horizontal plane.

    Returns:
        float64 [num, 2]: azimuth, uniform in [0, 360), and elevation, uniform in `elevations`, in degrees.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).digest()
    # The stream of RandomState is frozen; NumPy's newer generators may change theirs.
    draws = np.random.RandomState(np.frombuffer(digest, "<u4")).random_sample((num, 2))
    lowest, highest = elevations
    return np.stack([360 * draws[:, 0], lowest + (highest - lowest) * draws[:, 1]], axis=1)


def camera_axes(azimuth: float, elevation: float, up: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the direction from an object to the camera and the camera's upward direction.

    Args:
        azimuth: degrees; with `y` up, 0 is +z and 90 is +x.
        elevation: degrees above the horizontal plane.
        up: `y` or `z`, the axis of the mesh that points up.

    Returns:
        Two orthogonal unit vectors, float64 [3].
    """
    a, e = np.radians([azimuth, elevation])
    towards = np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])
    upward = np.array([-np.sin(e) * np.sin(a), np.cos(e), -np.sin(e) * np.cos(a)])
    if up == "z":
        return np.roll(towards, 1), np.roll(upward, 1)
    return towards, upward

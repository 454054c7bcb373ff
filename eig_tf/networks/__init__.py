"""Keras networks, one module for each family; no losses, no data."""

from __future__ import annotations

import importlib
from typing import Any


def build_networks(family: str, **sizes: Any) -> Any:
    """Build the networks of a family, see `eig_tf.config.FAMILIES`, with their weights.

    Args:
        family: its name, which is that of its module.
        **sizes: what the module's `build_networks` takes.
    """
    return importlib.import_module(f"eig_tf.networks.{family}").build_networks(**sizes)

"""Elastic-InfoGAN in TensorFlow: the public API, imported when it is first used."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_API = {
    "CodePrior": "eig_tf.models.prior",
    "EvaluationRecord": "eig_tf.evaluation.record",
    "GenerativeModel": "eig_tf.models.base",
    "ImageSet": "eig_tf.data.image_set",
    "InfoGAN": "eig_tf.models.infogan",
    "Latents": "eig_tf.models.base",
    "RunDirectory": "eig_tf.runs.run_directory",
    "UserError": "eig_tf.errors",
    "build_model": "eig_tf.models.registry",
    "build_networks": "eig_tf.networks",
    "compile_model": "eig_tf.models.registry",
    "connect": "eig_tf.serving.client",
    "evaluate_run": "eig_tf.evaluation.evaluate",
    "export_run": "eig_tf.serving.export",
    "load_preset": "eig_tf.config",
    "load_record": "eig_tf.evaluation.record",
    "make_view_function": "eig_tf.data.augment",
    "train_run": "eig_tf.runs.training",
    "training_batches": "eig_tf.data.pipeline",
}

__all__ = ["__version__", *sorted(_API)]


def __getattr__(name: str) -> Any:
    """Import a name of the public API; TensorFlow takes seconds, which `import eig_tf` need not wait for."""
    if name not in _API:
        raise AttributeError(f"module 'eig_tf' has no attribute {name!r}")
    return getattr(importlib.import_module(_API[name]), name)


def __dir__() -> list[str]:
    """Return the names of the public API."""
    return [*globals(), *_API]

"""From a config to a model, whatever the method."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Callable

import numpy as np
from ml_collections import config_dict

from eig_tf.config import METHODS
from eig_tf.errors import UserError
from eig_tf.models.base import GenerativeModel
from eig_tf.models.optimizers import adam


def check_codes(config: config_dict.ConfigDict, class_fractions: np.ndarray | None) -> None:
    """Check that a ground-truth method has one code for each class.

    Args:
        config: see `eig_tf.config`.
        class_fractions: true share of every class; None unless all images have a label.

    Raises:
        UserError: there are images without a label, or the number of codes is not that of the classes.
    """
    if METHODS[config.method].prior != "ground_truth":
        return
    if class_fractions is None:
        raise UserError(f"--method is {config.method}, which uses the true class fractions, but the images "
                        "have no labels; expected another method, or one sub-folder for each class")
    if config.networks.num_codes != len(class_fractions):
        raise UserError(
            f"--num_codes is {config.networks.num_codes}; --method={config.method} expects one code for "
            f"each of the {len(class_fractions)} classes")


def build_model(config: config_dict.ConfigDict,
                class_fractions: np.ndarray | None = None) -> GenerativeModel:
    """Build the model of a config, with fresh weights.

    Args:
        config: see `eig_tf.config`.
        class_fractions: true share of every class, for the ground-truth methods; None when the prior is
            about to be restored.

    Returns:
        The model, not compiled.

    Raises:
        UserError: see `check_codes`, or the network family does not fit.
    """
    if class_fractions is not None:
        check_codes(config, class_fractions)
    return _module(config).build_from_config(config, class_fractions)


def compile_model(model: GenerativeModel, config: config_dict.ConfigDict, make_optimizer: Callable = adam,
                  steps_per_execution: int | None = None) -> None:
    """Compile a model with the optimizers of its config.

    Args:
        model: what `build_model` returned for the config.
        config: see `eig_tf.config`.
        make_optimizer: (learning rate, beta_1) -> optimizer.
        steps_per_execution: steps that run in one graph; the config's when None.
    """
    model.compile(**_module(config).make_optimizers(config, make_optimizer),
                  steps_per_execution=steps_per_execution or config.training.steps_per_execution)


def _module(config: config_dict.ConfigDict) -> ModuleType:
    return importlib.import_module(f"eig_tf.models.{METHODS[config.method].model}")

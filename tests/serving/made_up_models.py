"""Small models with made-up weights that still tell codes and images apart."""

import numpy as np

from eig_tf import config as config_lib
from eig_tf.models.registry import build_model


def two_stage_model():
    """An `InfoGAN` for 64x64 images: two stages, averaged weights that are not G's, continuous codes."""
    config = config_lib.load_preset("ytf")
    config.networks.width = 0.0625
    config.networks.num_codes = 6
    config.networks.num_continuous = 2
    config.networks.stages = 2
    config.optimizer.ema_decay = 0.9
    model = build_model(config)
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if "moving_variance" in variable.name or "gamma" in variable.name:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "kernel" in variable.name:
            variable.assign(rng.normal(0, 1.0 / np.sqrt(np.prod(variable.shape[:-1])), variable.shape))
        else:
            variable.assign(rng.uniform(-0.3, 0.3, variable.shape))
    return model

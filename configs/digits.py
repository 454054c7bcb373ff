"""scikit-learn's scanned digits, made imbalanced: real data, no download, minutes on two CPU cores."""

from eig_tf.config import default_config


def get_config():
    """The preset."""
    config = default_config()
    config.dataset = "digits"
    config.networks.width = 0.5
    config.optimizer.prior_learning_rate = 1e-3
    config.training.epochs = 100
    return config

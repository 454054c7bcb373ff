"""MNIST, 50 imbalanced splits: the setting of the paper (section 4, supplement 4.1 and 4.4).

What it trains: 28x28 images of ten digits, 29,640 to 48,122 of them by split; InfoGAN's networks;
Adam 2e-4, batch 64, 200 epochs, lambda_2 = 10.
What the paper reports: NMI 0.889, ENT 0.213 (mean of 50 splits, `elastic_infogan`).

    python -m eig_tf.train --dataset=mnist --split=0
    python -m eig_tf.train --dataset=mnist --split=0 --config.training.epochs=15 \
        --config.optimizer.prior_learning_rate=1e-3        # a short run; see README, Results
"""

from ml_collections import config_dict

from eig_tf.config import default_config


def get_config() -> config_dict.ConfigDict:
    """Return the preset: the defaults of the schema are the paper's own for MNIST."""
    config = default_config()
    config.dataset = "mnist"
    return config

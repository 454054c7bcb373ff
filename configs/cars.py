"""3D Cars: ten car models in 96 views each, five sets of ten times five imbalanced splits (section 4).

What it trains: 64x64 colour images, 526 to 712 of them by split; batch 50, 600 epochs, as in the paper.
With --preset=cpu: smaller networks and 300 epochs, for machines without a GPU; see README, Results.
What the paper reports: NMI 0.850, ENT 0.303 (`elastic_infogan`).

    python -m eig_tf.train --dataset=cars --data_dir=DIRECTORY --class_set=0 --split=0
"""

from ml_collections import config_dict

from eig_tf.config import default_config, for_64x64, for_cpu


def get_config() -> config_dict.ConfigDict:
    """Return the preset; delta is rotation, mirroring and a crop that keeps 95% (section 4)."""
    config = for_64x64(default_config())
    config.dataset = "cars"
    config.data.class_set = "0"  # 0 to 4: the paper's sets | random | ids such as 003,017
    config.augment.crop = 0.95
    return config


def get_cpu_config() -> config_dict.ConfigDict:
    """Return the preset for machines without a GPU."""
    return for_cpu(get_config(), epochs=300)

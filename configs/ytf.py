"""YouTube Faces: the first 40 people by name, as imbalanced as they come (section 4).

What it trains: 64x64 colour crops of faces, 10,066 of them; batch 50. The paper trains until the images
look right, and does not say how long.
With --preset=cpu: smaller networks and 60 epochs, for machines without a GPU; see README, Results.
What the paper reports: NMI 0.792, ENT 0.636 (`elastic_infogan`).

    python -m eig_tf.train --dataset=ytf --data_dir=DIRECTORY
"""

from ml_collections import config_dict

from eig_tf.config import default_config, for_64x64, for_cpu


def get_config() -> config_dict.ConfigDict:
    """Return the preset; delta is mirroring, a 1.1-fold enlargement cut to size, and gamma (section 4)."""
    config = for_64x64(default_config())
    config.dataset = "ytf"
    config.data.imbalance = "none"
    config.data.num_identities = 40
    config.data.max_unreadable = 0.05  # share of the frames that may lack a box or be damaged
    config.augment.rotation = 0.0
    config.augment.enlarge = 1.1
    config.augment.gamma_min = 0.3
    config.augment.gamma_max = 4.0
    # Photographs of one person are in different light.
    config.categories.ignore_colours = True
    config.networks.num_codes = 40
    config.networks.stages = 2  # supplement 4.3
    config.training.epochs = 200
    return config


def get_cpu_config() -> config_dict.ConfigDict:
    """Return the preset for machines without a GPU."""
    return for_cpu(get_config(), epochs=60)

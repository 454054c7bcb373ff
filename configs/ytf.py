"""YouTube Faces: the first 40 people by name, as imbalanced as they come (section 4).

What it trains: 64x64 colour crops of faces, 10,066 of them; batch 50. The paper trains until the images
look right, and does not say how long.
The networks are small ones for machines without a GPU, not yet those of the paper.
What the paper reports, with its own networks: NMI 0.792, ENT 0.636 (`elastic_infogan`).

    python -m eig_tf.train --dataset=ytf --data_dir=DIRECTORY
"""

from eig_tf.config import default_config


def get_config():
    """The preset; delta is mirroring, a 1.1-fold enlargement cut to size, and gamma (section 4)."""
    config = default_config()
    config.dataset = "ytf"
    config.data.imbalance = "none"
    config.data.num_identities = 40
    config.data.image_size = 64
    config.data.channels = 3
    config.data.max_unreadable = 0.05  # share of the frames that may lack a box or be damaged
    config.augment.rotation = 0.0
    config.augment.zoom = 0.0
    config.augment.flip = True
    config.augment.enlarge = 1.1
    config.augment.gamma_min = 0.3
    config.augment.gamma_max = 4.0
    config.networks.noise_dim = 100
    config.networks.num_codes = 40
    config.training.epochs = 200
    config.training.batch_size = 50
    return config

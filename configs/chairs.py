"""3D Chairs: ten chairs in 62 views each, five sets of ten times five imbalanced splits (section 4).

What it trains: 64x64 colour images, 200 to 450 of them by split; batch 50, 600 epochs, as in the paper.
The networks are small ones for machines without a GPU, not yet those of the paper.
What the paper reports, with its own networks: NMI 0.650, ENT 0.765 (`elastic_infogan`).

    python -m eig_tf.train --dataset=chairs --data_dir=DIRECTORY --class_set=0 --split=0
"""

from eig_tf.config import default_config


def get_config():
    """The preset; delta is rotation, mirroring and a crop that keeps 95% (section 4)."""
    config = default_config()
    config.dataset = "chairs"
    config.data.class_set = "0"  # 0 to 4: the paper's sets | random | positions such as 0003,0017
    config.data.image_size = 64
    config.data.channels = 3
    config.data.max_unreadable = 0.0  # share of the files that may be left out
    config.augment.zoom = 0.0
    config.augment.flip = True
    config.augment.crop = 0.95
    config.networks.noise_dim = 100
    config.training.epochs = 600
    config.training.batch_size = 50
    return config
